/** A pool on the wire. */
import * as z from "zod";
import { agentViewSchema } from "./agent.wire.ts";
import {
  amounts,
  type Describes,
  integer,
  nameSchema,
  oneAmount,
  oneAmountMessage,
  queryFlag,
  queryInteger,
  replayed,
  signed,
  time,
  ttl,
  unit,
  withUnit,
} from "./common.wire.ts";
import { limits } from "./limits.ts";
import { periodSchema, poolRefill, poolRefillSchema } from "./period.wire.ts";
import type { FundResult, PoolList, PoolResult, Report } from "./pool.ts";
import { fallbackPrice } from "./price.wire.ts";

const warnAt = z
  .array(z.int().min(1).max(100))
  .max(limits.warnings)
  .refine((percentages) => percentages.every((percent, at) => percent > (percentages[at - 1] ?? 0)), "must rise");

const unknownFields = z.enum(["pass", "refuse"]).meta({ id: "UnknownFields" });

const locationHint = z
  .enum(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"])
  .meta({ id: "LocationHint" });

export const configureBody = z.strictObject({
  unit: unit.optional(),
  budget: z.int().min(0).max(limits.total).nullable().optional(),
  equal_priority_donates: z.boolean().optional(),
  default_ttl_ms: ttl.optional(),
  journal_refusals: z.boolean().optional(),
  fallback_price: fallbackPrice.nullable().optional(),
  refill: poolRefill.nullable().optional(),
  warn_at: warnAt.optional(),
  journal_days: z.int().min(1).max(limits.journalDays).nullable().optional(),
  unknown_fields: unknownFields.optional(),
  location_hint: locationHint.optional(),
});

export const fundFields = amounts(z.int().min(-limits.total).max(limits.total));

export const fundBody = z
  .strictObject({ ...fundFields, id: nameSchema.optional() })
  .refine(oneAmount, oneAmountMessage)
  .transform(withUnit);

export const removeQuery = z.strictObject({ force: queryFlag.optional() });

export const metricsQuery = z.strictObject({
  after: nameSchema.optional(),
  limit: queryInteger(limits.metricsPage).optional(),
});

export const settings = {
  unit,
  budget: integer.nullable(),
  equal_priority_donates: z.boolean(),
  default_ttl_ms: integer,
  journal_refusals: z.boolean(),
  fallback_price: fallbackPrice.nullable(),
  refill: poolRefillSchema.nullable(),
  warn_at: z.array(integer).readonly(),
  journal_days: integer.nullable(),
  unknown_fields: unknownFields,
};

export const poolResultSchema = z
  .strictObject({
    ...settings,
    paused: z.boolean(),
    period: periodSchema,
    seq: integer,
    total: integer,
    unallocated: integer,
  })
  .meta({ id: "Pool" }) satisfies Describes<PoolResult>;

export const fundResultSchema = z
  .strictObject({ id: z.string(), amount: signed, seq: integer, total: integer, unallocated: integer, replayed })
  .meta({ id: "FundResult" }) satisfies Describes<FundResult>;

export const reportSchema = z
  .strictObject({
    pool: z.string(),
    unit,
    seq: integer,
    total: integer,
    unallocated: integer,
    consumed: integer,
    held: integer,
    period: periodSchema,
    agents: z.record(z.string(), agentViewSchema),
  })
  .meta({ id: "Report" }) satisfies Describes<Report>;

const listedPool = z.strictObject({ name: z.string(), created_at: time }).meta({ id: "ListedPool" });

export const poolListSchema = z
  .strictObject({ pools: z.array(listedPool).readonly() })
  .meta({ id: "PoolList" }) satisfies Describes<PoolList>;

export const expositionSchema = z
  .string()
  .meta({ id: "Metrics", description: "Prometheus text; docs/reference/metrics.md lists the metrics." });
