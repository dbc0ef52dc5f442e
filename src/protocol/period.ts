/** When a budget is filled again, and which period that makes. Times are in milliseconds since 1970. */

export const weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] as const;

export type Weekday = (typeof weekdays)[number];

/** By the calendar of a place, or every so many hours, counted from `from`. */
export type RefillRule =
  | { readonly every: "day" | "month"; readonly time_zone: string }
  | { readonly every: "week"; readonly starts_on: Weekday; readonly time_zone: string }
  | { readonly every: "hours"; readonly hours: number; readonly from: number };

/** What becomes of budget that a period leaves: nothing, all of it is added to the next, or at most `cap` of it. */
export type Rollover =
  | { readonly rollover: "none" | "unspent" }
  | { readonly rollover: "capped"; readonly rollover_cap: number };

export type PoolRefill = RefillRule & Rollover;

/** A rule as it is given: what is left out has its default; hours are counted from when the rule is set. */
export type GivenRule =
  | { readonly every: "day" | "month"; readonly time_zone?: string | undefined }
  | { readonly every: "week"; readonly starts_on?: Weekday | undefined; readonly time_zone?: string | undefined }
  | { readonly every: "hours"; readonly hours: number; readonly from?: number | undefined };

export type GivenPoolRefill = GivenRule & {
  readonly rollover?: Rollover["rollover"] | undefined;
  readonly rollover_cap?: number | undefined;
};

/** A period: its number (1, 2, 3, …), when it began, and when the next one begins: null if only a command ends it. */
export type Period = { readonly number: number; readonly starts_at: number; readonly ends_at: number | null };

/** Where an allocation comes from and goes back to: the pool's unallocated budget, the parent, or nowhere (no budget is set). */
export type AllocationSource = "unallocated" | "parent" | "issued";

/** What an agent had and used when a period ended; `held` went on into the next one. */
export type EndedLedger = { readonly allocated: number; readonly consumed: number; readonly held: number };

/** Starts a new period of the pool now: the budget is filled again, and nothing is consumed. */
export type ResetPeriodCommand = { readonly op: "reset_period"; readonly id: string };

/** The ledger of a period that is over. `closed` is of the agents that left in it. */
export type EndedPeriod = Omit<Period, "ends_at"> & {
  readonly ended_at: number;
  readonly total: number;
  readonly consumed: number;
  readonly held: number;
  readonly closed: { readonly agents: number; readonly allocated: number; readonly consumed: number };
};

/** What `reset_period` answers: the period that it began, or, repeated, the one that is now. */
export type PeriodResult = {
  readonly id: string;
  readonly seq: number;
  readonly period: Period;
  readonly replayed?: true;
};

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
  readonly agents: { readonly [name: string]: EndedLedger };
};

export type PeriodList = { readonly periods: readonly PeriodReport[] };

/** The rule that `given` stands for, set at `now`; one that is `known` already keeps its beginning. */
export function ruleOf(given: GivenRule, now: number, known: RefillRule | null | undefined): RefillRule {
  switch (given.every) {
    case "hours": {
      const goesOn = known?.every === "hours" && known.hours === given.hours;
      return { every: "hours", hours: given.hours, from: given.from ?? (goesOn ? known.from : now) };
    }
    case "week":
      return { every: "week", starts_on: given.starts_on ?? "monday", time_zone: given.time_zone ?? "UTC" };
    case "day":
    case "month":
      return { every: given.every, time_zone: given.time_zone ?? "UTC" };
  }
}

export function rolloverOf({ rollover = "none", rollover_cap }: Omit<GivenPoolRefill, "every">): Rollover {
  return rollover === "capped" ? { rollover, rollover_cap: rollover_cap ?? 0 } : { rollover };
}

/** The events of periods, without their time. */
export type PeriodEvents =
  /**
   * A new period of the pool: `total` and `unallocated` are what it begins with, `agents` what each is allocated, and what it had and
   * used in the period that `ended`. `id` where a command began it.
   */
  | ({
      readonly type: "period_started";
      readonly id?: string;
      readonly total: number;
      readonly unallocated: number;
      readonly agents: readonly { readonly agent: string; readonly allocated: number; readonly ended: EndedLedger }[];
      readonly ended: EndedPeriod;
    } & Period)
  /**
   * A new period of an agent's own, inside the pool's: what it consumed is booked to its parent or the closed accounts,
   * with the budget that paid for it; then its allocation grows by `allocated`, from `source`.
   */
  | ({
      readonly type: "agent_period_started";
      readonly agent: string;
      readonly allocated: number;
      readonly source: AllocationSource;
      readonly ended: EndedLedger & Omit<Period, "ends_at"> & { readonly ended_at: number };
    } & Period);
