/** Reads fields of foreign objects, whose types are not known. */

export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

/** What `text` says as JSON; undefined for what is none. */
export function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** All tokens of a call. */
export function totalOf({ input, output }: Usage): number {
  return input + output;
}

/** A field that is a number of tokens; undefined for anything else, so that a missing count is not taken for a zero. */
export function countOf(value: unknown, name: string): number | undefined {
  const count = fieldOf(value, name);
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}

/**
 * Tokens by kind. `input` and `output` are totals: `cacheRead` and `cacheWrite` are part of `input`, `reasoning` is
 * part of `output`, however the provider counts.
 */
export type Usage = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  /** Part of `cacheWrite`: what is kept for an hour, where that costs more. */
  readonly cacheWrite1h?: number;
  readonly reasoning: number;
};
