/** What several events have in common: moving budget between ledgers, and remembering writes. */
import type { EventOf } from "../../protocol/events.ts";
import type { Transfer } from "../../protocol/reservation.ts";
import { retain } from "../outcomes.ts";
import { type Agent, agentOf, type Booking, type Pool, type Reservation, unsettledOne } from "../state.ts";

/** Adds budget to the pool (below zero, takes it out): nothing of it belongs to an agent yet. */
export function addToUnallocated(pool: Pool, amount: number): void {
  pool.unallocated += amount;
  pool.total += amount;
}

/** Remembers a write that is not a reservation, so that its repeat is answered, not run. */
export function rememberWrite(
  pool: Pool,
  id: string,
  booking: Pick<Booking, "op" | "agent" | "amount"> & Partial<Booking>,
): void {
  const { op, agent, amount, confidence, metadata, overage = 0, transfers = [], donors = [] } = booking;
  const { at, seq } = pool;
  const booked: Booking = { op, id, agent, amount, confidence, metadata, overage, transfers, donors, at, seq };
  pool.remembered.set(id, booked);
  retain(pool, booked);
}

/** Changes an allocation by `amount`, at the cost (below zero, in favour) of where it comes from. */
export function allocate(pool: Pool, agent: Agent, amount: number, source: EventOf<"registered">["source"]): void {
  agent.allocated += amount;
  if (source === "unallocated") pool.unallocated -= amount;
  else if (source === "issued") pool.total += amount;
  else if (agent.contract.parent !== null) agentOf(pool, agent.contract.parent).allocated -= amount;
}

/** Moves budget to `agent` from its lenders; `from` null is the unallocated budget. */
export function take(pool: Pool, agent: Agent, transfers: readonly Transfer[]): void {
  for (const { from, amount } of transfers) {
    if (from === null) pool.unallocated -= amount;
    else agentOf(pool, from).allocated -= amount;
    agent.allocated += amount;
  }
}

/** The expired reservations of `owner` that still wait for their late commit. */
export function unsettledOf(pool: Pool, owner: string): Reservation[] {
  return pool.unsettled
    .toArray()
    .map((expiry) => unsettledOne(pool, expiry))
    .filter((reservation) => reservation !== undefined)
    .filter((reservation) => reservation.owner === owner);
}

/** Opens the confidence gate: what was reported before no longer counts. */
export function openGate(agent: Agent): void {
  agent.confidence = null;
  agent.warned = { ...agent.warned, gate: false };
}

/** What expiry booked belongs to a period that is over: a late commit books only what goes beyond it. */
export function chargeBefore(reservation: Reservation): void {
  reservation.chargedBefore += reservation.charged;
  reservation.charged = 0;
}
