/**
 * Idempotency: which outcomes are remembered, and for how long (docs/decisions/0003-what-is-remembered.md). The repeat of a
 * remembered write is answered, not run. A forgotten write can be recognised only by the time in its id, so a `horizon` keeps
 * the latest time that was forgotten, and ids as old as that are refused. Each agent has a history of its own; when all of
 * them together are too large, the largest one forgets its oldest (longest queue drop), so that no agent pushes out the
 * outcomes of another. Forgetting follows from the events alone: two folds of one journal forget the same.
 */
import { limits } from "../protocol/limits.ts";
import { bytesOf } from "./bytes.ts";
import { Heap } from "./heap.ts";
import { timeOfId } from "./ids.ts";
import { Queue } from "./queue.ts";
import {
  agentOf,
  type Booking,
  type Expiry,
  type History,
  heavier,
  type Load,
  type Pool,
  type Reservation,
  unsettledOne,
} from "./state.ts";

/** The key of the pool's own history (funding, new periods). No agent has an empty name. */
const poolsOwn = "";

/** How often histories of agents that have left are looked for, in events. */
const sweepEvery = 1_024;

export function newHistory(agent: string): History {
  const nothing = { outcomeBytes: 0, unsettledCount: 0, unsettledBytes: 0, horizon: 0 };
  return { agent, outcomes: new Queue(), unsettled: new Queue(), ...nothing };
}

/** Keeps a settled outcome until it is forgotten. */
export function retain(pool: Pool, known: Reservation | Booking): void {
  const history = historyOf(pool, known.agent);
  history.outcomes.push(known.id);
  const bytes = bytesOf(known);
  history.outcomeBytes += bytes;
  pool.outcomeBytes += bytes;
  pool.outcomeCount++;
  weigh(pool, pool.outcomeLoads, { agent: history.agent, bytes: history.outcomeBytes }, (one) => one.outcomeBytes);
}

/** Keeps a reservation that has just expired, so that its late commit can correct it. */
export function awaitCommit(pool: Pool, known: Reservation): void {
  const history = historyOf(pool, known.agent);
  const expiry = { id: known.id, seq: pool.seq };
  history.unsettled.push(expiry);
  pool.unsettled.push(expiry);
  countUnsettled(pool, history, 1, bytesOf(known));
}

/** An expired reservation is committed late: it no longer waits for its commit. */
export function commitsLate(pool: Pool, known: Reservation): void {
  countUnsettled(pool, historyOf(pool, known.agent), -1, -bytesOf(known));
}

/** Forgets outcomes that are old and many, or too large. Amortised constant work per event. */
export function forget(pool: Pool): void {
  forgetOutcomes(pool);
  forgetUnsettled(pool);
  if (pool.seq % sweepEvery === 0) forgetHistories(pool);
}

/** The latest time of an id that may have been forgotten, for this agent (null: the pool itself). */
export function horizonOf(pool: Pool, agent: string | null): number {
  return Math.max(pool.horizon, pool.histories.get(agent ?? poolsOwn)?.horizon ?? 0);
}

/** After a clock was corrected: horizons from the future would refuse every id that is made from now on. */
export function forgetFuture(pool: Pool, now: number): void {
  for (const history of pool.histories.values()) history.horizon = Math.min(history.horizon, now);
  pool.horizon = Math.min(pool.horizon, now);
  pool.latestHorizon = Math.min(pool.latestHorizon, now);
}

function forgetOutcomes(pool: Pool): void {
  for (;;) {
    const tooMuch = pool.outcomeBytes > limits.outcomesBytes;
    if (!tooMuch && pool.outcomeCount <= limits.outcomesKept) return;
    const history = heaviest(pool, pool.outcomeLoads, (one) => one.outcomeBytes);
    const known = history === undefined ? undefined : pool.remembered.get(history.outcomes.peek() ?? "");
    if (history === undefined || known === undefined) throw new Error("an outcome is counted but not remembered");
    if (!tooMuch && settledAt(known) >= pool.at - limits.outcomesKeptMs) return;
    history.outcomes.shift();
    const bytes = bytesOf(known);
    history.outcomeBytes -= bytes;
    pool.outcomeBytes -= bytes;
    pool.outcomeCount--;
    drop(pool, history, known);
    weigh(pool, pool.outcomeLoads, { agent: history.agent, bytes: history.outcomeBytes }, (one) => one.outcomeBytes);
  }
}

