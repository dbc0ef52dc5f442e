/**
 * Periods by the calendar, over fifty years and thirteen places, against Luxon, which computes its dates another way.
 * BURSAR_SEED repeats a run.
 */
import { DateTime } from "luxon";
import { describe, expect, it } from "vitest";
import { periodAt } from "../../src/engine/calendar.ts";
import { applyDue, execute } from "../../src/engine/execute.ts";
import { emptyPool, type Pool } from "../../src/engine/state.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import { type RefillRule, type Weekday, weekdays } from "../../src/protocol/period.ts";
import { randomOf } from "../support/random.ts";

const seed = Number(process.env["BURSAR_SEED"] ?? Date.now()) | 0;
console.info(`seed ${seed}`);

const from = Date.UTC(1990, 0, 1);
const until = Date.UTC(2040, 0, 1);
const hour = 3_600_000;
const day = 24 * hour;

/** Clocks that move by an hour, by half of one, at midnight, over midnight; places that skipped a day; and odd offsets. */
const everywhere = [
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Sao_Paulo",
  "America/Havana",
  "America/St_Johns",
  "Africa/Cairo",
  "Asia/Tehran",
  "Asia/Kolkata",
  "Asia/Kathmandu",
  "Australia/Lord_Howe",
  "Pacific/Apia",
  "Pacific/Kiritimati",
] as const;
/** Mutants of the engine meet the first few: what breaks a calendar breaks it in most places. */
const places = everywhere.slice(0, Number(process.env["BURSAR_PLACES"] ?? everywhere.length));

const everyOf = ["day", "week", "month"] as const;

function ruleOf(every: (typeof everyOf)[number], time_zone: string, starts_on: Weekday = "monday"): RefillRule {
  return every === "week" ? { every, starts_on, time_zone } : { every, time_zone };
}

/** The date that Luxon finds the period of `at` to begin on: the period itself is told by it. */
function firstDay(rule: RefillRule, at: number): string {
  if (rule.every === "hours") throw new Error("no dates");
  const local = DateTime.fromMillis(at, { zone: rule.time_zone });
  if (rule.every !== "week") return (rule.every === "day" ? local : local.set({ day: 1 })).toISODate() ?? "";
  const back = (local.weekday - 1 - weekdays.indexOf(rule.starts_on) + 7) % 7;
  // Dates are subtracted in UTC: where a place skipped a date, its week still begins on its first day.
  return DateTime.utc(local.year, local.month, local.day).minus({ days: back }).toISODate() ?? "";
}

describe("a period by the calendar", () => {
  it.each(places)("is that of Luxon, at any moment of fifty years in %s", (place) => {
    const random = randomOf(seed);
    for (let tries = 0; tries < 1_500; tries++) {
      const every = everyOf[tries % 3] ?? "day";
      const rule = ruleOf(every, place, weekdays[Math.floor(random() * 7)]);
      const at = Math.floor(from + random() * (until - from));
      const { starts_at, ends_at } = periodAt(rule, at);
      const what = `${JSON.stringify(rule)} at ${new Date(at).toISOString()}, seed ${seed}`;
      expect(starts_at <= at && at < ends_at, what).toBe(true);
      const date = firstDay(rule, starts_at);
      // The period is of one date, from its first moment to its last: none of the one before, none of the one after;
      // but where clocks were put back over midnight, an hour of the date before comes again.
      if (firstDay(rule, at) !== date) {
        const offsetAt = (moment: number): number => DateTime.fromMillis(moment, { zone: place }).offset;
        expect([at - starts_at < hour, offsetAt(at) < offsetAt(starts_at)], what).toEqual([true, true]);
      }
      expect(firstDay(rule, starts_at - 1) < date, what).toBe(true);
      expect(firstDay(rule, ends_at) > date, what).toBe(true);
    }
  });

  it.each(places)("follows on the one before without a gap, for fifty years in %s", (place) => {
    for (const every of everyOf) {
      const rule = ruleOf(every, place);
      let periods = 0;
      let { starts_at, ends_at } = periodAt(rule, from);
      while (ends_at < until) {
        const next = periodAt(rule, ends_at);
        expect(next.starts_at, `${place}, ${every}`).toBe(ends_at);
        // At its last millisecond it is still the same one.
        expect(periodAt(rule, ends_at - 1).starts_at).toBe(starts_at);
        ({ starts_at, ends_at } = next);
        periods++;
      }
      const years = (until - from) / (365.25 * day);
      const expected = { day: years * 365.25, week: (years * 365.25) / 7, month: years * 12 }[every];
      expect(Math.abs(periods - expected)).toBeLessThan(4);
    }
  });

  it("has the hours that the day has, and none where the place skipped the date", () => {
    const hours = (place: string, at: string): number => {
      const { starts_at, ends_at } = periodAt({ every: "day", time_zone: place }, Date.parse(at));
      return (ends_at - starts_at) / hour;
    };
    expect(hours("Europe/Berlin", "2026-03-29T12:00Z")).toBe(23);
    expect(hours("Europe/Berlin", "2026-10-25T12:00Z")).toBe(25);
    expect(hours("Australia/Lord_Howe", "2026-04-05T00:00Z")).toBe(24.5);
    // Friday, 30 December 2011, was not: Saturday follows on Thursday.
    const thursday = periodAt({ every: "day", time_zone: "Pacific/Apia" }, Date.parse("2011-12-30T09:59Z"));
    const local = DateTime.fromMillis(thursday.ends_at, { zone: "Pacific/Apia" });
    expect(local.toISODate()).toBe("2011-12-31");
    // There the first hour of the day is skipped once a year.
    const { starts_at } = periodAt({ every: "day", time_zone: "America/Sao_Paulo" }, Date.parse("2018-11-04T12:00Z"));
    expect(DateTime.fromMillis(starts_at, { zone: "America/Sao_Paulo" }).hour).toBe(1);
  });

  it("ends a month on its last day, and a leap year's February on the 29th", () => {
    const end = (at: string): string =>
      new Date(periodAt({ every: "month", time_zone: "UTC" }, Date.parse(at)).ends_at).toISOString();
    expect(end("2026-01-31T23:59Z")).toBe("2026-02-01T00:00:00.000Z");
    expect(end("2028-02-29T00:00Z")).toBe("2028-03-01T00:00:00.000Z");
    expect(end("2026-12-31T23:59Z")).toBe("2027-01-01T00:00:00.000Z");
  });

  it("in hours is counted from when the rule was set, whatever the clocks of a place do", () => {
    const set = Date.parse("2026-03-29T00:17Z");
    const rule: RefillRule = { every: "hours", hours: 5, from: set };
    expect(periodAt(rule, set)).toEqual({ starts_at: set, ends_at: set + 5 * hour });
    expect(periodAt(rule, set + 12 * hour)).toEqual({ starts_at: set + 10 * hour, ends_at: set + 15 * hour });
  });
});

