/**
 * The state of a pool: what its journal folds to. Plain data in memory, mutated by `evolve` alone. Sums that every reserve
 * needs are kept beside what they sum, and recomputed by `invariants.ts`.
 */
import type { Contract } from "../protocol/agent.ts";
import type { Command } from "../protocol/commands.ts";
import type { Period } from "../protocol/period.ts";
import type { PoolSettings } from "../protocol/pool.ts";
import type { Metadata, OnExpiry, Transfer } from "../protocol/reservation.ts";
import type { Donor } from "../protocol/usage.ts";
import { Heap } from "./heap.ts";
import { Queue } from "./queue.ts";

export type Agent = {
  readonly name: string;
  contract: Contract;
  /** 1 for an agent without parent. */
  readonly depth: number;
  allocated: number;
  consumed: number;
  held: number;
  /** Reservations in state `held`. */
  open: number;
  /** Bytes that they take to remember (`bytes.ts`). */
  openBytes: number;
  /** Expired reservations that are booked to it and may still be committed late. */
  unsettled: number;
  subAgents: number;
  /** The highest confidence reported since the gate last opened. */
  confidence: number | null;
  closing: boolean;
  /** When it last reserved, committed or recorded; donors that idle longest give first. */
  activeAt: number;
  paused: boolean;
  /** Its own, inside the pool's, where its contract has one. */
  period: Period | null;
  /** Reserves in a minute of the clock (minutes since 1970), where its contract bounds them. */
  pace: { minute: number; count: number } | null;
  warned: Warned;
};

/** The warnings that were given since the period began: each is given once. */
export type Warned = {
  /** The highest percentage of the budget. */
  readonly percent: number;
  readonly overage: boolean;
  readonly gate: boolean;
  readonly burn: boolean;
};

export type Reservation = {
  readonly op: "reserve";
  readonly id: string;
  readonly agent: string;
  /** The agent that it is booked to: `agent`, its parent once `agent` has left, or null: the closed accounts. */
  owner: string | null;
  state: "held" | "committed" | "released" | "expired";
  readonly asked: number;
  readonly granted: number;
  readonly transfers: readonly Transfer[];
  readonly at: number;
  readonly seq: number;
  /** Lease and expiry rule as first granted; `expiresAt` and `onExpiry` are as last extended. */
  readonly firstExpiresAt: number;
  readonly firstOnExpiry: OnExpiry;
  expiresAt: number;
  onExpiry: OnExpiry;
  readonly atLeast: number | undefined;
  readonly ttlMs: number | undefined;
  readonly metadata: Metadata | undefined;
  readonly final: true | undefined;
  /** Booked on expiry and part of the owner's consumed until a late commit corrects it. */
  charged: number;
  /** Booked on expiry in a period that has ended since: paid, but no longer part of the owner's consumed. */
  chargedBefore: number;
  settlement: Settlement | undefined;
};

/** How a reservation left `held`: by commit, release or expiry; a late commit replaces an expiry. */
export type Settlement = {
  readonly at: number;
  readonly seq: number;
  readonly amount: number;
  readonly confidence: number | undefined;
  readonly overage: number;
  readonly transfers: readonly Transfer[];
  readonly late: boolean;
};

/** A remembered write that is not a reservation: what its repeat is answered with. */
export type Booking = {
  readonly op: Exclude<Command["op"], "reserve">;
  readonly id: string;
  readonly agent: string | null;
  readonly amount: number;
  readonly confidence: number | undefined;
  readonly metadata: Metadata | undefined;
  readonly overage: number;
  readonly transfers: readonly Transfer[];
  readonly donors: readonly Donor[];
  readonly at: number;
  readonly seq: number;
};

/** An expiry waiting for its late commit. `seq` is its event's: an id may be used again, even for another expiry. */
export type Expiry = { readonly id: string; readonly seq: number };

/** The remembered outcomes of one agent. Open reservations are in no history: they can't be forgotten. */
export type History = {
  readonly agent: string;
  /** Ids of settled outcomes, oldest first. */
  readonly outcomes: Queue<string>;
  outcomeBytes: number;
  /** Expired reservations, oldest first; entries of those committed late or forgotten since are skipped. */
  readonly unsettled: Queue<Expiry>;
  unsettledCount: number;
  unsettledBytes: number;
  /** The latest time in an id that was forgotten of it. */
  horizon: number;
};

/** A history's size when this entry was made. */
export type Load = { readonly agent: string; readonly bytes: number };

export type Lease = { readonly expiresAt: number; readonly id: string };

export type Pool = {
  /** null until the pool is configured: it does not exist. */
  settings: PoolSettings | null;
  paused: boolean;
  /** null until the pool is configured. */
  period: Period | null;
  /** When the first period ends, of the pool or an agent; infinite when none does. Follows from the periods. */
  periodsEndAt: number;
  warned: Warned;
  /** Sequence number of the last event. */
  seq: number;
  /** Time of the last event. */
  at: number;
  /** unallocated + Σ allocated + closed.allocated. */
  total: number;
  unallocated: number;
  /** Σ consumed of the agents, and closed.consumed. */
  consumed: number;
  /** Σ held of the agents. */
  held: number;
  /** Reservations in state `held`. */
  open: number;
  /** What they take to remember (`bytes.ts`). */
  openBytes: number;
  agents: Map<string, Agent>;
  /** Counts changes of contracts, settings and agents: the key of caches that follow from those alone. */
  roster: number;
  /** The closed accounts: what agents that have left were allocated and have spent. */
  closed: { agents: number; allocated: number; consumed: number };
  /** Open and settled reservations and other writes, by their id. */
  remembered: Map<string, Reservation | Booking>;
  /** Remembered outcomes by agent. */
  histories: Map<string, History>;
  /** Settled outcomes of all histories, and what they take. */
  outcomeCount: number;
  outcomeBytes: number;
  /** Expired reservations of all, oldest first; entries of those committed late or forgotten since are skipped. */
  unsettled: Queue<Expiry>;
  unsettledCount: number;
  unsettledBytes: number;
  /** Histories by the size of their outcomes, and of their unsettled ones; stale entries are skipped. */
  outcomeLoads: Heap<Load>;
  unsettledLoads: Heap<Load>;
  /** Lease ends, earliest first; stale entries are skipped. */
  leases: Heap<Lease>;
  /** The latest time in an id of a history that was forgotten itself: an id as old as that may have run already. */
  horizon: number;
  /** Latest time in any forgotten id. */
  latestHorizon: number;
};

