/**
 * The commands of a pool, as the engine takes them. On the wire an amount is named after its unit (`tokens`,
 * `microusd`); the schemas turn that into `amount` and `unit`, so that a number can't be booked in the wrong unit.
 */
import type {
  AgentChangeResult,
  AgentResult,
  CloseCommand,
  CloseResult,
  PauseCommand,
  PauseResult,
  RegisterCommand,
  ReopenCommand,
  ResetCommand,
  ResumeCommand,
} from "./agent.ts";
import type { PeriodResult, ResetPeriodCommand } from "./period.ts";
import type { ConfigureCommand, FundCommand, FundResult, PoolResult } from "./pool.ts";
import type { Result } from "./refusals.ts";
import type {
  CommitCommand,
  ExtendCommand,
  ReleaseCommand,
  ReservationResult,
  ReserveCommand,
  SettlementResult,
} from "./reservation.ts";
import type { ReallocateCommand, ReallocationResult, RecordCommand, UsageResult } from "./usage.ts";

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

/** What a command answers. */
export type AnyResult = Results[keyof Results];

/** What comes of a command: what it did, or why not. */
export type Outcome = Result<AnyResult>;

/** How commands are to run: `wait_ms` is how long a lone reserve may wait in line, `ticket` the name of the call there. */
export type ExecuteOptions = { readonly wait_ms?: number; readonly ticket?: string };

/** The outcomes of commands, in their order. */
export type Execution = { readonly outcomes: readonly Outcome[] };
