/** Calls counted in microusd, at the price of their model. */
import type { Price, Rates } from "../protocol/price.ts";
import type { Extent } from "../providers/request.ts";
import { cacheWrite1hRate, cacheWriteRate, costOf, ratesAt, sumUp } from "./cost.ts";
import { atTier } from "./service-tiers.ts";
import type { Tariff } from "./tariff.ts";
import { feesHeld, feesOf } from "./tool-prices.ts";

/** The tariff of `model` at `price`, its standard one. */
export function inMicrousd(price: Price, model = ""): Tariff {
  const ratesFor = (extent: Extent): { input: number; output: number } => {
    // Of a cheaper tier the provider may fall back to the standard one.
    const asked = atTier(price, extent.tier, model);
    const rates = ratesAt(asked.output < price.output ? price : asked, extent.prompt * tierMargin);
    return { input: Math.max(rates.input, cacheRate(extent, rates)), output: extent.writes ? rates.output : 0 };
  };
  return {
    unit: "microusd",
    price,
    bound: (extent, limit) => {
      const { input, output } = ratesFor(extent);
      return (
        feesHeld(extent.tools) +
        sumUp([
          [extent.prompt, input],
          [extent.answers * limit, output],
        ])
      );
    },
    limitWithin: (extent, granted) => {
      const { input, output } = ratesFor(extent);
      if (output === 0) return Number.MAX_SAFE_INTEGER;
      // In millionths of a microusd, which pass 2^53.
      const left = BigInt(granted - feesHeld(extent.tools)) * 1_000_000n - BigInt(extent.prompt) * BigInt(input);
      return Math.max(0, Number(left / (BigInt(extent.answers) * BigInt(output))));
    },
    amountOf: (usage, uses = {}) => costOf(usage, price) + feesOf(uses),
    served: (tier, served, standard = price) => inMicrousd(atTier(standard, tier, served), served),
  };
}

/** A prompt is estimated: one that comes near the length from which it is dearer is held at the dearer rates. */
const tierMargin = 1.25;

/** What input costs that the provider may write to its cache, if it may. */
function cacheRate({ cacheWrites }: Extent, rates: Rates): number {
  switch (cacheWrites) {
    case "never":
      return 0;
    case "short":
      return cacheWriteRate(rates);
    case "hour":
      return cacheWrite1hRate(rates);
  }
}
