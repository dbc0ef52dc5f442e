/** What a call may use at most, what it is still worth making for, and what output its grant leaves room for. */
import type { Tariff } from "../pricing/tariff.ts";
import type { Extent } from "../providers/request.ts";

/**
 * Output allowed for where a request names no limit; it is sent along as the limit. It is what the model can write, but
 * no more than `mostByDefault`: all of it is held until the call ends. A model that is not known may have a small context,
 * which a large limit would exceed.
 */
export function outputDefault(model: string): number {
  const name = model.slice(model.lastIndexOf("/") + 1);
  const known = maxima.find(([pattern]) => pattern.test(name));
  return Math.min(mostByDefault, known?.[1] ?? 4_096);
}

const mostByDefault = 32_000;

/** What the families of models can write in one answer, reasoning included. */
const maxima: readonly (readonly [RegExp, number])[] = [
  [/^gpt-(3\.5|4(-\d|-turbo|$))/, 4_096],
  [/^(ft:)?gpt-4o/, 16_384],
  [/^(ft:)?gpt-4\.1/, 32_768],
  [/^(gpt-([5-9]|oss)|o[1-9]|codex)/, 100_000],
  [/^claude-(2|3-(opus|sonnet|haiku))/, 4_096],
  [/^claude-3-5/, 8_192],
  [/^claude/, 64_000],
  [/^gemini-(1|2\.0)/, 8_192],
  [/^gemini/, 65_536],
  [/^(deepseek|kimi|glm|qwen3|grok|minimax)/i, 32_000],
];
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
