/** Budget that moves without a reservation: usage that is recorded, and spare budget that is reallocated. */
import type { NamedAgentView } from "./agent.ts";
import type { BookedUsage } from "./price.ts";
import type { Metadata, Transfer } from "./reservation.ts";
import type { Unit } from "./unit.ts";

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

/** The events of usage and reallocations, without their time. */
export type UsageEvents =
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
    };
