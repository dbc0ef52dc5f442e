/**
 * A pool's state as plain JSON, and back: what a snapshot stores, and what an audit compares. Two states are equal if their
 * images are, so an image must hold everything that does not follow from the rest of it.
 */
import { bytesOf } from "./bytes.ts";
import { Heap } from "./heap.ts";
import { loadsOf, newHistory } from "./outcomes.ts";
import { Queue } from "./queue.ts";
import {
  type Agent,
  type Booking,
  type Expiry,
  earliestEnd,
  emptyPool,
  type History,
  leaseBefore,
  type Pool,
  type Reservation,
  unsettledOne,
} from "./state.ts";

export type PoolImage = {
  readonly head: ImageHead;
  readonly agents: readonly Agent[];
  readonly remembered: readonly (Reservation | Booking)[];
  readonly histories: readonly StoredHistory[];
  readonly unsettled: readonly Expiry[];
};

export type ImageHead = Pick<
  Pool,
  | "settings"
  | "seq"
  | "at"
  | "total"
  | "unallocated"
  | "consumed"
  | "held"
  | "open"
  | "closed"
  | "horizon"
  | "latestHorizon"
  | "paused"
  | "period"
  | "warned"
>;

/** A history without its sums, which follow from what is remembered. */
type StoredHistory = Pick<History, "agent" | "horizon"> & {
  readonly outcomes: readonly string[];
  readonly unsettled: readonly Expiry[];
};

/** The lists of an image. They are stored and compared item by item: the text of a large pool does not fit in memory twice. */
export const imageLists = ["agents", "remembered", "histories", "unsettled"] as const satisfies (keyof PoolImage)[];

/** The image of `pool`. It shares objects with the pool, so it must be used before the pool changes. */
export function toImage(pool: Pool): PoolImage {
  const { settings, seq, at, total, unallocated, consumed, held, open, closed, horizon, latestHorizon } = pool;
  const { paused, period, warned } = pool;
  const sums = { total, unallocated, consumed, held, open, closed, horizon, latestHorizon };
  return {
    head: { settings, seq, at, ...sums, paused, period, warned },
    agents: [...pool.agents.values()],
    remembered: [...pool.remembered.values()],
    histories: Array.from(pool.histories.values(), ({ agent, horizon: until, outcomes, unsettled }) => ({
      agent,
      horizon: until,
      outcomes: outcomes.toArray(),
      unsettled: unsettled.toArray(),
    })),
    unsettled: pool.unsettled.toArray(),
  };
}

/** Whether two states are the same. */
export function isSame(left: Pool, right: Pool): boolean {
  const [a, b] = [toImage(left), toImage(right)];
  return (
    JSON.stringify(a.head) === JSON.stringify(b.head) &&
    imageLists.every((name) => {
      const others = b[name];
      return (
        a[name].length === others.length && a[name].every((one, i) => JSON.stringify(one) === JSON.stringify(others[i]))
      );
    })
  );
}

/** The pool of `image`, whose objects it takes over: the caller must not use the image again. */
export function fromImage(image: PoolImage): Pool {
  const remembered = new Map(image.remembered.map((known) => [known.id, known]));
  const leases = image.remembered
    .filter((known) => known.op === "reserve" && known.state === "held")
    .map((known) => ({ id: known.id, expiresAt: known.op === "reserve" ? known.expiresAt : 0 }));
  const pool: Pool = {
    ...emptyPool(),
    ...image.head,
    agents: new Map(image.agents.map((agent) => [agent.name, agent])),
    remembered,
    unsettled: new Queue(image.unsettled),
    leases: new Heap(leaseBefore, leases),
  };
  for (const known of image.remembered) {
    if (known.op === "reserve" && known.state === "held") pool.openBytes += bytesOf(known);
  }
  for (const stored of image.histories) restoreHistory(pool, stored);
  pool.outcomeLoads = loadsOf(pool.histories.values(), ({ outcomeBytes }) => outcomeBytes);
  pool.unsettledLoads = loadsOf(pool.histories.values(), ({ unsettledBytes }) => unsettledBytes);
  pool.periodsEndAt = earliestEnd(pool);
  return pool;
}

function restoreHistory(pool: Pool, { agent, horizon, outcomes, unsettled }: StoredHistory): void {
  const history = newHistory(agent);
  history.horizon = horizon;
  for (const id of outcomes) {
    const known = pool.remembered.get(id);
    if (known === undefined) throw new Error(`the outcome ${id} of ${agent} is not remembered`);
    // The string of the remembered write, not the list's own copy: one string in memory instead of two.
    history.outcomes.push(known.id);
    history.outcomeBytes += bytesOf(known);
  }
  for (const expiry of unsettled) {
    history.unsettled.push(expiry);
    const known = unsettledOne(pool, expiry);
    if (known === undefined) continue;
    history.unsettledCount++;
    history.unsettledBytes += bytesOf(known);
  }
  pool.histories.set(agent, history);
  pool.outcomeCount += history.outcomes.size;
  pool.outcomeBytes += history.outcomeBytes;
  pool.unsettledCount += history.unsettledCount;
  pool.unsettledBytes += history.unsettledBytes;
}
