/**
 * The events of a pool's journal. They are what is stored: a field may be added, never renamed or given another
 * meaning (`docs/storage.md`). Each holds all that `evolve` needs; nothing is decided again when they are folded.
 */
import type { Metadata, OnExpiry, Unit } from "./commands.ts";
import type { BookedUsage, Rates } from "./prices.ts";
import type { EndedBooks, Period, PoolRefill, RefillRule } from "./refill.ts";
import type { RefusalCode } from "./refusals.ts";

/** Budget moved to the agent that the event is about. `from: null` is the pool's unallocated budget. */
export type Transfer = { readonly from: string | null; readonly amount: number };

/** Why a donor was asked, in the order of asking, and what it gave: its standing before the transfer. */
export type Donor = {
  readonly agent: string;
  readonly priority: number;
  readonly gate: "open" | "closed";
  readonly available: number;
  readonly min_reserve: number;
  readonly could_give: number;
  readonly gives: number;
};

/** An agent's contract, as it is stored and shown. Amounts are in the pool's unit; null: the contract has no such rule. */
export type Contract = {
  readonly priority: number;
  /** What it is allocated. */
  readonly max: number;
  /** What it keeps available when others borrow from it. */
  readonly min_reserve: number;
  /** The confidence, 0 to 1, at which its gate closes. */
  readonly confidence_threshold: number | null;
  /** How far transfers may raise its allocation. */
  readonly ceiling: number | null;
  readonly parent: string | null;
  /** Where the gateway finds the confidence of an answer (`providers/confidence.ts`). */
  readonly confidence_path: string | null;
  /** The last of its budget, which only a reserve with `final: true` may take; 0: none. */
  readonly final_reserve: number;
  readonly max_reserves_per_minute: number | null;
  /** Its own periods, inside the pool's. */
  readonly refill: RefillRule | null;
};

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
};

type EventBody =
  /** `period`: the first one, or how the current one goes on, where the settings change its end. */
  | {
      readonly type: "configured";
      readonly settings: PoolSettings;
      readonly unallocated: number;
      readonly period?: Period;
    }
  | { readonly type: "funded"; readonly id: string; readonly amount: number }
  /** `allocated` is what its allocation grew by (or shrank, below zero); it came from `source`. */
  | {
      readonly type: "registered";
      readonly agent: string;
      readonly contract: Contract;
      readonly allocated: number;
      readonly source: AllocationSource;
      /** The agent's own period, where its contract begins or changes one; null where it ends it. */
      readonly period?: Period | null;
    }
  /** `id`: of the command that closed it, which may be repeated once the agent has left. */
  | { readonly type: "closing"; readonly agent: string; readonly id?: string }
  /** A sub-agent's books merge into its parent's. Otherwise `unspent` goes to the unallocated budget, less what had been issued. */
  | { readonly type: "closed"; readonly agent: string; readonly unspent: number; readonly retired: number }
  | { readonly type: "reopened"; readonly agent: string; readonly id: string }
  /** `agent: null` is the whole pool. */
  | { readonly type: "paused"; readonly agent: string | null }
  | { readonly type: "resumed"; readonly agent: string | null }
  | {
      readonly type: "reset";
      readonly agent: string;
      readonly id: string;
      readonly allocated: number;
      readonly source: AllocationSource;
    }
  /**
   * A new period of the pool: `total` and `unallocated` are its books, `agents` what each is allocated, and what it had and
   * used in the period that `ended`. `id` where a command began it.
   */
  | ({
      readonly type: "period_started";
      readonly id?: string;
      readonly total: number;
      readonly unallocated: number;
      readonly agents: readonly { readonly agent: string; readonly allocated: number; readonly ended: EndedBooks }[];
      readonly ended: EndedPeriod;
    } & Period)
  /**
   * A new period of an agent's own, inside the pool's: what it consumed is booked to its parent or the closed books,
   * with the budget that paid for it; then its allocation grows by `allocated`, from `source`.
   */
  | ({
      readonly type: "agent_period_started";
      readonly agent: string;
      readonly allocated: number;
      readonly source: AllocationSource;
      readonly ended: EndedBooks & Omit<Period, "ends_at"> & { readonly ended_at: number };
    } & Period)
  /**
   * The host's clock is `by` ms behind the pool's: one of the two was wrong. The pool's time is `at` from now on. Open
   * leases keep the time that they had left. Periods end when they would have: no budget is given twice for one day.
   */
  | { readonly type: "clock_corrected"; readonly by: number }
  /** Said once in a period, when it is first so. */
  | ({ readonly type: "warned" } & Warning)
  | {
      readonly type: "reserved";
      readonly id: string;
      readonly agent: string;
      readonly asked: number;
      readonly granted: number;
      readonly expires_at: number;
      readonly on_expiry: OnExpiry;
      readonly transfers: readonly Transfer[];
      /** As given by the caller; kept so that a repeat can be compared. */
      readonly at_least?: number;
      readonly ttl_ms?: number;
      readonly metadata?: Metadata;
      readonly final?: true;
    }
  | {
      readonly type: "committed";
      readonly id: string;
      readonly amount: number;
      readonly transfers: readonly Transfer[];
      readonly overage: number;
      readonly confidence?: number;
      readonly usage?: BookedUsage;
      readonly late?: true;
    }
  | { readonly type: "released"; readonly id: string }
  | { readonly type: "extended"; readonly id: string; readonly expires_at: number; readonly on_expiry: OnExpiry }
  /** `charged` is what was booked (`on_expiry: "charge"`), or 0. */
  | { readonly type: "expired"; readonly id: string; readonly charged: number }
  | {
      readonly type: "recorded";
      readonly id: string;
      readonly agent: string;
      readonly amount: number;
      readonly transfers: readonly Transfer[];
      readonly overage: number;
      readonly confidence?: number;
      readonly usage?: BookedUsage;
      readonly metadata?: Metadata;
    }
  | {
      readonly type: "reallocated";
      readonly id: string;
      readonly agent: string;
      readonly asked: number;
      readonly transfers: readonly Transfer[];
      readonly donors: readonly Donor[];
    }
  /** Only where the pool says `journal_refusals: true`. Changes nothing. */
  | { readonly type: "refused"; readonly op: string; readonly agent: string | null; readonly code: RefusalCode };

