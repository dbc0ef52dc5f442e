/**
 * How a call is counted in the unit of its pool: tokens as they are, or microusd at the model's price. One thing to
 * reserve by, to clamp by and to book by, so that the three can't disagree.
 */
import type { Unit } from "../protocol/commands.ts";
import type { Price } from "../protocol/prices.ts";
import { boundAt, type ModelRequest } from "../providers/request.ts";
import { totalOf, type Usage } from "../providers/usage.ts";
import { cacheWrite1hRate, cacheWriteRate, costOf, ratesAt, sumUp } from "./cost.ts";

export type Tariff = {
  readonly unit: Unit;
  /** The price behind it; none where tokens are counted. */
  readonly price: Price | undefined;
  /** What the request may use at most, if each answer has at most `limit` tokens. */
  bound(request: ModelRequest, limit: number): number;
  /** The most tokens an answer may have for the request to stay within `granted`. */
  limitWithin(request: ModelRequest, granted: number): number;
  /** What `usage` comes to. */
  amountOf(usage: Usage): number;
};

export const inTokens: Tariff = {
  unit: "tokens",
  price: undefined,
  bound: boundAt,
  limitWithin: ({ prompt, answers }, granted) => Math.floor((granted - prompt) / answers),
  amountOf: totalOf,
};

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
function cacheRate({ cacheWrites }: ModelRequest, rates: Parameters<typeof cacheWriteRate>[0]): number {
  switch (cacheWrites) {
    case "never":
      return 0;
    case "short":
      return cacheWriteRate(rates);
    case "hour":
      return cacheWrite1hRate(rates);
  }
}