export const minuteMs = 60_000;

export function leaseBefore(a: Lease, b: Lease): boolean {
  return a.expiresAt < b.expiresAt || (a.expiresAt === b.expiresAt && a.id < b.id);
}

export function heavier(a: Load, b: Load): boolean {
  return a.bytes > b.bytes || (a.bytes === b.bytes && a.agent < b.agent);
}

export function emptyPool(): Pool {
  return {
    settings: null,
    paused: false,
    period: null,
    periodsEndAt: Number.POSITIVE_INFINITY,
    warned: nothingWarned(),
    seq: 0,
    at: 0,
    total: 0,
    unallocated: 0,
    consumed: 0,
    held: 0,
    open: 0,
    openBytes: 0,
    agents: new Map(),
    roster: 0,
    closed: { agents: 0, allocated: 0, consumed: 0 },
    remembered: new Map(),
    histories: new Map(),
    outcomeCount: 0,
    outcomeBytes: 0,
    unsettled: new Queue(),
    unsettledCount: 0,
    unsettledBytes: 0,
    outcomeLoads: new Heap(heavier),
    unsettledLoads: new Heap(heavier),
    leases: new Heap(leaseBefore),
    horizon: 0,
    latestHorizon: 0,
  };
}

export function nothingWarned(): Warned {
  return { percent: 0, overage: false, gate: false, burn: false };
}

/** The first moment at which a period ends, the pool's or an agent's. */
export function earliestEnd(pool: Pool): number {
  let earliest = pool.period?.ends_at ?? Number.POSITIVE_INFINITY;
  for (const { period } of pool.agents.values()) {
    if (period !== null && period.ends_at !== null && period.ends_at < earliest) earliest = period.ends_at;
  }
  return earliest;
}

/** What the agent may still reserve; below zero after an overage. */
export function available(agent: Agent): number {
  return agent.allocated - agent.consumed - agent.held;
}

/** What a reserve may take of the agent's own budget. Only a final one may take the `final_reserve`. */
export function usable(agent: Agent, final: true | undefined): number {
  return available(agent) - (final ? 0 : agent.contract.final_reserve);
}

/** A minute of the clock, counted since 1970. */
export function minuteOf(at: number): number {
  return Math.floor(at / minuteMs);
}

/** What a donor keeps of what it has *available*: enough to go on working, and for its last call. */
export function keeps({ contract }: Agent): number {
  return Math.max(contract.min_reserve, contract.final_reserve);
}

/** Spend above what was available. */
export function overage(agent: Agent): number {
  return Math.max(0, -available(agent));
}

/** Closed once it reported a confidence at or above its threshold: a pure function of the two. */
export function gateOf(agent: Agent): "open" | "closed" {
  const threshold = agent.contract.confidence_threshold;
  return threshold !== null && agent.confidence !== null && agent.confidence >= threshold ? "closed" : "open";
}

/**
 * What a commit of `amount` adds to consumed: less what expiry has charged already, in this period or in one that has ended.
 * Below zero where more was charged than was used.
 */
export function bookedBy(reservation: Reservation, amount: number): number {
  return Math.max(0, amount - reservation.chargedBefore) - reservation.charged;
}

/** What the pool as a whole may still admit. Without it, budget that one agent's overage has spent would be spent again. */
export function headroom(pool: Pool): number {
  return pool.total - pool.consumed - pool.held;
}

/** The open reservation whose lease ends first, if any. Drops entries that extension or settlement made stale. */
export function nextLease(pool: Pool): Reservation | undefined {
  for (;;) {
    const lease = pool.leases.peek();
    if (lease === undefined) return undefined;
    const reservation = pool.remembered.get(lease.id);
    if (reservation?.op === "reserve" && isCurrent(lease, reservation)) return reservation;
    pool.leases.pop();
  }
}

export function isCurrent(lease: Lease, reservation: Reservation): boolean {
  return reservation.state === "held" && reservation.expiresAt === lease.expiresAt;
}

/** The reservation of an expiry, if it still waits for its late commit. */
export function unsettledOne(pool: Pool, { id, seq }: Expiry): Reservation | undefined {
  const known = pool.remembered.get(id);
  const waits = known?.op === "reserve" && known.state === "expired" && known.settlement?.seq === seq;
  return waits ? known : undefined;
}

/** An agent that must be there: its absence is a bug, not a caller's mistake. */
export function agentOf(pool: Pool, name: string): Agent {
  const agent = pool.agents.get(name);
  if (agent === undefined) throw new Error(`no agent ${name} at seq ${pool.seq}`);
  return agent;
}

/** A reservation that must be there. */
export function reservationOf(pool: Pool, id: string): Reservation {
  const reservation = pool.remembered.get(id);
  if (reservation?.op !== "reserve") throw new Error(`no reservation ${id} at seq ${pool.seq}`);
  return reservation;
}
