/** What a call may use at most, what it is still worth making for, and what output its grant leaves room for. */
import type { Tariff } from "../pricing/tariff.ts";
import type { Extent } from "../providers/request.ts";

/** Output allowed for where a request names no limit; it is sent along as the limit. */
export const outputDefault = 4_096;
/** The least output that a call is worth making for, when less than asked is left. OpenAI takes no lower limit. */
export const outputLeast = 16;

export type Bound = {
  /** To be held, in the unit of the tariff. */
  readonly amount: number;
  /** The least that is worth making the call for. */
  readonly at_least: number;
};

/** The bound of a call whose answers have at most `limit` tokens each, and that is worth making for `least`. */
export function boundOf(extent: Extent, tariff: Tariff, limit: number, least: number): Bound {
  const amount = Math.max(1, tariff.bound(extent, limit));
  return { amount, at_least: Math.min(amount, Math.max(1, tariff.bound(extent, Math.min(limit, least)))) };
}

/** Tokens that each answer may have: `wanted`, or as many as `granted` leaves room for. */
export function limitWithin(extent: Extent, tariff: Tariff, wanted: number, granted: number): number {
  return Math.min(wanted, tariff.limitWithin(extent, granted));
}

/** A call that is known by the length of its prompt alone. */
export function extentOf(prompt: number): Extent {
  return { prompt, answers: 1, writes: true, cacheWrites: "short", tier: undefined, tools: [] };
}
