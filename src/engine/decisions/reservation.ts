/** Decides the life of a reservation: reserve, commit, release, extend, expire. */
import type { PoolEvent } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import type { CommitCommand, ExtendCommand, ReleaseCommand, ReserveCommand } from "../../protocol/reservation.ts";
import { shareOf } from "../../protocol/share.ts";
import { bytesOfReserve } from "../bytes.ts";
import { emptyPlan, type Plan, plan, transferable } from "../donors.ts";
import { potential } from "../potential.ts";
import {
  type Agent,
  agentOf,
  available,
  bookedBy,
  headroom,
  minuteMs,
  minuteOf,
  nextLease,
  type Pool,
  type Reservation,
  usable,
} from "../state.ts";
import { cannotSpend } from "./agent.ts";
import {
  type Decision,
  firstDifference,
  isAsOldAs,
  nothingToDo,
  refuse,
  replayed,
  unitMismatch,
  usedBefore,
} from "./decision.ts";
import { refillsOf } from "./period.ts";

/**
 * Holds `amount` for the agent, from its own budget and, for what is missing, by transfers: exactly the shortfall
 * moves, or nothing. With `at_least` it takes what there is.
 */
export function decideReserve(pool: Pool, command: ReserveCommand, now: number): Decision {
  const decided = decidedWithoutBudget(pool, command, now);
  if (decided !== undefined) return decided;
  const agent = agentOf(pool, command.agent);
  const granted = grantable(pool, agent, command);
  if (granted === undefined) return budgetExceeded(pool, agent, command, now);

  const shortfall = granted - usable(agent, command.final);
  const moves = shortfall > 0 ? plan(pool, agent, shortfall) : emptyPlan;
  const tooHeavy = moves.transfers.length > 0 ? tooManyOpen(pool, agent, command, moves.transfers.length) : undefined;
  if (tooHeavy !== undefined) return tooHeavy;
  const event: PoolEvent = {
    type: "reserved",
    at: now,
    id: command.id,
    agent: command.agent,
    asked: command.amount,
    granted,
    expires_at: now + (command.ttl_ms ?? pool.settings?.default_ttl_ms ?? limits.ttlMsDefault),
    on_expiry: command.on_expiry ?? "release",
    transfers: moves.transfers,
    ...(command.at_least === undefined ? undefined : { at_least: command.at_least }),
    ...(command.ttl_ms === undefined ? undefined : { ttl_ms: command.ttl_ms }),
    ...(command.metadata === undefined ? undefined : { metadata: command.metadata }),
    ...(command.final === undefined ? undefined : { final: command.final }),
  };
  return { events: [event] };
}

function differsFrom(known: { op: string }, command: ReserveCommand): string | undefined {
  if (!isReservation(known)) return "op";
  const { agent, asked: amount, atLeast: at_least, ttlMs: ttl_ms, firstOnExpiry: on_expiry, metadata, final } = known;
  return reserveDifference({ agent, amount, at_least, ttl_ms, on_expiry, metadata, final }, command);
}

/** The first field in which two reserves with one id differ; a default that is spelled out is no difference. */
export function reserveDifference(
  then: Omit<ReserveCommand, "op" | "id" | "unit">,
  now: Omit<ReserveCommand, "op" | "id" | "unit">,
): string | undefined {
  return firstDifference([
    ["agent", then.agent, now.agent],
    ["amount", then.amount, now.amount],
    ["at_least", then.at_least, now.at_least],
    ["ttl_ms", then.ttl_ms, now.ttl_ms],
    ["on_expiry", then.on_expiry ?? "release", now.on_expiry ?? "release"],
    ["metadata", then.metadata, now.metadata],
    ["final", then.final, now.final],
  ]);
}

function isReservation(known: { op: string }): known is Reservation {
  return known.op === "reserve";
}

/**
 * Open reservations can't be forgotten, so they are bounded before they are made, in number and in bytes. An agent may
 * have as many as it leaves free for all others (`share.ts`): none can lock the rest out.
 */
function tooManyOpen(pool: Pool, agent: Agent, command: ReserveCommand, transfers: number): Decision | undefined {
  const bytes = bytesOfReserve(command.metadata, transfers);
  return (
    beyondShare("openReservations", limits.openReservations, pool.open, agent.open, 1) ??
    beyondShare("openReservationsBytes", limits.openReservationsBytes, pool.openBytes, agent.openBytes, bytes)
  );
}

