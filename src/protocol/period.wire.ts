/** Refill rules and periods on the wire. */
import * as z from "zod";
import { type Describes, moment, nameSchema, queryInteger, replayed, time, whole } from "./common.wire.ts";
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

export const rollover = z.enum(["none", "unspent", "capped"]);

/** The kinds of rules, each with what `more` says. */
const rule = <More extends z.ZodRawShape>(more: More) =>
  z.discriminatedUnion("every", [
    z.strictObject({ every: z.literal("day"), time_zone: timeZone.optional(), ...more }),
    z.strictObject({
      every: z.literal("week"),
      starts_on: z.enum(weekdays).optional(),
      time_zone: timeZone.optional(),
      ...more,
    }),
    z.strictObject({ every: z.literal("month"), time_zone: timeZone.optional(), ...more }),
    z.strictObject({
      every: z.literal("hours"),
      hours: z.int().min(1).max(limits.refillHours),
      from: moment.optional(),
      ...more,
    }),
  ]);

export const refillRule = rule({});

export const poolRefill = rule({
  rollover: rollover.optional(),
  rollover_cap: z.int().min(0).max(limits.total).optional(),
}).refine(({ rollover, rollover_cap }) => (rollover === "capped") === (rollover_cap !== undefined), {
  path: ["rollover_cap"],
  error: "goes with rollover: capped, and only with that",
});

export const periodsQuery = z.strictObject({
  agent: nameSchema.optional(),
  before: queryInteger(Number.MAX_SAFE_INTEGER).optional(),
  limit: queryInteger(limits.periodPage).optional(),
});

const day = { every: z.literal("day"), time_zone: z.string() };

const week = { every: z.literal("week"), starts_on: z.enum(weekdays), time_zone: z.string() };

const month = { every: z.literal("month"), time_zone: z.string() };

const hours = { every: z.literal("hours"), hours: whole, from: time };

export const refillRuleSchema = z
  .union([z.strictObject(day), z.strictObject(week), z.strictObject(month), z.strictObject(hours)])
  .meta({ id: "RefillRule" }) satisfies Describes<RefillRule>;

const plain = { rollover: z.enum(["none", "unspent"]) };

const capped = { rollover: z.literal("capped"), rollover_cap: whole };

export const poolRefillSchema = z
  .union([
    z.strictObject({ ...day, ...plain }),
    z.strictObject({ ...week, ...plain }),
    z.strictObject({ ...month, ...plain }),
    z.strictObject({ ...hours, ...plain }),
    z.strictObject({ ...day, ...capped }),
    z.strictObject({ ...week, ...capped }),
    z.strictObject({ ...month, ...capped }),
    z.strictObject({ ...hours, ...capped }),
  ])
  .meta({ id: "PoolRefill" }) satisfies Describes<PoolRefill>;

export const periodSchema = z
  .strictObject({
    number: whole,
    starts_at: time,
    ends_at: time.nullable().describe("when the next begins; null if only a command ends it"),
  })
  .meta({ id: "Period" }) satisfies Describes<Period>;

export const periodResultSchema = z.strictObject({
  id: z.string(),
  seq: whole,
  period: periodSchema,
  replayed,
}) satisfies Describes<PeriodResult>;

export const endedBooks = z.strictObject({ allocated: whole, consumed: whole, held: whole });

export const periodListSchema = z.strictObject({
  periods: z
    .array(
      z
        .strictObject({
          agent: z.string().nullable().describe("null: the pool"),
          number: whole,
          starts_at: time,
          ended_at: time,
          budget: whole,
          consumed: whole,
          held: whole.describe("what was open, and is paid in the next"),
          agents: z.record(z.string(), endedBooks),
        })
        .meta({ id: "PeriodReport" }),
    )
    .readonly(),
}) satisfies Describes<PeriodList>;
