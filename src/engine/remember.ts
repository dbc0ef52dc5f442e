/**
 * What is remembered of the past, and for how long. A repeat of a remembered write is answered, not run; of a
 * forgotten one only its id's own time can tell, so `horizon` keeps the latest time that was forgotten. Forgetting
 * follows from the events alone: two folds of one journal forget the same.
 */
import { limits } from "../protocol/limits.ts";
import { timeOfId } from "./ids.ts";
import { agentOf, type Booking, type Pool, type Reservation, unsettledOne } from "./state.ts";

/** Puts a settled outcome in the queue of what may be forgotten. */
export function settle(pool: Pool, id: string): void {
  pool.settled.push(id);
}

/** Forgets what is both old and many, or too many. A constant amount of work per event, on average. */
export function forget(pool: Pool): void {
  while (pool.settled.size > limits.outcomesKept) {
    const known = rememberedAt(pool, pool.settled.peek());
    if (pool.settled.size <= limits.outcomesMax && settledAt(known) >= pool.at - limits.outcomesKeptMs) break;
    pool.settled.shift();
    drop(pool, known);
  }
  forgetUnsettled(pool);
}

function forgetUnsettled(pool: Pool): void {
  for (;;) {
    const expiry = pool.unsettled.peek();
    if (expiry === undefined) return;
    const known = unsettledOne(pool, expiry);
    if (known !== undefined) {
      if (pool.unsettledCount <= limits.unsettledMax && settledAt(known) >= pool.at - limits.unsettledMs) break;
      pool.unsettledCount--;
      if (known.owner !== null) agentOf(pool, known.owner).unsettled--;
      drop(pool, known);
    }
    pool.unsettled.shift();
  }
  // Those committed late lie among the others until they come to the front; they may cost as much again.
  if (pool.unsettled.size > 2 * pool.unsettledCount + 1_000) {
    pool.unsettled.compact((expiry) => unsettledOne(pool, expiry) !== undefined);
  }
}

function drop(pool: Pool, known: Reservation | Booking): void {
  pool.remembered.delete(known.id);
  // Never later than when it was used: a client whose clock runs ahead must not make the pool refuse everybody's ids.
  const time = timeOfId(known.id);
  if (time !== undefined) pool.horizon = Math.max(pool.horizon, Math.min(time, known.at));
}

function settledAt(known: Reservation | Booking): number {
  return known.op === "reserve" ? (known.settlement?.at ?? known.at) : known.at;
}

function rememberedAt(pool: Pool, id: string | undefined): Reservation | Booking {
  const known = id === undefined ? undefined : pool.remembered.get(id);
  if (known === undefined) throw new Error(`outcome ${id} is queued but not remembered`);
  return known;
}
