/**
 * The events of a pool's journal. They are what is stored: once released, a field may be added, never renamed or given
 * another meaning (`docs/reference/storage.md`). Each holds all that `evolve` needs; nothing is decided again when they
 * are folded.
 */
import type { AgentEvents } from "./agent.ts";
import type { PeriodEvents } from "./period.ts";
import type { PoolEvents } from "./pool.ts";
import type { RefusalCode } from "./refusals.ts";
import type { ReservationEvents } from "./reservation.ts";
import type { UsageEvents } from "./usage.ts";

type EventBody = PoolEvents | AgentEvents | PeriodEvents | ReservationEvents | UsageEvents | RefusedEvent;

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

/** The events of refusals, without their time. */
export type RefusedEvent =
  /** Only where the pool says `journal_refusals: true`. Changes nothing. */
  { readonly type: "refused"; readonly op: string; readonly agent: string | null; readonly code: RefusalCode };
