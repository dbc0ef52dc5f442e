/**
 * A pool's state as plain JSON data, and back: what a snapshot stores, and what an audit compares. Two states are
 * equal when their images are, so everything that is not derivable from the rest belongs in here.
 */
import type { PoolSettings } from "../protocol/events.ts";
import { Heap } from "./heap.ts";
import { Queue } from "./queue.ts";
import {
  type Agent,
  type Booking,
  type Expiry,
  earliestEnd,
  emptyPool,
  leaseBefore,
  nothingWarned,
  type Pool,
  type Reservation,
} from "./state.ts";

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
    /** Absent in what was stored before there were pauses, periods, and warnings. */
    readonly paused?: boolean;
    readonly period?: Pool["period"];
    readonly warned?: Pool["warned"];
  };
  readonly agents: readonly StoredAgent[];
  readonly remembered: readonly (Reservation | Booking)[];
  readonly settled: readonly string[];
  readonly unsettled: readonly Expiry[];
};

type Later = "paused" | "period" | "pace" | "warned";
type StoredAgent = Omit<Agent, Later> & Partial<Pick<Agent, Later>>;

/** Shares what it can with `pool`: use it before the pool changes. */
export function toImage(pool: Pool): PoolImage {
  const { settings, seq, at, total, float, consumed, held, open, closed, unsettledCount, horizon } = pool;
  const { paused, period, warned } = pool;
  const sums = { total, float, consumed, held, open, closed, unsettledCount, horizon };
  return {
    head: { settings, seq, at, ...sums, paused, period, warned },
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
  const pool: Pool = {
    ...emptyPool(),
    ...image.head,
    agents: new Map(image.agents.map((agent) => [agent.name, withLater(agent)])),
    remembered,
    settled: new Queue(image.settled),
    unsettled: new Queue(image.unsettled),
    leases: new Heap(leaseBefore, leases),
  };
  pool.periodsEndAt = earliestEnd(pool);
  return pool;
}

function withLater(agent: StoredAgent): Agent {
  const { paused = false, period = null, pace = null, warned = nothingWarned(), ...rest } = agent;
  return { ...rest, paused, period, pace, warned };
}
