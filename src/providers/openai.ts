/** OpenAI's shapes. Its prompt count includes what was read from the cache; its output count includes reasoning. */
import { countOf, fieldOf, type Usage } from "./shape.ts";

/** Usage of a chat completion (also of a stream's last chunk), or undefined. */
export function usageOfOpenAiChat(result: unknown): Usage | undefined {
  const usage = fieldOf(result, "usage");
  const input = countOf(usage, "prompt_tokens");
  if (input === undefined) return undefined;
  return {
    input,
    // An embedding has no completion.
    output: countOf(usage, "completion_tokens") ?? 0,
    cacheRead: countOf(fieldOf(usage, "prompt_tokens_details"), "cached_tokens") ?? 0,
    cacheWrite: countOf(fieldOf(usage, "prompt_tokens_details"), "cache_write_tokens") ?? 0,
    reasoning: countOf(fieldOf(usage, "completion_tokens_details"), "reasoning_tokens") ?? 0,
  };
}

/** Usage of a response of the Responses API, or undefined. Only it has `total_tokens` beside `input_tokens`. */
export function usageOfOpenAiResponse(result: unknown): Usage | undefined {
  const usage = fieldOf(result, "usage");
  const input = countOf(usage, "input_tokens");
  const output = countOf(usage, "output_tokens");
  if (input === undefined || output === undefined || countOf(usage, "total_tokens") === undefined) return undefined;
  return {
    input,
    output,
    cacheRead: countOf(fieldOf(usage, "input_tokens_details"), "cached_tokens") ?? 0,
    cacheWrite: countOf(fieldOf(usage, "input_tokens_details"), "cache_write_tokens") ?? 0,
    reasoning: countOf(fieldOf(usage, "output_tokens_details"), "reasoning_tokens") ?? 0,
  };
}