/** The books of a period that is over. `closed` is of the agents that left in it. */
export type EndedPeriod = Omit<Period, "ends_at"> & {
  readonly ended_at: number;
  readonly total: number;
  readonly consumed: number;
  readonly held: number;
  readonly closed: { readonly agents: number; readonly allocated: number; readonly consumed: number };
};

/** `agent: null` is the pool. Amounts are in the pool's unit. */
export type Warning =
  /** So much of the budget is consumed: of the pool's total, or of what the agent's contract gives it. */
  | {
      readonly warning: "threshold";
      readonly agent: string | null;
      readonly percent: number;
      readonly consumed: number;
      readonly budget: number;
    }
  /** The agent was confident enough; its gate is closed. */
  | { readonly warning: "gate_closed"; readonly agent: string; readonly confidence: number }
  /** The agent used more than it and all who could give to it had. */
  | { readonly warning: "overage"; readonly agent: string; readonly overage: number }
  /** Going on as since the period began, the budget is consumed at `exhausts_at`, before `ends_at`. */
  | {
      readonly warning: "burn_rate";
      readonly agent: string | null;
      readonly consumed: number;
      readonly budget: number;
      readonly exhausts_at: number;
      readonly ends_at: number;
    };

/** Where an allocation comes from and goes back to: the pool's unallocated budget, the parent, or nowhere (no budget is set). */
export type AllocationSource = "unallocated" | "parent" | "issued";

/** `at`: the server's clock in milliseconds since 1970. Within a pool it runs back only at `clock_corrected`. */
export type PoolEvent = { readonly at: number } & EventBody;
export type EventType = EventBody["type"];
export type EventOf<Type extends EventType> = Extract<PoolEvent, { readonly type: Type }>;

/** What follows from an event by its type alone. */
type EventTraits = {
  /** Whether it may free budget, or end the waiting of a reserve in some other way: the line is looked at. */
  readonly freesBudget: boolean;
  /** What it is about: contracts and budgets, or the spending of them. */
  readonly about: "contracts" | "spending";
};

export const eventTraits: { readonly [Type in EventType]: EventTraits } = {
  configured: { freesBudget: true, about: "contracts" },
  funded: { freesBudget: true, about: "contracts" },
  registered: { freesBudget: true, about: "contracts" },
  closing: { freesBudget: true, about: "contracts" },
  closed: { freesBudget: true, about: "contracts" },
  reopened: { freesBudget: true, about: "contracts" },
  // Frees nothing, but ends the waiting of the agents that it stops.
  paused: { freesBudget: true, about: "contracts" },
  resumed: { freesBudget: true, about: "contracts" },
  reset: { freesBudget: true, about: "contracts" },
  period_started: { freesBudget: true, about: "contracts" },
  agent_period_started: { freesBudget: true, about: "contracts" },
  clock_corrected: { freesBudget: true, about: "contracts" },
  warned: { freesBudget: false, about: "spending" },
  reserved: { freesBudget: false, about: "spending" },
  committed: { freesBudget: true, about: "spending" },
  released: { freesBudget: true, about: "spending" },
  extended: { freesBudget: false, about: "spending" },
  expired: { freesBudget: true, about: "spending" },
  recorded: { freesBudget: true, about: "spending" },
  reallocated: { freesBudget: true, about: "spending" },
  refused: { freesBudget: false, about: "spending" },
};

/** An event with its place in the journal: 1, 2, 3, … without a gap. */
export type JournalEvent = { readonly seq: number } & PoolEvent;
