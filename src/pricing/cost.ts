/**
 * What usage costs: whole microusd, rounded up once, at the end. Counts and rates are whole numbers and so are all
 * sums on the way, because a float per token (0.1 + 0.2) drifts, and a budget that drifts is none.
 */
import type { PriceFields, Rates } from "../protocol/price.ts";
import type { Usage } from "../providers/shape.ts";

const million = 1_000_000;

/** Microusd of a call. Its prompt's length decides the rates of all of it, as providers do. */
export function costOf(usage: Usage, price: PriceFields): number {
  const rates = ratesAt(price, usage.input);
  const { cacheRead, cacheWrite, cacheWrite1h = 0 } = usage;
  const plain = Math.max(0, usage.input - cacheRead - cacheWrite);
  return sumUp([
    [plain, rates.input],
    [cacheRead, cacheReadRate(rates)],
    [cacheWrite - cacheWrite1h, cacheWriteRate(rates)],
    [cacheWrite1h, cacheWrite1hRate(rates)],
    [usage.output, rates.output],
  ]);
}

/** The rates of a call whose input has `input` tokens. */
export function ratesAt(price: PriceFields, input: number): Rates {
  const { output, cache_read, cache_write, cache_write_1h, ...rest } =
    price.tiers?.findLast(({ above }) => input > above) ?? price;
  return { input: rest.input, output, cache_read, cache_write, cache_write_1h };
}

export function cacheReadRate({ input, cache_read = input }: Rates): number {
  return cache_read;
}

export function cacheWriteRate({ input, cache_write = input }: Rates): number {
  return cache_write;
}

export function cacheWrite1hRate(rates: Rates): number {
  return rates.cache_write_1h ?? cacheWriteRate(rates);
}

/**
 * Σ tokens × rate / 10^6, rounded up. A count is at most 10^12 and a rate at most 10^9, so a product would pass 2^53:
 * whole millions and the rest are multiplied apart.
 */
export function sumUp(parts: readonly (readonly [tokens: number, rate: number])[]): number {
  let whole = 0;
  let rest = 0;
  for (const [tokens, rate] of parts) {
    whole += Math.floor(tokens / million) * rate;
    rest += (tokens % million) * rate;
  }
  return whole + Math.ceil(rest / million);
}
