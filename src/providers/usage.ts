/**
 * What a model call used, read from whatever the provider's SDK gave back. Told apart by shape, not by name, because
 * a governed function may return any of them.
 */
import { usageOfAiSdk } from "./ai-sdk.ts";
import { usageOfAnthropic } from "./anthropic.ts";
import { usageOfGemini } from "./gemini.ts";
import { usageOfLangChain } from "./langchain.ts";
import { usageOfOpenAiChat, usageOfOpenAiResponse } from "./openai.ts";
import type { Dialect } from "./request.ts";
import { countOf, fieldOf, type Usage } from "./shape.ts";

/** The usage that `result` reports; undefined when it reports none. A reported zero is a zero. */
export function usageOf(result: unknown): Usage | undefined {
  for (const read of readers) {
    const usage = read(result);
    if (usage !== undefined) return usage;
  }
  return undefined;
}

/** The usage that a whole answer reports in the dialect it is in, and in no other. */
export function usageIn(dialect: Dialect, result: unknown): Usage | undefined {
  switch (dialect) {
    case "openai-chat":
    case "openai-embeddings":
      return usageOfOpenAiChat(result) ?? usageOfTotal(result);
    case "openai-responses":
      return usageOfOpenAiResponse(result);
    case "anthropic-messages":
      return usageOfAnthropic(result);
  }
}

const readers = [
  usageOfAiSdk,
  usageOfOpenAiChat,
  usageOfOpenAiResponse,
  usageOfAnthropic,
  usageOfLangChain,
  usageOfGemini,
  // Last, because it knows least.
  usageOfTotal,
];

/** Usage of a result that says how much but not of what. Taken for output, the dearer kind, lest it be undercharged. */
function usageOfTotal(result: unknown): Usage | undefined {
  const usage = fieldOf(result, "usage");
  // With counts by kind that could not be read, the total may not be what it seems.
  const isByKind = ["prompt_tokens", "input_tokens", "inputTokens"].some((name) => fieldOf(usage, name) !== undefined);
  const total = countOf(usage, "total_tokens") ?? countOf(usage, "totalTokens");
  if (isByKind || total === undefined) return undefined;
  return { input: 0, output: total, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
}

/** All tokens of a call. */
export function totalOf({ input, output }: Usage): number {
  return input + output;
}
