/** A reservation: budget that is held for a call, until it is committed, released, or its lease ends. */
import type { NamedAgentView } from "./agent.ts";
import type { BookedUsage } from "./price.ts";
import type { Unit } from "./unit.ts";

/** What becomes of a reservation whose lease ends: its budget returns, or is booked until a late commit corrects it. */
export type OnExpiry = "release" | "charge";

/** Labels of the caller's, kept with a reservation and in the journal. */
export type Metadata = { readonly [key: string]: string };

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

/** Budget moved to the agent that the event is about. `from: null` is the pool's unallocated budget. */
export type Transfer = { readonly from: string | null; readonly amount: number };

export type ReservationResult = {
  readonly id: string;
  readonly state: "held";
  readonly granted: number;
  readonly expires_at: number;
  readonly on_expiry: OnExpiry;
  readonly transfers: readonly Transfer[];
  /** Where the agent's contract says that the answer states its confidence; absent for nowhere. */
  readonly confidence_path?: string;
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

/** The events of reservations, without their time. */
export type ReservationEvents =
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
  | { readonly type: "expired"; readonly id: string; readonly charged: number };
