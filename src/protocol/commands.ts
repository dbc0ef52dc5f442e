/**
 * The commands of a pool, as the engine takes them. On the wire an amount is named after its unit (`tokens`,
 * `microusd`); `schemas.ts` turns that into `amount` and `unit`, so that a number can't be booked in the wrong unit.
 */

import type { BookedUsage, Rates } from "./prices.ts";
import type { GivenPoolRefill, GivenRule } from "./refill.ts";

/** What a pool counts: tokens, or millionths of a US dollar. Fixed when the pool is created. */
export type Unit = "tokens" | "microusd";

/** What becomes of a reservation whose lease ends: its budget returns, or is booked until a late commit corrects it. */
export type OnExpiry = "release" | "charge";

/** Labels of the caller's, kept with a reservation and in the journal. */
export type Metadata = { readonly [key: string]: string };

/** Creates a pool, or changes its settings. What is left out keeps its value (or, at first, its default). */
export type ConfigureCommand = {
  readonly op: "configure";
  readonly unit?: Unit | undefined;
  /** Total that agents' allocations come out of. `null`: no budget, registering an agent issues its allocation. */
  readonly budget?: number | null | undefined;
  readonly equal_priority_donates?: boolean | undefined;
  readonly default_ttl_ms?: number | undefined;
  readonly journal_refusals?: boolean | undefined;
  /** What the gateway books a model at that has no price. `null`: such a model is refused. */
  readonly fallback_price?: Rates | null | undefined;
  /** When the whole budget is filled again, and a new period begins. `null`: never by itself. */
  readonly refill?: GivenPoolRefill | null | undefined;
  /** Percentages of a budget whose reaching is worth a warning. */
  readonly warn_at?: readonly number[] | undefined;
  /** How long the journal is kept here, in days. `null`: for ever. */
  readonly journal_days?: number | null | undefined;
};

/** Grows (or, below zero, shrinks) the pool's unallocated budget. */
export type FundCommand = { readonly op: "fund"; readonly id: string; readonly amount: number; readonly unit: Unit };

/** An agent's contract: registers it, or changes what it may spend. Never touches what it has spent. */
export type RegisterCommand = {
  readonly op: "register";
  readonly agent: string;
  readonly priority: number;
  /** What it is allocated (wire: `max_tokens` or `max_microusd`). */
  readonly max: number;
  readonly unit: Unit;
  readonly min_reserve?: number | undefined;
  readonly confidence_threshold?: number | null | undefined;
  /** Where the gateway finds the confidence of an answer (`providers/confidence.ts`). */
  readonly confidence_path?: string | null | undefined;
  readonly ceiling?: number | null | undefined;
  readonly parent?: string | null | undefined;
  /** The last of its budget, which only a reserve with `final: true` may take. */
  readonly final_reserve?: number | undefined;
  /** How many reserves it is granted in a minute of the clock: a guard against loops. */
  readonly max_reserves_per_minute?: number | null | undefined;
  /** When its allocation is filled again, out of the pool's budget. `null`: with the pool's periods only. */
  readonly refill?: GivenRule | null | undefined;
};

/** Takes no more reservations; the agent leaves when its open ones are settled and its sub-agents are gone. */
export type CloseCommand = {
  readonly op: "close";
  readonly agent: string;
  /** With an id, a repeat is answered though the agent has left by then. */
  readonly id?: string | undefined;
};

/** Opens a closed confidence gate: a new task. */
export type ReopenCommand = { readonly op: "reopen"; readonly agent: string; readonly id: string };

/** No new reserve of the agent and those below it, or of all agents (`agent: null`), until it is resumed; open ones settle. */
export type PauseCommand = { readonly op: "pause"; readonly agent: string | null };

/** Ends a pause of the same agent, or of the pool. */
export type ResumeCommand = { readonly op: "resume"; readonly agent: string | null };