/** A pool under `rule`, begun at `at`. */
function poolUnder(rule: RefillRule, at: number): Pool {
  const pool = emptyPool();
  execute(pool, { op: "configure", budget: 1_000, refill: rule }, at, []);
  return pool;
}

describe("a pool whose alarms come late, twice, or never, under a clock that steps back", () => {
  it.each(places)("begins each period once, for fifty years in %s", (place) => {
    const random = randomOf(seed);
    for (const every of everyOf) {
      const rule = ruleOf(every, place);
      const pool = poolUnder(rule, from);
      const events: PoolEvent[] = [];
      const looked = new Set<string>([firstDay(rule, from)]);
      let clock = from;
      let latest = from;
      while (clock < until) {
        const due = pool.periodsEndAt;
        const luck = random();
        // On time; late by hours; never, so that some periods pass unseen; or just somebody who looks.
        if (luck < 0.4) clock = due;
        else if (luck < 0.6) clock = due + Math.floor(random() * 12 * hour);
        else if (luck < 0.7) clock = due + Math.floor(random() * 100 * day);
        else if (luck < 0.9) clock += Math.floor(random() * 6 * hour);
        else clock -= Math.floor(random() * 3 * day);
        // Twice: the platform runs an alarm at least once.
        for (let times = 0; times < 2; times++) applyDue(pool, clock, events);
        latest = Math.max(latest, clock);
        // Only an event moves the pool's clock on: until then a moment is just one at which nothing was due.
        const now = Math.max(pool.at, clock);
        looked.add(firstDay(rule, now));
        const { period } = pool;
        const what = `${place}, ${every}, seed ${seed}`;
        expect(period !== null && period.ends_at !== null && now < period.ends_at, what).toBe(true);
      }
      const begun = events.flatMap((event) => (event.type === "period_started" ? [event] : []));
      expect(events.every(({ type }) => type === "period_started" || type === "clock_corrected")).toBe(true);
      expect(begun.map(({ number }) => number)).toEqual(begun.map((_, index) => index + 2));
      const days = begun.map(({ starts_at }) => firstDay(rule, starts_at));
      expect(new Set(days).size).toBe(days.length);
      // Whenever somebody looked, the period of then had begun: none was skipped but those that nobody saw.
      const missed = [...looked].filter((date) => date > firstDay(rule, from) && !days.includes(date));
      expect(missed.filter((date) => date > (days.at(-1) ?? ""))).toEqual([]);
      for (const date of missed) expect(days.some((other) => other > date)).toBe(true);
      expect(latest).toBeGreaterThanOrEqual(until);
    }
  });
});
