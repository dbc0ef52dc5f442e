/** Usage and reallocations on the wire. */
import * as z from "zod";
import { namedAgent } from "./agent.wire.ts";
import {
  amount,
  amounts,
  confidence,
  type Describes,
  gate,
  nameSchema,
  oneAmount,
  oneAmountMessage,
  positive,
  replayed,
  signed,
  whole,
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
    consumed: whole,
    overage: whole,
    transfers,
    seq: whole,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Usage" }) satisfies Describes<UsageResult>;

export const donor = z
  .strictObject({
    agent: z.string(),
    priority: whole,
    gate,
    available: signed,
    min_reserve: whole,
    could_give: whole,
    gives: whole,
  })
  .meta({ id: "Donor" });

export const reallocationResultSchema = z
  .strictObject({
    id: z.string(),
    asked: whole,
    moved: whole,
    shortfall: whole,
    transfers,
    donors: z.array(donor).readonly(),
    dry_run: z.boolean(),
    seq: whole,
    agent: namedAgent.nullable(),
    replayed,
  })
  .meta({ id: "Reallocation" }) satisfies Describes<ReallocationResult>;
