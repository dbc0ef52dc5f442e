/** What the stand-in's reports come to, computed apart from Bursar's own code. */
import type { Answered } from "../stand-in/server.ts";
import type { Usage } from "../stand-in/turn.ts";

/** Microusd for a million tokens; what is left out costs as input does. */
export type Rates = {
  readonly input: number;
  readonly output: number;
  readonly cache_read?: number;
  readonly cache_write?: number;
  readonly cache_write_1h?: number;
  /** Rates of a call whose whole input is above so many tokens. */
  readonly tiers?: readonly (Rates & { readonly above: number })[];
};

export function tokensOf({ usage }: Answered): number {
  return inputOf(usage) + usage.output;
}

/** Both providers bill $10 for a thousand searches of the web. */
const searchFee = 10_000;

/** Whole microusd, rounded up, with the fees of what the provider ran. */
export function microusdOf({ usage }: Answered, price: Rates): number {
  const input = inputOf(usage);
  const rates = price.tiers?.findLast(({ above }) => input > above) ?? price;
  const write = rates.cache_write ?? rates.input;
  const parts: readonly (readonly [number, number])[] = [
    [usage.input, rates.input],
    [usage.cacheRead, rates.cache_read ?? rates.input],
    [usage.cacheWrite, write],
    [usage.cacheWrite1h, rates.cache_write_1h ?? write],
    [usage.output, rates.output],
  ];
  const millionths = parts.reduce((sum, [tokens, rate]) => sum + BigInt(tokens) * BigInt(rate), 0n);
  return Number((millionths + 999_999n) / 1_000_000n) + usage.searches * searchFee;
}

const inputOf = (usage: Usage): number => usage.input + usage.cacheRead + usage.cacheWrite + usage.cacheWrite1h;