function beyondShare(
  limit: "openReservations" | "openReservationsBytes",
  all: number,
  used: number,
  own: number,
  more: number,
): Decision | undefined {
  const share = shareOf(all, used - own);
  if (own + more <= share) return undefined;
  // An agent that has none and may have none: it is the pool that is full.
  return own === 0
    ? refuse({ code: "limit_reached", limit, maximum: all })
    : refuse({ code: "limit_reached", limit: `${limit}PerAgent`, maximum: share });
}

/** A guard against loops: so many reserves in a minute of the clock, as the contract says. */
function tooMany({ name, contract, pace }: Agent, now: number): Decision | undefined {
  const { max_reserves_per_minute } = contract;
  if (max_reserves_per_minute === null || pace === null) return undefined;
  if (pace.minute !== minuteOf(now) || pace.count < max_reserves_per_minute) return undefined;
  const retry_after_ms = (pace.minute + 1) * minuteMs - now;
  return refuse({ code: "too_many_reserves", agent: name, max_reserves_per_minute, retry_after_ms });
}

/** What is decided before budget is looked at: a repeat, or a refusal that budget would not change. */
function decidedWithoutBudget(pool: Pool, command: ReserveCommand, now: number): Decision | undefined {
  const decided =
    unitMismatch(pool, command.unit) ??
    usedBefore(pool, command.id, command.agent, (known) => differsFrom(known, command));
  if (decided !== undefined) return decided;
  const agent = pool.agents.get(command.agent);
  if (agent === undefined) return refuse({ code: "agent_not_found", agent: command.agent });
  return cannotSpend(pool, agent) ?? tooMany(agent, now) ?? tooManyOpen(pool, agent, command, 0);
}

/** Whether budget, and nothing else, is what `command` lacks now. Cheaper than the refusal with all its facts. */
export function lacksOnlyBudget(pool: Pool, command: ReserveCommand, now: number): boolean {
  return (
    decidedWithoutBudget(pool, command, now) === undefined &&
    grantable(pool, agentOf(pool, command.agent), command) === undefined
  );
}

/** What can be held now, or undefined if that is too little. Nothing is sorted here: a refusal must be cheap. */
function grantable(pool: Pool, agent: Agent, command: ReserveCommand): number | undefined {
  const room = headroom(pool);
  const own = usable(agent, command.final);
  if (command.amount <= own && command.amount <= room) return command.amount;
  const most = Math.min(command.amount, room, own + transferable(pool, agent));
  return most >= (command.at_least ?? command.amount) ? most : undefined;
}

function budgetExceeded(pool: Pool, agent: Agent, command: ReserveCommand, now: number): Decision {
  const atLeast = command.at_least ?? command.amount;
  const final_reserve = command.final ? 0 : agent.contract.final_reserve;
  const couldGet = potential(pool, agent, final_reserve);
  const refill = refillsOf(pool, agent, final_reserve).find((one) => atLeast <= one.potential);
  const lease = atLeast <= couldGet ? nextLease(pool) : undefined;
  return refuse({
    code: "budget_exceeded",
    agent: agent.name,
    asked: command.amount,
    at_least: atLeast,
    available: usable(agent, command.final),
    transferable: transferable(pool, agent),
    headroom: headroom(pool),
    potential: couldGet,
    // Time alone helps where a lease gives its budget back when it ends, or where a period ends.
    ...(lease?.onExpiry === "release"
      ? { retry_after_ms: lease.expiresAt - now }
      : refill && { retry_after_ms: refill.at - now }),
    ...(refill && { resets_at: refill.at }),
    ...(final_reserve > 0 ? { final_reserve } : undefined),
  });
}

/**
 * Books what a call really used. Facts are never refused: what neither the hold, nor the agent's own budget, nor
 * transfers cover is overage. After expiry it is taken once, marked late.
 */
