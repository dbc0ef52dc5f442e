/**
 * How a call is counted in the unit of its pool: tokens as they are, or microusd at the model's price. One object to
 * reserve by, to clamp by and to book by, so that the three can't disagree.
 */
import type { Price } from "../protocol/price.ts";
import type { Unit } from "../protocol/unit.ts";
import type { Extent } from "../providers/request.ts";
import type { Usage } from "../providers/shape.ts";

/** How often the provider ran each of its tools. */
export type ToolUses = Readonly<Record<string, number>>;

export type Tariff = {
  readonly unit: Unit;
  /** The price behind it; undefined where tokens are counted. */
  readonly price: Price | undefined;
  /** What the call may use at most, if each answer has at most `limit` tokens. */
  bound(extent: Extent, limit: number): number;
  /** The most tokens an answer may have for the call to stay within `granted`. */
  limitWithin(extent: Extent, granted: number): number;
  /** What `usage` comes to, with the uses of tools that the provider ran, by their names. */
  amountOf(usage: Usage, uses?: ToolUses): number;
  /** The same for a call that `tier` served, by `model`, whose standard price is `price` unless it is this one's. */
  served(tier: string | undefined, model: string, price?: Price): Tariff;
};

export const inTokens: Tariff = {
  unit: "tokens",
  price: undefined,
  bound: ({ prompt, answers, writes }, limit) => prompt + (writes ? answers * limit : 0),
  limitWithin: ({ prompt, answers, writes }, granted) =>
    writes ? Math.max(0, Math.floor((granted - prompt) / answers)) : Number.MAX_SAFE_INTEGER,
  amountOf: ({ input, output }) => input + output,
  served: () => inTokens,
};