function forgetUnsettled(pool: Pool): void {
  for (let first = pool.unsettled.peek(); first !== undefined; first = pool.unsettled.peek()) {
    const known = unsettledOne(pool, first);
    if (known !== undefined && settledAt(known) >= pool.at - limits.unsettledMs) break;
    if (known !== undefined) dropUnsettled(pool, known);
    pool.unsettled.shift();
  }
  while (pool.unsettledBytes > limits.unsettledBytes) {
    const history = heaviest(pool, pool.unsettledLoads, (one) => one.unsettledBytes);
    if (history === undefined) throw new Error("an expiry is counted but not remembered");
    const first = history.unsettled.shift();
    const known = first === undefined ? undefined : unsettledOne(pool, first);
    if (known !== undefined) dropUnsettled(pool, known);
  }
  // Entries of those committed late or forgotten stay in the queue until they come to the front; they are bounded here.
  compact(pool, pool.unsettled, pool.unsettledCount);
}

function dropUnsettled(pool: Pool, known: Reservation): void {
  const history = historyOf(pool, known.agent);
  countUnsettled(pool, history, -1, -bytesOf(known));
  if (known.owner !== null) agentOf(pool, known.owner).unsettled--;
  drop(pool, history, known);
}

function countUnsettled(pool: Pool, history: History, count: 1 | -1, bytes: number): void {
  history.unsettledCount += count;
  history.unsettledBytes += bytes;
  pool.unsettledCount += count;
  pool.unsettledBytes += bytes;
  compact(pool, history.unsettled, history.unsettledCount);
  const load = { agent: history.agent, bytes: history.unsettledBytes };
  weigh(pool, pool.unsettledLoads, load, (one) => one.unsettledBytes);
}

function compact(pool: Pool, queue: Queue<Expiry>, live: number): void {
  if (queue.size > 2 * live + 1_000) queue.compact((expiry) => unsettledOne(pool, expiry) !== undefined);
}

function drop(pool: Pool, history: History, known: Reservation | Booking): void {
  pool.remembered.delete(known.id);
  // Never later than when it was used: a client whose clock is ahead must not make the pool refuse the ids of all agents.
  const time = timeOfId(known.id);
  if (time === undefined) return;
  history.horizon = Math.max(history.horizon, Math.min(time, known.at, pool.at));
  pool.latestHorizon = Math.max(pool.latestHorizon, history.horizon);
}

/**
 * Forgets empty histories of agents that have left. The pool keeps their horizon, since an agent of that name may be
 * registered again. Only horizons older than the retention are merged, or they would refuse other agents' new ids; only
 * where very many agents come and go is that unavoidable.
 */
function forgetHistories(pool: Pool): void {
  const vacant = [...pool.histories.values()].filter(
    ({ agent, outcomes, unsettledCount }) => outcomes.size === 0 && unsettledCount === 0 && !pool.agents.has(agent),
  );
  vacant.sort((a, b) => a.horizon - b.horizon);
  for (const [place, { agent, horizon }] of vacant.entries()) {
    const isTooMany = vacant.length - place > limits.vacantHistories;
    if (!isTooMany && horizon >= pool.at - limits.outcomesKeptMs) break;
    pool.histories.delete(agent);
    pool.horizon = Math.max(pool.horizon, horizon);
  }
}

function historyOf(pool: Pool, agent: string | null): History {
  const key = agent ?? poolsOwn;
  const known = pool.histories.get(key);
  if (known !== undefined) return known;
  const history = newHistory(key);
  pool.histories.set(key, history);
  return history;
}

/** Pushes a history's current size onto the heap. Stale entries stay until they come to the top, or are too many. */
function weigh(pool: Pool, loads: Heap<Load>, load: Load, bytesIn: (history: History) => number): void {
  loads.push(load);
  if (loads.size > 4 * pool.histories.size + 1_000) {
    const heaviestOf = new Set<string>();
    loads.compact(({ agent, bytes }) => {
      const history = pool.histories.get(agent);
      if (history === undefined || bytesIn(history) !== bytes || heaviestOf.has(agent)) return false;
      heaviestOf.add(agent);
      return true;
    });
  }
}

/** The largest history; of those of one size the first by name, so that every fold forgets the same. */
function heaviest(pool: Pool, loads: Heap<Load>, bytesIn: (history: History) => number): History | undefined {
  for (;;) {
    const load = loads.peek();
    if (load === undefined) return undefined;
    const history = pool.histories.get(load.agent);
    if (history !== undefined && load.bytes > 0 && bytesIn(history) === load.bytes) return history;
    loads.pop();
  }
}

/** A heap of the sizes of histories that were read from a snapshot. */
export function loadsOf(histories: Iterable<History>, bytesIn: (history: History) => number): Heap<Load> {
  return new Heap(
    heavier,
    Array.from(histories, (history) => ({ agent: history.agent, bytes: bytesIn(history) })),
  );
}

function settledAt(known: Reservation | Booking): number {
  return known.op === "reserve" ? (known.settlement?.at ?? known.at) : known.at;
}
