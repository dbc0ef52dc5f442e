/** A pool: its settings and budget, and what is said of it as a whole. Amounts are in its unit, times in milliseconds since 1970. */
import type { AgentView } from "./agent.ts";
import type { GivenPoolRefill, Period, PoolRefill } from "./period.ts";
import type { Rates } from "./price.ts";
import type { Unit } from "./unit.ts";
import type { Warning } from "./warning.ts";

/** A pool's settings, as they are stored and shown. */
export type PoolSettings = {
  readonly unit: Unit;
  readonly budget: number | null;
  readonly equal_priority_donates: boolean;
  readonly default_ttl_ms: number;
  readonly journal_refusals: boolean;
  /** What the gateway books a model at that has no price; null: such a model is refused. */
  readonly fallback_price: Rates | null;
  readonly refill: PoolRefill | null;
  /** Percentages of a budget whose reaching is worth a warning, rising. */
  readonly warn_at: readonly number[];
  /** How long the journal is kept in the pool; null: for ever. */
  readonly journal_days: number | null;
  /** What the gateway does with fields of a call that it does not know. */
  readonly unknown_fields: "pass" | "refuse";
};

/** Creates a pool, or changes its settings. What is left out keeps its value (or, at first, its default). */
export type ConfigureCommand = {
  readonly op: "configure";
  /** What the pool counts; fixed when it is created. Default tokens. */
  readonly unit?: Unit | undefined;
  /** Total that agents' allocations come out of. `null`: no budget, registering an agent issues its allocation. */
  readonly budget?: number | null | undefined;
  /** Whether agents of equal priority lend to each other. Default true. */
  readonly equal_priority_donates?: boolean | undefined;
  /** Lease of a reservation that names none. Default two minutes. */
  readonly default_ttl_ms?: number | undefined;
  /** Whether refusals are journaled. Default false. */
  readonly journal_refusals?: boolean | undefined;
  /** What the gateway books a model at that has no price. `null`: such a model is refused. */
  readonly fallback_price?: Rates | null | undefined;
  /** When the whole budget is filled again, and a new period begins. `null`: never by itself. */
  readonly refill?: GivenPoolRefill | null | undefined;
  /** Percentages of a budget whose reaching is worth a warning. */
  readonly warn_at?: readonly number[] | undefined;
  /** How long the journal is kept here, in days. `null`: for ever. */
  readonly journal_days?: number | null | undefined;
  /** Whether the gateway passes fields of a call that it does not know, or refuses them. Default `pass`. */
  readonly unknown_fields?: "pass" | "refuse" | undefined;
};

/** Grows (or, below zero, shrinks) the pool's unallocated budget. */
export type FundCommand = { readonly op: "fund"; readonly id: string; readonly amount: number; readonly unit: Unit };

export type PoolResult = PoolSettings & {
  readonly paused: boolean;
  readonly period: Period;
  readonly seq: number;
  readonly total: number;
  readonly unallocated: number;
};

export type FundResult = {
  readonly id: string;
  readonly amount: number;
  readonly seq: number;
  readonly total: number;
  readonly unallocated: number;
  readonly replayed?: true;
};

export type Report = {
  readonly pool: string;
  readonly unit: Unit;
  readonly seq: number;
  readonly total: number;
  readonly unallocated: number;
  /** Σ of all agents, and of those that have left. */
  readonly consumed: number;
  /** Σ of all agents. */
  readonly held: number;
  readonly period: Period;
  readonly agents: { readonly [name: string]: AgentView };
};

/** What a monitor counts. Those that only grow start again when an agent is reset or leaves. */
export type Metrics = {
  readonly report: Report;
  readonly open_reservations: number;
  /** Reserves that wait in line. */
  readonly waiting: number;
  /** Since the pool woke. */
  readonly refusals: RefusalCounts;
};

/** Refusals since the pool woke, by agent and code. */
export type RefusalCounts = { readonly [agent: string]: { readonly [code: string]: number } };

export type PoolList = { readonly pools: readonly { readonly name: string; readonly created_at: number }[] };

/** The events of a pool as a whole, without their time. */
export type PoolEvents =
  /** `period`: the first one, or how the current one goes on, where the settings change its end. */
  | {
      readonly type: "configured";
      readonly settings: PoolSettings;
      readonly unallocated: number;
      readonly period?: Period;
    }
  | { readonly type: "funded"; readonly id: string; readonly amount: number }
  /**
   * The host's clock is `by` ms behind the pool's: one of the two was wrong. The pool's time is `at` from now on. Open
   * leases keep the time that they had left. Periods end when they would have: no budget is given twice for one day.
   */
  | { readonly type: "clock_corrected"; readonly by: number }
  /** Said once in a period, when it is first so. */
  | ({ readonly type: "warned" } & Warning);
