/** Usage and reallocations on the wire. */
import * as z from "zod";
import { namedAgent } from "./agent.wire.ts";
import {
  amount,
  amounts,
  confidence,
  type Describes,
  gate,
  integer,
  nameSchema,
  oneAmount,
  oneAmountMessage,
  positive,
  replayed,
  signed,
  withUnit,
} from "./common.wire.ts";
import { bookedUsage } from "./price.wire.ts";
import { metadata, transfers } from "./reservation.wire.ts";
import type { ReallocationResult, UsageResult } from "./usage.ts";

export const recordFields = {
  agent: nameSchema,
  ...amounts(amount),
  confidence: confidence.optional(),
  metadata: metadata.optional(),
  usage: bookedUsage.optional(),
};

export const recordBody = z
  .strictObject({ ...recordFields, id: nameSchema.optional() })
  .refine(oneAmount, oneAmountMessage)
  .transform(withUnit);

export const reallocateFields = { agent: nameSchema, ...amounts(positive), dry_run: z.boolean().optional() };

export const reallocateBody = z
  .strictObject({ ...reallocateFields, id: nameSchema.optional() })
  .refine(oneAmount, oneAmountMessage)
  .transform(withUnit);

export const usageResultSchema = z
  .strictObject({
    id: z.string(),
    consumed: integer,
    overage: integer,
    transfers,
    seq: integer,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Usage" }) satisfies Describes<UsageResult>;

export const donor = z
  .strictObject({
    agent: z.string(),
    priority: integer,
    gate,
    available: signed,
    min_reserve: integer,
    could_give: integer,
    gives: integer,
  })
  .meta({ id: "Donor" });

export const reallocationResultSchema = z
  .strictObject({
    id: z.string(),
    asked: integer,
    moved: integer,
    shortfall: integer,
    transfers,
    donors: z.array(donor).readonly(),
    dry_run: z.boolean(),
    seq: integer,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Reallocation" }) satisfies Describes<ReallocationResult>;
