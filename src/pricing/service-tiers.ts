/**
 * What the tier that served a call, or its region, makes of the model's price. Providers publish these as factors of
 * the standard rates, or as rates that come to one factor (openai.com/api-fast-mode, platform.claude.com/docs: fast
 * mode, data residency). The answer names the tier that was served, which need not be the one that was asked for: a
 * project's default may be dearer, and a busy tier falls back to a cheaper one.
 */
import type { Price, Rates } from "../protocol/price.ts";

/** A factor as a fraction, because rates are whole numbers. */
type Factor = readonly [over: number, under: number];

const standard: Factor = [1, 1];

/** Longest names first: `gpt-5-mini` before `gpt-5`. */
const openAiFast: readonly (readonly [RegExp, Factor])[] = [
  [/gpt-5\.5/, [5, 2]],
  [/gpt-5-mini/, [9, 5]],
  [/gpt-4\.1-nano/, [2, 1]],
  [/gpt-4\.1|gpt-4o-2024-05-13|o3/, [7, 4]],
  [/gpt-4o-mini/, [5, 3]],
  [/gpt-4o/, [17, 10]],
  [/o4-mini/, [20, 11]],
];

/** The factor of `tier` for `model`; 1 for a tier that costs what is listed. */
function factorOf(tier: string | undefined, model: string): Factor {
  const isClaude = model.includes("claude");
  switch (tier) {
    case "flex":
    case "batch":
      return [1, 2];
    case "us":
      return [11, 10];
    case "priority":
      // Anthropic's is paid for in advance, by its own contract.
      return isClaude ? standard : fastOf(model);
    case "fast":
      // Opus 4.6 and 4.7 were the dearest; every later one costs twice its list price.
      return isClaude ? [/opus-4-[67]/.test(model) ? 6 : 2, 1] : fastOf(model);
    case "ultrafast":
      return [6, 1];
    default:
      return standard;
  }
}

function fastOf(model: string): Factor {
  return openAiFast.find(([pattern]) => pattern.test(model))?.[1] ?? [2, 1];
}

/** `price` as it is in `tier`. Its version names the tier, so that what was booked can be recalculated. */
export function atTier(price: Price, tier: string | undefined, model: string): Price {
  const factor = factorOf(tier, model);
  if (factor === standard) return price;
  const { tiers } = price;
  return {
    ...scaled(price, factor),
    ...(tiers === undefined
      ? undefined
      : { tiers: tiers.map((one) => ({ ...scaled(one, factor), above: one.above })) }),
    version: `${price.version}+${tier}`,
  };
}

function scaled(rates: Rates, [over, under]: Factor): Rates {
  const scale = (rate: number): number => Math.ceil((rate * over) / under);
  const { input, output, cache_read, cache_write, cache_write_1h } = rates;
  return {
    input: scale(input),
    output: scale(output),
    ...(cache_read === undefined ? undefined : { cache_read: scale(cache_read) }),
    ...(cache_write === undefined ? undefined : { cache_write: scale(cache_write) }),
    ...(cache_write_1h === undefined ? undefined : { cache_write_1h: scale(cache_write_1h) }),
  };
}