export function decideCommit(pool: Pool, command: CommitCommand, now: number): Decision {
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  const reservation = pool.remembered.get(command.id);
  if (reservation?.op !== "reserve") return unknown(pool, command.id);
  if (reservation.state === "committed" || reservation.state === "released") {
    return isSameCommit(reservation, command) ? replayed : settledAlready(reservation);
  }
  const booked = bookedBy(reservation, command.amount);
  if (booked > 0 && pool.consumed + booked > limits.spend) {
    return refuse({ code: "limit_reached", limit: "spend", maximum: limits.spend });
  }

  const { transfers, overage } = cover(pool, reservation.owner, excess(reservation, command.amount));
  const event: PoolEvent = {
    type: "committed",
    at: now,
    id: command.id,
    amount: command.amount,
    transfers,
    overage,
    ...(command.confidence === undefined ? undefined : { confidence: command.confidence }),
    ...(command.usage === undefined ? undefined : { usage: command.usage }),
    ...(reservation.state === "expired" ? { late: true } : undefined),
  };
  return { events: [event] };
}

function isSameCommit(reservation: Reservation, command: CommitCommand): boolean {
  const { settlement } = reservation;
  return (
    reservation.state === "committed" &&
    settlement?.amount === command.amount &&
    settlement.confidence === command.confidence
  );
}

/** What the commit books beyond what the reservation still holds, or has been charged on expiry. */
function excess(reservation: Reservation, amount: number): number {
  return bookedBy(reservation, amount) - (reservation.state === "held" ? reservation.granted : 0);
}

/** Budget for spend that has already happened: the agent's own, then transfers as far as they reach, then overage. */
export function cover(
  pool: Pool,
  owner: string | null,
  amount: number,
): Pick<Plan, "transfers"> & { readonly overage: number } {
  if (owner === null || amount <= 0) return { transfers: emptyPlan.transfers, overage: 0 };
  const agent = agentOf(pool, owner);
  const shortfall = amount - Math.max(0, available(agent));
  if (shortfall <= 0) return { transfers: emptyPlan.transfers, overage: 0 };
  const { transfers, moved } = plan(pool, agent, shortfall);
  return { transfers, overage: shortfall - moved };
}

/** Gives a hold back. Once expired there is nothing left to give, which is what the caller wanted. */
export function decideRelease(pool: Pool, command: ReleaseCommand, now: number): Decision {
  const reservation = pool.remembered.get(command.id);
  if (reservation?.op !== "reserve") return unknown(pool, command.id);
  switch (reservation.state) {
    case "held":
      return { events: [{ type: "released", at: now, id: command.id }] };
    case "committed":
      return settledAlready(reservation);
    case "released":
      return replayed;
    case "expired":
      return nothingToDo;
  }
}

/** Moves the end of the lease to `ttl_ms` from now: never earlier than it was, never later than a day after the start. */
export function decideExtend(pool: Pool, command: ExtendCommand, now: number): Decision {
  const reservation = pool.remembered.get(command.id);
  if (reservation?.op !== "reserve") return unknown(pool, command.id);
  if (reservation.state !== "held") return settledAlready(reservation);
  const latest = reservation.at + limits.ttlMs;
  const expiresAt = Math.max(reservation.expiresAt, Math.min(now + command.ttl_ms, latest));
  const onExpiry = command.on_expiry ?? reservation.onExpiry;
  if (expiresAt === reservation.expiresAt && onExpiry === reservation.onExpiry) return nothingToDo;

  return { events: [{ type: "extended", at: now, id: command.id, expires_at: expiresAt, on_expiry: onExpiry }] };
}

/** The event of the first lease that has ended at `now`, if any. */
export function expireNext(pool: Pool, now: number): PoolEvent | undefined {
  const reservation = nextLease(pool);
  if (reservation === undefined || reservation.expiresAt > now) return undefined;
  const charged = reservation.onExpiry === "charge" ? reservation.granted : 0;
  return { type: "expired", at: now, id: reservation.id, charged };
}

function unknown(pool: Pool, id: string): Decision {
  return refuse(isAsOldAs(pool.latestHorizon, id) ? { code: "id_too_old", id } : { code: "reservation_not_found", id });
}

function settledAlready(reservation: Reservation): Decision {
  const { id, state } = reservation;
  if (state === "held") throw new Error(`reservation ${id} is not settled`);
  return refuse({ code: "reservation_settled", id, state, consumed: reservation.settlement?.amount ?? 0 });
}