/** Starts an agent again: nothing consumed, its contract's allocation again. */
export type ResetCommand = { readonly op: "reset"; readonly agent: string; readonly id: string };

/** Starts a new period of the pool now: the budget is filled again, and nothing is consumed. */
export type ResetPeriodCommand = { readonly op: "reset_period"; readonly id: string };

export type ReserveCommand = {
  readonly op: "reserve";
  readonly id: string;
  readonly agent: string;
  readonly amount: number;
  readonly unit: Unit;
  /** Take less than `amount`, down to this, when less is all there is. */
  readonly at_least?: number | undefined;
  readonly ttl_ms?: number | undefined;
  readonly on_expiry?: OnExpiry | undefined;
  readonly metadata?: Metadata | undefined;
  /** The agent's last call: it may take what its contract keeps for that (`final_reserve`). */
  readonly final?: true | undefined;
};

export type CommitCommand = {
  readonly op: "commit";
  readonly id: string;
  readonly amount: number;
  readonly unit: Unit;
  readonly confidence?: number | undefined;
  /** Journaled with what is booked; not compared when the commit is repeated. */
  readonly usage?: BookedUsage | undefined;
};

export type ReleaseCommand = { readonly op: "release"; readonly id: string };

export type ExtendCommand = {
  readonly op: "extend";
  readonly id: string;
  readonly ttl_ms: number;
  readonly on_expiry?: OnExpiry | undefined;
};

/** Books exact usage without a reservation. */
export type RecordCommand = {
  readonly op: "record";
  readonly id: string;
  readonly agent: string;
  readonly amount: number;
  readonly unit: Unit;
  readonly confidence?: number | undefined;
  readonly metadata?: Metadata | undefined;
  readonly usage?: BookedUsage | undefined;
};

/** Moves spare budget to an agent without reserving it; `dry_run` only says what would move. */
export type ReallocateCommand = {
  readonly op: "reallocate";
  readonly id: string;
  readonly agent: string;
  readonly amount: number;
  readonly unit: Unit;
  readonly dry_run?: boolean | undefined;
};

export type Command =
  | ConfigureCommand
  | FundCommand
  | RegisterCommand
  | CloseCommand
  | ReopenCommand
  | PauseCommand
  | ResumeCommand
  | ResetCommand
  | ResetPeriodCommand
  | ReserveCommand
  | CommitCommand
  | ReleaseCommand
  | ExtendCommand
  | RecordCommand
  | ReallocateCommand;

/** What there is to know of a command beside its fields. */
type CommandTraits = {
  /** Who may run it: keys that spend, or only those that say what may be spent. */
  readonly right: "spend" | "manage";
  /** What it is about. A key that is bound to an agent may spend as that agent, and settle that agent's reservations. */
  readonly about: "pool" | "agent" | "reservation";
  /** Commands without an id change nothing when they are repeated. */
  readonly hasId: boolean;
};

export const commandTraits: { readonly [Op in Command["op"]]: CommandTraits } = {
  configure: { right: "manage", about: "pool", hasId: false },
  fund: { right: "manage", about: "pool", hasId: true },
  reset_period: { right: "manage", about: "pool", hasId: true },
  register: { right: "manage", about: "agent", hasId: false },
  close: { right: "manage", about: "agent", hasId: true },
  reopen: { right: "manage", about: "agent", hasId: true },
  pause: { right: "manage", about: "agent", hasId: false },
  resume: { right: "manage", about: "agent", hasId: false },
  reset: { right: "manage", about: "agent", hasId: true },
  reserve: { right: "spend", about: "agent", hasId: true },
  commit: { right: "spend", about: "reservation", hasId: true },
  release: { right: "spend", about: "reservation", hasId: true },
  extend: { right: "spend", about: "reservation", hasId: true },
  record: { right: "spend", about: "agent", hasId: true },
  reallocate: { right: "spend", about: "agent", hasId: true },
};
