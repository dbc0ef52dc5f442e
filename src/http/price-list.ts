/** A tenant's own prices and the known ones, as one list. */
import { poolVersion } from "../pricing/origin.ts";
import type { PriceView, Rates } from "../protocol/price.ts";

/** By model, each once: a tenant's own price takes precedence. */
export function merged(own: readonly PriceView[], known: readonly PriceView[]): PriceView[] {
  const byModel = new Map([...known, ...own].map((price) => [price.model, price]));
  return [...byModel.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
}

/** A pool's fallback price at `now`, as the price of `model`. */
export function asView(model: string, fallback: Rates, now: number): PriceView {
  return { model, ...fallback, version: poolVersion, source: "pool", as_of: new Date(now).toISOString().slice(0, 10) };
}

/** The first `count` after `after`. */
export function page(prices: readonly PriceView[], after: string, count: number): PriceView[] {
  return prices.filter(({ model }) => model > after).slice(0, count);
}
