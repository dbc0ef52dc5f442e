/**
 * Decides the life of a reservation: reserve, commit, release, extend, expire. Reserving may be refused, because nothing
 * has been spent yet. Committing may not be refused for budget: the provider has been paid, and a pool that refused to
 * book it would show money that is gone.
 */
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
 * Holds `amount` for the agent, in the pool's unit: from its own budget, and by transfers for what is missing. Exactly the
 * shortfall moves, in the same event as the hold: two events could be stored in part, and leave the donors poorer without
 * a hold. With `at_least` it holds what there is, down to that; otherwise all of it or nothing.
 *
 * Refused: `unit_mismatch`, `id_reused`, `id_too_old`, `agent_not_found`, `agent_closing`, `paused`, `confidence_reached`,
 * `too_many_reserves`, `limit_reached` (open reservations), and for budget `budget_exceeded`.
 */
export function decideReserve(pool: Pool, command: ReserveCommand, now: number): Decision {
  const decided = decidedWithoutBudget(pool, command, now);
  if (decided !== undefined) return decided;
  const agent = agentOf(pool, command.agent);
  const granted = grantable(pool, agent, command);
  if (granted === undefined) return budgetExceeded(pool, agent, command, now);

  // What the agent has is used before anything is taken from others: a donor gives only what would be refused otherwise.
  const shortfall = granted - usable(agent, command.final);
  const moves = shortfall > 0 ? plan(pool, agent, shortfall) : emptyPlan;
  // The number of transfers is known only now, and each is remembered: the bound in bytes is checked again with them.
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
    // As the caller wrote them, not with defaults filled in: a repeat is compared with what was asked.
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

/**
 * The first field in which two reserves with one id differ; undefined if they are the same. A default that is spelled out
 * is no difference: a client that is upgraded between two attempts may begin to send it.
 */
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
 * Open reservations can't be forgotten (each holds budget), so they are bounded before they are made, in number and in
 * bytes. An agent may have as many as it leaves free for all others (`share.ts`): one that opens reservations in a loop
 * exhausts its own share, and the other agents can still reserve.
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
  // Its share shrinks as others take theirs: half of what they leave, so that room for a newcomer always remains.
  const share = shareOf(all, used - own);
  if (own + more <= share) return undefined;
  // An agent that has none and may have none: the pool is full, and the agent must not be blamed for it.
  return own === 0
    ? refuse({ code: "limit_reached", limit, maximum: all })
    : refuse({ code: "limit_reached", limit: `${limit}PerAgent`, maximum: share });
}

/**
 * The agent's rate limit, against loops: so many reserves in a minute of the clock (a fixed window). Only granted ones
 * count, so an agent that is refused for budget is not also slowed down once budget comes free.
 */
function tooMany({ name, contract, pace }: Agent, now: number): Decision | undefined {
  const { max_reserves_per_minute } = contract;
  if (max_reserves_per_minute === null || pace === null) return undefined;
  if (pace.minute !== minuteOf(now) || pace.count < max_reserves_per_minute) return undefined;
  const retry_after_ms = (pace.minute + 1) * minuteMs - now;
  return refuse({ code: "too_many_reserves", agent: name, max_reserves_per_minute, retry_after_ms });
}

/**
 * What is decided before budget is looked at: a repeat, or a refusal that budget would not change. The order matters: the
 * idempotency check comes before the agent's state, so that a repeat gets its first answer though the agent was paused since.
 */
function decidedWithoutBudget(pool: Pool, command: ReserveCommand, now: number): Decision | undefined {
  const decided =
    unitMismatch(pool, command.unit) ??
    usedBefore(pool, command.id, command.agent, (known) => differsFrom(known, command));
  if (decided !== undefined) return decided;
  const agent = pool.agents.get(command.agent);
  // An unknown name is refused, not registered on the way: a typo would get a budget of its own.
  if (agent === undefined) return refuse({ code: "agent_not_found", agent: command.agent });
  return cannotSpend(pool, agent) ?? tooMany(agent, now) ?? tooManyOpen(pool, agent, command, 0);
}

