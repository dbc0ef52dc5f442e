/**
 * A pool's state as plain JSON data, and back: what a snapshot stores, and what an audit compares. Two states are
 * equal when their images are, so everything that is not derivable from the rest belongs in here.
 */
import type { PoolSettings } from "../protocol/events.ts";
import { Heap } from "./heap.ts";
import { Queue } from "./queue.ts";
import { type Agent, type Booking, type Expiry, emptyPool, leaseBefore, type Pool, type Reservation } from "./state.ts";

export type PoolImage = {
  readonly head: {
    readonly settings: PoolSettings | null;
    readonly seq: number;
    readonly at: number;
    readonly total: number;
    readonly float: number;
    readonly consumed: number;
    readonly held: number;
    readonly open: number;
    readonly closed: Pool["closed"];
    readonly unsettledCount: number;
    readonly horizon: number;
    /** Absent in what was stored before there were pauses. */
    readonly paused?: boolean;
  };
  readonly agents: readonly StoredAgent[];
  readonly remembered: readonly (Reservation | Booking)[];
  readonly settled: readonly string[];
  readonly unsettled: readonly Expiry[];
};

type StoredAgent = Omit<Agent, "paused"> & Partial<Pick<Agent, "paused">>;

/** Shares what it can with `pool`: use it before the pool changes. */
export function toImage(pool: Pool): PoolImage {
  const { settings, seq, at, total, float, consumed, held, open, closed, unsettledCount, horizon, paused } = pool;
  return {
    head: { settings, seq, at, total, float, consumed, held, open, closed, unsettledCount, horizon, paused },
    agents: [...pool.agents.values()],
    remembered: [...pool.remembered.values()],
    settled: pool.settled.toArray(),
    unsettled: pool.unsettled.toArray(),
  };
}

/**
 * Whether two states are the same. Compared piece by piece: the text of a whole large pool, twice, would not fit the
 * memory that an object has.
 */
export function isSame(left: Pool, right: Pool): boolean {
  const [a, b] = [toImage(left), toImage(right)];
  const lists = ["agents", "remembered", "settled", "unsettled"] as const satisfies (keyof PoolImage)[];
  return (
    JSON.stringify(a.head) === JSON.stringify(b.head) &&
    lists.every((name) => {
      const others = b[name];
      return (
        a[name].length === others.length && a[name].every((one, i) => JSON.stringify(one) === JSON.stringify(others[i]))
      );
    })
  );
}

/** Takes `image` over: the caller must not use it again. */
export function fromImage(image: PoolImage): Pool {
  const remembered = new Map(image.remembered.map((known) => [known.id, known]));
  const leases = image.remembered
    .filter((known) => known.op === "reserve" && known.state === "held")
    .map((known) => ({ id: known.id, expiresAt: known.op === "reserve" ? known.expiresAt : 0 }));
  return {
    ...emptyPool(),
    ...image.head,
    agents: new Map(image.agents.map((agent) => [agent.name, withPause(agent)])),
    remembered,
    settled: new Queue(image.settled),
    unsettled: new Queue(image.unsettled),
    leases: new Heap(leaseBefore, leases),
  };
}

function withPause(agent: StoredAgent): Agent {
  return { ...agent, paused: agent.paused ?? false };
}
