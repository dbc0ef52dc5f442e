/**
 * How a call is counted in the unit of its pool: tokens as they are, or microusd at the model's price. One thing to
 * reserve by, to clamp by and to book by, so that the three can't disagree.
 */
import type { Price } from "../protocol/price.ts";
import type { Unit } from "../protocol/unit.ts";
import { boundAt, type ModelRequest } from "../providers/request.ts";
import type { Usage } from "../providers/shape.ts";
import { totalOf } from "../providers/usage.ts";

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
