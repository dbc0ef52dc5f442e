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

/** What an agent had and used when a period ended; `held` went on into the next one. */
export type EndedBooks = { readonly allocated: number; readonly consumed: number; readonly held: number };

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
