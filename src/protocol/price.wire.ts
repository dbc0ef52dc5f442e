/** Prices on the wire. */
import * as z from "zod";
import { amount, type Describes, modelNameSchema, nameSchema, queryInteger } from "./common.wire.ts";
import { limits } from "./limits.ts";
import type { PriceView } from "./price.ts";

/** Dollars per token, times 10^12. Dearer than $1,000 a million tokens is a slip, and products would pass 2^53. */
const rate = z.int().min(0).max(limits.rate);

export const ratesFields = {
  input: rate,
  output: rate,
  cache_read: rate.optional(),
  cache_write: rate.optional(),
  cache_write_1h: rate.optional(),
};

export const fallbackPrice = z.strictObject(ratesFields).meta({ id: "FallbackPrice" });

const tier = z
  .strictObject({ above: z.int().min(1).max(limits.amount), ...ratesFields })
  .meta({ id: "PriceTier", description: "The rates of calls whose input is above so many tokens." });

export const priceBody = z.strictObject({
  ...ratesFields,
  tiers: z
    .array(tier)
    .max(limits.priceTiers)
    .refine((tiers) => tiers.every(({ above }, at) => above > (tiers[at - 1]?.above ?? 0)), "must rise by above")
    .optional(),
});

const bookedPrice = z
  .strictObject({ ...ratesFields, version: z.string().min(1).max(limits.labelLength) })
  .meta({ id: "BookedPrice" });

export const bookedUsage = z
  .strictObject({
    provider: z.string().min(1).max(limits.labelLength).optional(),
    model: z.string().min(1).max(limits.modelLength).optional(),
    input: amount,
    output: amount,
    cache_read: amount.optional(),
    cache_write: amount.optional(),
    cache_write_1h: amount.optional(),
    reasoning: amount.optional(),
    tool_uses: z
      .record(z.string().min(1).max(limits.labelLength), amount)
      .refine((uses) => Object.keys(uses).length <= limits.toolNames, `may name at most ${limits.toolNames} tools`)
      .meta({ id: "ToolUses" })
      .optional(),
    estimated: z.literal(true).optional(),
    price: bookedPrice.optional(),
  })
  .meta({ id: "BookedUsage", description: "What a call used, by kind. All but `reasoning` is priced." });

export const priceQuery = z.strictObject({
  pool: nameSchema.optional().describe("whose fallback price is in force where the model has no other"),
});

export const modelsQuery = z.strictObject({ after: modelNameSchema.optional(), limit: queryInteger(1_000).optional() });

export const priceSchema = z
  .strictObject({
    model: z.string(),
    ...ratesFields,
    tiers: z.array(tier).readonly().optional(),
    version: z.string().describe("names the price in what is booked at it"),
    source: z.string(),
    as_of: z.string(),
  })
  .meta({ id: "Price", description: "Rates are whole microusd per million tokens." }) satisfies Describes<PriceView>;

export const priceListSchema = z.strictObject({ prices: z.array(priceSchema).readonly() }).meta({ id: "PriceList" });
