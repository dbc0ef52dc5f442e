/** Refill rules and periods on the wire. */
import * as z from "zod";
import { type Describes, integer, moment, nameSchema, queryInteger, replayed, time } from "./common.wire.ts";
import { limits } from "./limits.ts";
import {
  type Period,
  type PeriodList,
  type PeriodResult,
  type PoolRefill,
  type RefillRule,
  weekdays,
} from "./period.ts";

/** A name of the IANA database. What it names must be known here: a period's end is computed from it for years. */
const timeZone = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9._+/-]{0,63}$/, "must be an IANA time zone, such as Europe/Berlin")
  .refine(isTimeZone, "is not a time zone of the IANA database");

function isTimeZone(timeZone: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone }).format();
    return true;
  } catch {
    return false;
  }
}

const weekday = z.enum(weekdays).meta({ id: "Weekday" });

export const rollover = z.enum(["none", "unspent", "capped"]).meta({ id: "Rollover" });

/** The kinds of rules, each with what `more` says, under a name that begins with `name`. */
const rule = <More extends z.ZodRawShape>(name: string, more: More) =>
  z.discriminatedUnion("every", [
    z.strictObject({ every: z.literal("day"), time_zone: timeZone.optional(), ...more }).meta({ id: `${name}Day` }),
    z
      .strictObject({
        every: z.literal("week"),
        starts_on: weekday.optional(),
        time_zone: timeZone.optional(),
        ...more,
      })
      .meta({ id: `${name}Week` }),
    z.strictObject({ every: z.literal("month"), time_zone: timeZone.optional(), ...more }).meta({ id: `${name}Month` }),
    z
      .strictObject({
        every: z.literal("hours"),
        hours: z.int().min(1).max(limits.refillHours),
        from: moment.optional(),
        ...more,
      })
      .meta({ id: `${name}Hours` }),
  ]);

export const refillRule = rule("NewRefill", {}).meta({ id: "NewRefillRule" });

export const poolRefill = rule("NewPoolRefill", {
  rollover: rollover.optional(),
  rollover_cap: z.int().min(0).max(limits.total).optional(),
})
  .refine(({ rollover, rollover_cap }) => (rollover === "capped") === (rollover_cap !== undefined), {
    path: ["rollover_cap"],
    error: "goes with rollover: capped, and only with that",
  })
  .meta({ id: "NewPoolRefill" });

export const periodsQuery = z.strictObject({
  agent: nameSchema.optional(),
  before: queryInteger(Number.MAX_SAFE_INTEGER).optional(),
  limit: queryInteger(limits.periodPage).optional(),
});

const day = { every: z.literal("day"), time_zone: z.string() };

const week = { every: z.literal("week"), starts_on: weekday, time_zone: z.string() };

const month = { every: z.literal("month"), time_zone: z.string() };

const hours = { every: z.literal("hours"), hours: integer, from: time };

export const refillRuleSchema = z
  .discriminatedUnion("every", [
    z.strictObject(day).meta({ id: "RefillDay" }),
    z.strictObject(week).meta({ id: "RefillWeek" }),
    z.strictObject(month).meta({ id: "RefillMonth" }),
    z.strictObject(hours).meta({ id: "RefillHours" }),
  ])
  .meta({ id: "RefillRule" }) satisfies Describes<RefillRule>;

const uncapped = z.enum(["none", "unspent"]).meta({ id: "UncappedRollover" });

/** A kind of rule with and without a cap on what is carried over. */
const withRollover = <Kind extends z.ZodRawShape>(name: string, kind: Kind) =>
  z
    .discriminatedUnion("rollover", [
      z.strictObject({ ...kind, rollover: uncapped }).meta({ id: name }),
      z.strictObject({ ...kind, rollover: z.literal("capped"), rollover_cap: integer }).meta({ id: `${name}Capped` }),
    ])
    .meta({ id: `${name}Rule` });

export const poolRefillSchema = z
  .discriminatedUnion("every", [
    withRollover("PoolRefillDay", day),
    withRollover("PoolRefillWeek", week),
    withRollover("PoolRefillMonth", month),
    withRollover("PoolRefillHours", hours),
  ])
  .meta({ id: "PoolRefill" }) satisfies Describes<PoolRefill>;

export const periodSchema = z
  .strictObject({
    number: integer,
    starts_at: time,
    ends_at: time.nullable().describe("when the next begins; null if only a command ends it"),
  })
  .meta({ id: "Period" }) satisfies Describes<Period>;

export const periodResultSchema = z
  .strictObject({ id: z.string(), seq: integer, period: periodSchema, replayed })
  .meta({ id: "PeriodResult" }) satisfies Describes<PeriodResult>;

export const endedLedger = z
  .strictObject({ allocated: integer, consumed: integer, held: integer })
  .meta({ id: "EndedLedger" });

const periodReport = z
  .strictObject({
    agent: z.string().nullable().describe("null: the pool"),
    number: integer,
    starts_at: time,
    ended_at: time,
    budget: integer,
    consumed: integer,
    held: integer.describe("what was open, and is paid in the next"),
    agents: z.record(z.string(), endedLedger),
  })
  .meta({ id: "PeriodReport" });

export const periodListSchema = z
  .strictObject({ periods: z.array(periodReport).readonly() })
  .meta({ id: "PeriodList" }) satisfies Describes<PeriodList>;
