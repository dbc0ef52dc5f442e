/** Calls counted in microusd, at the price of their model. */
import type { Price, Rates } from "../protocol/price.ts";
import type { ModelRequest } from "../providers/request.ts";
import { cacheWrite1hRate, cacheWriteRate, costOf, ratesAt, sumUp } from "./cost.ts";
import type { Tariff } from "./tariff.ts";

export function inMicrousd(price: Price): Tariff {
  const ratesFor = (request: ModelRequest): { input: number; output: number } => {
    const rates = ratesAt(price, request.prompt * tierMargin);
    const output = request.dialect === "openai-embeddings" ? 0 : rates.output;
    return { input: Math.max(rates.input, cacheRate(request, rates)), output };
  };
  return {
    unit: "microusd",
    price,
    bound: (request, limit) => {
      const { input, output } = ratesFor(request);
      return sumUp([
        [request.prompt, input],
        [request.answers * limit, output],
      ]);
    },
    limitWithin: (request, granted) => {
      const { input, output } = ratesFor(request);
      if (output === 0) return Number.MAX_SAFE_INTEGER;
      // In millionths of a microusd, which pass 2^53.
      const left = BigInt(granted) * 1_000_000n - BigInt(request.prompt) * BigInt(input);
      return Math.max(0, Number(left / (BigInt(request.answers) * BigInt(output))));
    },
    amountOf: (usage) => costOf(usage, price),
  };
}

/** A prompt is estimated: one that comes near the length from which it is dearer is held at the dearer rates. */
const tierMargin = 1.25;

/** What input costs that the provider may write to its cache, if it may. */
function cacheRate({ cacheWrites }: ModelRequest, rates: Rates): number {
  switch (cacheWrites) {
    case "never":
      return 0;
    case "short":
      return cacheWriteRate(rates);
    case "hour":
      return cacheWrite1hRate(rates);
  }
}
