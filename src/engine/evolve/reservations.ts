/** What reservations and usage do to the state. */
import type { EventOf } from "../../protocol/events.ts";
import type { ReservationEvents } from "../../protocol/reservation.ts";
import type { UsageEvents } from "../../protocol/usage.ts";
import { bytesOf } from "../bytes.ts";
import { awaitCommit, commitsLate, retain } from "../outcomes.ts";
import {
  type Agent,
  agentOf,
  bookedBy,
  isCurrent,
  minuteOf,
  type Pool,
  type Reservation,
  reservationOf,
} from "../state.ts";
import type { Appliers } from "./appliers.ts";
import { rememberWrite, take } from "./ledger.ts";

export const reservationAppliers: Appliers<ReservationEvents> = {
  reserved,
  committed,
  released: (pool, { id }) => settleAs(pool, reservationOf(pool, id), "released", 0),
  extended,
  expired,
};

export const usageAppliers: Appliers<UsageEvents> = {
  recorded,
  reallocated: (pool, event) => {
    take(pool, agentOf(pool, event.agent), event.transfers);
    rememberWrite(pool, event.id, { ...event, op: "reallocate", amount: event.asked });
  },
};

function reserved(pool: Pool, event: EventOf<"reserved">): void {
  const agent = agentOf(pool, event.agent);
  if (event.transfers.length > 0) take(pool, agent, event.transfers);
  agent.held += event.granted;
  agent.open++;
  agent.activeAt = event.at;
  if (agent.contract.max_reserves_per_minute !== null) agent.pace = paceAt(agent, event.at);
  pool.held += event.granted;
  pool.open++;
  const reservation: Reservation = {
    op: "reserve",
    id: event.id,
    agent: event.agent,
    owner: event.agent,
    state: "held",
    asked: event.asked,
    granted: event.granted,
    transfers: event.transfers,
    at: event.at,
    seq: pool.seq,
    firstExpiresAt: event.expires_at,
    firstOnExpiry: event.on_expiry,
    expiresAt: event.expires_at,
    onExpiry: event.on_expiry,
    atLeast: event.at_least,
    ttlMs: event.ttl_ms,
    metadata: event.metadata,
    final: event.final,
    charged: 0,
    chargedBefore: 0,
    settlement: undefined,
  };
  pool.remembered.set(event.id, reservation);
  const bytes = bytesOf(reservation);
  agent.openBytes += bytes;
  pool.openBytes += bytes;
  pushLease(pool, event.id, event.expires_at);
}

function paceAt({ pace }: Agent, at: number): Agent["pace"] {
  const minute = minuteOf(at);
  return { minute, count: pace?.minute === minute ? pace.count + 1 : 1 };
}

function pushLease(pool: Pool, id: string, expiresAt: number): void {
  pool.leases.push({ expiresAt, id });
  // Settled and extended reservations leave stale entries behind; they may cost as much again as the live ones.
  if (pool.leases.size > 2 * pool.open + 1_000) {
    pool.leases.compact((lease) => {
      const known = pool.remembered.get(lease.id);
      return known?.op === "reserve" && isCurrent(lease, known);
    });
  }
}

function committed(pool: Pool, event: EventOf<"committed">): void {
  const reservation = reservationOf(pool, event.id);
  const late = reservation.state === "expired";
  const booked = bookedBy(reservation, event.amount);
  const agent = reservation.owner === null ? undefined : agentOf(pool, reservation.owner);
  if (agent === undefined) {
    bookOnClosed(pool, booked);
  } else {
    take(pool, agent, event.transfers);
    agent.consumed += booked;
    // What is booked to a parent because its sub-agent has left says nothing about the parent's activity or confidence.
    if (agent.name === reservation.agent) {
      agent.activeAt = event.at;
      reportConfidence(agent, event.confidence);
    }
  }
  pool.consumed += booked;
  if (late) {
    commitsLate(pool, reservation);
    if (agent !== undefined) agent.unsettled--;
  } else {
    endHold(pool, reservation);
  }
  reservation.state = "committed";
  reservation.charged = 0;
  const { amount, confidence, overage, transfers } = event;
  reservation.settlement = { at: event.at, seq: pool.seq, amount, confidence, overage, transfers, late };
  retain(pool, reservation);
}

/**
 * A late commit of an agent that has left. If it corrects a charge downwards, what the closed accounts then have over returns
 * as an agent's unspent budget does: to the unallocated budget, or, in a pool without a budget, out of the total.
 */
function bookOnClosed(pool: Pool, booked: number): void {
  pool.closed.consumed += booked;
  const over = Math.max(0, Math.min(-booked, pool.closed.allocated - pool.closed.consumed));
  pool.closed.allocated -= over;
  if (pool.settings?.budget === null) pool.total -= over;
  else pool.unallocated += over;
}

/** The gate follows the highest confidence since it last opened: a lower report later does not open it again. */
function reportConfidence(agent: Agent, confidence: number | undefined): void {
  if (confidence !== undefined) agent.confidence = Math.max(agent.confidence ?? 0, confidence);
}

/** Takes a reservation out of the sums of what is held and open. */
function endHold(pool: Pool, reservation: Reservation): void {
  const agent = agentOf(pool, reservation.agent);
  agent.held -= reservation.granted;
  agent.open--;
  pool.held -= reservation.granted;
  pool.open--;
  const bytes = bytesOf(reservation);
  agent.openBytes -= bytes;
  pool.openBytes -= bytes;
}

/** Ends a hold without a commit. What expiry charges is booked by the caller. */
function settleAs(pool: Pool, reservation: Reservation, state: "released" | "expired", amount: number): void {
  endHold(pool, reservation);
  reservation.state = state;
  reservation.settlement = {
    at: pool.at,
    seq: pool.seq,
    amount,
    confidence: undefined,
    overage: 0,
    transfers: [],
    late: false,
  };
  if (state === "released") retain(pool, reservation);
}

function extended(pool: Pool, event: EventOf<"extended">): void {
  const reservation = reservationOf(pool, event.id);
  reservation.onExpiry = event.on_expiry;
  if (reservation.expiresAt === event.expires_at) return;
  reservation.expiresAt = event.expires_at;
  pushLease(pool, event.id, event.expires_at);
}

function expired(pool: Pool, event: EventOf<"expired">): void {
  const reservation = reservationOf(pool, event.id);
  const agent = agentOf(pool, reservation.agent);
  settleAs(pool, reservation, "expired", event.charged);
  reservation.charged = event.charged;
  agent.consumed += event.charged;
  agent.unsettled++;
  pool.consumed += event.charged;
  awaitCommit(pool, reservation);
}

function recorded(pool: Pool, event: EventOf<"recorded">): void {
  const agent = agentOf(pool, event.agent);
  take(pool, agent, event.transfers);
  agent.consumed += event.amount;
  agent.activeAt = event.at;
  reportConfidence(agent, event.confidence);
  pool.consumed += event.amount;
  rememberWrite(pool, event.id, { ...event, op: "record" });
}
