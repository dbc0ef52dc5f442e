/**
 * What a model call used, read from whatever the provider's SDK gave back. Told apart by shape, not by name, because
 * a governed function may return any of them.
 */
import { usageOfAiSdk } from "./ai-sdk.ts";
import { usageOfAnthropic } from "./anthropic.ts";
import { usageOfOpenAiChat, usageOfOpenAiResponse } from "./openai.ts";

/**
 * Tokens by kind. `input` and `output` are totals: `cacheRead` and `cacheWrite` are part of `input`, `reasoning` is
 * part of `output`, however the provider counts.
 */
export type Usage = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly reasoning: number;
};

/** The usage that `result` reports; undefined when it reports none. A reported zero is a zero. */
export function usageOf(result: unknown): Usage | undefined {
  const readers = [usageOfAiSdk, usageOfOpenAiChat, usageOfOpenAiResponse, usageOfAnthropic];
  for (const read of readers) {
    const usage = read(result);
    if (usage !== undefined) return usage;
  }
  return undefined;
}

/** All tokens of a call. */
export function totalOf({ input, output }: Usage): number {
  return input + output;
}
