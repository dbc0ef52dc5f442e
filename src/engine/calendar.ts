/**
 * Which period of a refill rule a moment lies in. Days, weeks and months are those of an IANA time zone: they begin when that
 * date first begins there, so a day may have 23, 24 or 25 hours, and a date that a zone skipped has none. The calendar is
 * Temporal's (a polyfill, until every runtime has it).
 */
import { Temporal } from "temporal-polyfill";
import { type RefillRule, weekdays } from "../protocol/period.ts";

const hourMs = 3_600_000;

/** The period that `at` lies in: `starts_at` ≤ `at` < `ends_at`. */
export function periodAt(rule: RefillRule, at: number): { readonly starts_at: number; readonly ends_at: number } {
  if (rule.every === "hours") {
    const length = rule.hours * hourMs;
    const starts_at = rule.from + Math.floor((at - rule.from) / length) * length;
    return { starts_at, ends_at: starts_at + length };
  }
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(rule.time_zone);
  let first = firstDay(rule, local.toPlainDate());
  let next = nextFirst(rule, first);
  // Where clocks were once put back over midnight, a date ends, and then some minutes of it come again.
  while (beginningOf(next, rule.time_zone) <= at) {
    first = next;
    next = nextFirst(rule, first);
  }
  return { starts_at: beginningOf(first, rule.time_zone), ends_at: beginningOf(next, rule.time_zone) };
}

type CalendarRule = Exclude<RefillRule, { readonly every: "hours" }>;

function firstDay(rule: CalendarRule, date: Temporal.PlainDate): Temporal.PlainDate {
  switch (rule.every) {
    case "day":
      return date;
    case "week":
      return date.subtract({ days: (date.dayOfWeek - 1 - weekdays.indexOf(rule.starts_on) + 7) % 7 });
    case "month":
      return date.with({ day: 1 });
  }
}

function nextFirst({ every }: CalendarRule, first: Temporal.PlainDate): Temporal.PlainDate {
  switch (every) {
    case "day":
      return first.add({ days: 1 });
    case "week":
      return first.add({ days: 7 });
    case "month":
      return first.add({ months: 1 });
  }
}

/** When the date begins there: mostly at midnight; after it, where clocks skip midnight. */
function beginningOf(date: Temporal.PlainDate, timeZone: string): number {
  return date.toZonedDateTime(timeZone).epochMilliseconds;
}
