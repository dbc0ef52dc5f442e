/** What commands and reads answer. Amounts are in the pool's unit, times in milliseconds since 1970. */
import type { Metadata, OnExpiry, Unit } from "./commands.ts";
import type { Contract, Donor, JournalEvent, PoolSettings, Transfer } from "./events.ts";
import type { EndedBooks, Period } from "./refill.ts";
import type { Refusal } from "./refusals.ts";

/** An agent's ledger entry, in the seed's words and ours. */
export type AgentView = {
  readonly priority: number;
  readonly allocated: number;
  readonly consumed: number;
  readonly held: number;
  /** allocated − consumed */
  readonly remaining: number;
  /** remaining − held; below zero after an overage */
  readonly available: number;
  readonly min_reserve: number;
  readonly overage: number;
  readonly gate: "open" | "closed";
  readonly confidence: number | null;
};

/** An agent as results carry it. */
export type NamedAgentView = { readonly name: string } & AgentView;

export type AgentDetail = NamedAgentView & {
  readonly contract: Contract;
  /** Its own, where its contract has one. */
  readonly period: Period | null;
  readonly closing: boolean;
  readonly paused: boolean;
  readonly open_reservations: number;
  readonly sub_agents: number;
};

export type PoolResult = PoolSettings & {
  readonly paused: boolean;
  readonly period: Period;
  readonly seq: number;
  readonly total: number;
  readonly unallocated: number;
};
export type AgentResult = { readonly seq: number; readonly agent: AgentDetail };
/** `agent` is null once it has left. */
export type CloseResult = {
  readonly seq: number;
  readonly state: "closing" | "closed";
  readonly agent: AgentDetail | null;
};
export type FundResult = {
  readonly id: string;
  readonly amount: number;
  readonly seq: number;
  readonly total: number;
  readonly unallocated: number;
  readonly replayed?: true;
};
export type ReservationResult = {
  readonly id: string;
  readonly state: "held";
  readonly granted: number;
  readonly expires_at: number;
  readonly on_expiry: OnExpiry;
  readonly transfers: readonly Transfer[];
  readonly seq: number;
  readonly agent: NamedAgentView | null;
  readonly replayed?: true;
};
export type SettlementResult = {
  readonly id: string;
  readonly state: "committed" | "released" | "expired";
  readonly granted: number;
  readonly consumed: number;
  readonly overage: number;
  readonly transfers: readonly Transfer[];
  readonly late: boolean;
  readonly seq: number;
  readonly agent: NamedAgentView | null;
  readonly replayed?: true;
};
export type UsageResult = {
  readonly id: string;
  readonly consumed: number;
  readonly overage: number;
  readonly transfers: readonly Transfer[];
  readonly seq: number;
  readonly agent: NamedAgentView | null;
  readonly replayed?: true;
};
export type ReallocationResult = {
  readonly id: string;
  readonly asked: number;
  readonly moved: number;
  readonly shortfall: number;
  readonly transfers: readonly Transfer[];
  readonly donors: readonly Donor[];
  readonly dry_run: boolean;
  readonly seq: number;
  readonly agent: NamedAgentView | null;
  readonly replayed?: true;
};
/** What `reopen` and `reset` answer. */
export type AgentChangeResult = {
  readonly id: string;
  readonly seq: number;
  readonly agent: NamedAgentView | null;
  readonly replayed?: true;
};

/** What `reset_period` answers: the period that it began, or, repeated, the one that is now. */
export type PeriodResult = {
  readonly id: string;
  readonly seq: number;
  readonly period: Period;
  readonly replayed?: true;
};

/** What `pause` and `resume` answer; `agent` is null where the pool itself was meant. */
export type PauseResult = { readonly seq: number; readonly paused: boolean; readonly agent: AgentDetail | null };

/** What each command answers, by its `op`. */
export type Results = {
  readonly configure: PoolResult;
  readonly fund: FundResult;
  readonly register: AgentResult;
  readonly close: CloseResult;
  readonly reopen: AgentChangeResult;
  readonly pause: PauseResult;
  readonly resume: PauseResult;
  readonly reset: AgentChangeResult;
  readonly reset_period: PeriodResult;
  readonly reserve: ReservationResult;
  readonly commit: SettlementResult;
  readonly release: SettlementResult;
  readonly extend: ReservationResult;
  readonly record: UsageResult;
  readonly reallocate: ReallocationResult;
};

export type Result = Results[keyof Results];

/** The answer to a command: what it did, or why not. */
export type Outcome =
  | { readonly ok: true; readonly result: Result }
  | { readonly ok: false; readonly refusal: Refusal };

/** What the gateway is told of a reserve, beside its outcome: the contract's `confidence_path`. */
export type Admission = { readonly outcome: Outcome; readonly confidence_path: string | null };

export type ReservationView = {
  readonly id: string;
  readonly agent: string;
  readonly state: "held" | "committed" | "released" | "expired";
  readonly asked: number;
  readonly granted: number;
  readonly consumed: number;
  readonly overage: number;
  readonly late: boolean;
  readonly created_at: number;
  readonly expires_at: number;
  readonly on_expiry: OnExpiry;
  readonly transfers: readonly Transfer[];
  readonly metadata: Metadata;
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

/** What of a journal is here, and what is in the archive. */
export type ArchiveResult = {
  /** Whether this deployment has an archive. */
  readonly archive: boolean;
  /** The last event. */
  readonly seq: number;
  /** The last event that is in the archive; 0 if none is. */
  readonly shipped: number;
  /** The last event that is no longer here; 0 while all are. */
  readonly trimmed: number;
};

export type RestoreResult = { readonly seq: number };

/** A period that is over: the pool's, or an agent's own. */
export type PeriodReport = {
  readonly agent: string | null;
  readonly number: number;
  readonly starts_at: number;
  readonly ended_at: number;
  /** The pool's total, or the agent's allocation. */
  readonly budget: number;
  readonly consumed: number;
  /** What was open, and went on into the next. */
  readonly held: number;
  /** Of the pool's agents when it ended; none of an agent's own period. */
  readonly agents: { readonly [name: string]: EndedBooks };
};

export type PeriodList = { readonly periods: readonly PeriodReport[] };

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

/** The journal folded again from its first event, and what was found to be wrong. */
export type Audit = {
  readonly ok: boolean;
  readonly seq: number;
  readonly rows: number;
  readonly findings: readonly string[];
};

export type PoolList = { readonly pools: readonly { readonly name: string; readonly created_at: number }[] };

export type JournalPage = { readonly events: readonly JournalEvent[]; readonly next: number };

/**
 * A page of a pool's state (`engine/image-pages.ts`), as of event `seq`. `next` asks for the page that follows; null at
 * the end.
 */
export type SnapshotPage = {
  readonly seq: number;
  readonly next: string | null;
  readonly [part: string]: unknown;
};

/** The answer to a read. */
export type Answer<T> = { readonly ok: true; readonly result: T } | { readonly ok: false; readonly refusal: Refusal };