/**
 * Whether budget, and nothing else, is what `command` lacks now: only then may it wait in line. Asked for each reserve in
 * line whenever budget comes free, so it computes none of the facts that a refusal states.
 */
export function lacksOnlyBudget(pool: Pool, command: ReserveCommand, now: number): boolean {
  return (
    decidedWithoutBudget(pool, command, now) === undefined &&
    grantable(pool, agentOf(pool, command.agent), command) === undefined
  );
}

/**
 * What can be held now, or undefined if that is too little. Donors are summed, not sorted: an agent in a loop makes
 * thousands of refused reserves a second, and each would cost a sort of all agents.
 */
function grantable(pool: Pool, agent: Agent, command: ReserveCommand): number | undefined {
  // Another agent's overage has spent budget that allocations still promise. Without the bound of the whole pool it would
  // be spent a second time.
  const room = headroom(pool);
  const own = usable(agent, command.final);
  if (command.amount <= own && command.amount <= room) return command.amount;
  const most = Math.min(command.amount, room, own + transferable(pool, agent));
  return most >= (command.at_least ?? command.amount) ? most : undefined;
}

/** The refusal of a reserve that lacks budget, with what its caller needs to decide whether to wait, ask for less, or stop. */
function budgetExceeded(pool: Pool, agent: Agent, command: ReserveCommand, now: number): Decision {
  const atLeast = command.at_least ?? command.amount;
  const final_reserve = command.final ? 0 : agent.contract.final_reserve;
  // If every open hold came back unspent: whether waiting for others to finish can help at all.
  const couldGet = potential(pool, agent, final_reserve);
  const refill = refillsOf(pool, agent, final_reserve).find((one) => atLeast <= one.potential);
  const lease = atLeast <= couldGet ? nextLease(pool) : undefined;
  return refuse({
    code: "budget_exceeded",
    agent: agent.name,
    unit: pool.settings?.unit ?? "tokens",
    asked: command.amount,
    at_least: atLeast,
    available: usable(agent, command.final),
    transferable: transferable(pool, agent),
    headroom: headroom(pool),
    potential: couldGet,
    // Time alone helps where a lease gives its budget back when it ends, or where a period ends. A lease that is charged
    // at its end frees nothing: a caller told to come back then would be refused again.
    ...(lease?.onExpiry === "release"
      ? { retry_after_ms: lease.expiresAt - now }
      : refill && { retry_after_ms: refill.at - now }),
    ...(refill && { resets_at: refill.at }),
    ...(final_reserve > 0 ? { final_reserve } : undefined),
  });
}

/**
 * Books what a call really used. Usage is a fact and is never refused for budget: what neither the hold, nor the agent's
 * own budget, nor transfers cover is overage. After the lease has ended a commit is accepted once, marked late: the call
 * may have taken longer than its lease, and its provider was paid all the same.
 *
 * Refused: `unit_mismatch`, `reservation_not_found`, `id_too_old`, `reservation_settled` (with another amount), `limit_reached`.
 */
export function decideCommit(pool: Pool, command: CommitCommand, now: number): Decision {
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  const reservation = pool.remembered.get(command.id);
  if (reservation?.op !== "reserve") return unknown(pool, command.id);
  // An expired reservation falls through: its commit is late, and accepted.
  if (reservation.state === "committed" || reservation.state === "released") {
    return isSameCommit(reservation, command) ? replayed : settledAlready(reservation);
  }
  const booked = bookedBy(reservation, command.amount);
  // The only refusal of a fact: sums beyond 2^53 would no longer be exact. No real budget comes near it.
  if (booked > 0 && pool.consumed + booked > limits.spend) {
    return refuse({ code: "limit_reached", limit: "spend", maximum: limits.spend });
  }

  // To `owner`, not `agent`: once a sub-agent has left, its parent pays for what its calls turn out to have used.
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

/** Whether `command` repeats the commit that settled the reservation. A repeat is answered, never booked again. */
function isSameCommit(reservation: Reservation, command: CommitCommand): boolean {
  const { settlement } = reservation;
  return (
    reservation.state === "committed" &&
    settlement?.amount === command.amount &&
    settlement.confidence === command.confidence
  );
}

/**
 * What the commit books beyond what is set aside for it: the hold while it is open; nothing once it has expired, when
 * `bookedBy` already leaves out what was charged at the end of the lease.
 */
function excess(reservation: Reservation, amount: number): number {
  return bookedBy(reservation, amount) - (reservation.state === "held" ? reservation.granted : 0);
}

/**
 * Pays for spend that has already happened: from what `owner` has available, then by transfers as far as they reach. The
 * rest is `overage`, which stays on the agent's ledger until budget is added. `owner` null is an agent that has left:
 * nothing is moved for it, because no agent is there to receive a transfer.
 */
export function cover(
  pool: Pool,
  owner: string | null,
  amount: number,
): Pick<Plan, "transfers"> & { readonly overage: number } {
  if (owner === null || amount <= 0) return { transfers: emptyPlan.transfers, overage: 0 };
  const agent = agentOf(pool, owner);
  // Below zero the agent is in overage already. That was reported when it arose, and must not be reported again here.
  const shortfall = amount - Math.max(0, available(agent));
  if (shortfall <= 0) return { transfers: emptyPlan.transfers, overage: 0 };
  // Lent although it is spent already: otherwise the agent would owe what others have to spare and could have given before.
  const { transfers, moved } = plan(pool, agent, shortfall);
  return { transfers, overage: shortfall - moved };
}

/**
 * Gives a hold back: no call was made. A reservation whose lease has ended holds nothing any more, which is what the
 * caller wanted, so its release succeeds without an event. A committed one is refused: its caller believes that nothing
 * was spent, and must learn that something was.
 *
 * Refused: `reservation_not_found`, `id_too_old`, `reservation_settled` (it was committed).
 */
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

/**
 * Renews the lease: it ends `ttl_ms` from now, but never earlier than before (two keep-alives may arrive in the wrong
 * order), and never later than a day after the reservation was made (a program that is stuck must not hold budget for ever).
 *
 * Refused: `reservation_not_found`, `id_too_old`, `reservation_settled`.
 */
export function decideExtend(pool: Pool, command: ExtendCommand, now: number): Decision {
  const reservation = pool.remembered.get(command.id);
  if (reservation?.op !== "reserve") return unknown(pool, command.id);
  if (reservation.state !== "held") return settledAlready(reservation);
  // `on_expiry` may change with it: a call that is about to be sent turns a hold that would be released into one that is
  // charged, and from then on a crash of its caller books it.
  const latest = reservation.at + limits.ttlMs;
  const expiresAt = Math.max(reservation.expiresAt, Math.min(now + command.ttl_ms, latest));
  const onExpiry = command.on_expiry ?? reservation.onExpiry;
  if (expiresAt === reservation.expiresAt && onExpiry === reservation.onExpiry) return nothingToDo;

  return { events: [{ type: "extended", at: now, id: command.id, expires_at: expiresAt, on_expiry: onExpiry }] };
}

/**
 * The event of the first lease that has ended at `now`, if any. With `on_expiry: "charge"` the hold is booked whole: it
 * stands for a call that was sent and whose caller may be dead, so spending is assumed until a late commit says how much.
 */
export function expireNext(pool: Pool, now: number): PoolEvent | undefined {
  const reservation = nextLease(pool);
  if (reservation === undefined || reservation.expiresAt > now) return undefined;
  const charged = reservation.onExpiry === "charge" ? reservation.granted : 0;
  return { type: "expired", at: now, id: reservation.id, charged };
}

/** An id that is not remembered. If it may have been forgotten, `reservation_not_found` would be a wrong answer: say so. */
function unknown(pool: Pool, id: string): Decision {
  return refuse(isAsOldAs(pool.latestHorizon, id) ? { code: "id_too_old", id } : { code: "reservation_not_found", id });
}

/** The refusal for a reservation that has left `held`, with how it ended and what was booked for it. */
function settledAlready(reservation: Reservation): Decision {
  const { id, state } = reservation;
  if (state === "held") throw new Error(`reservation ${id} is not settled`);
  return refuse({ code: "reservation_settled", id, state, consumed: reservation.settlement?.amount ?? 0 });
}
