/** LangChain's shape: `usage_metadata` of a message. Its counts include what was cached, and what was reasoned. */
import { countOf, fieldOf, type Usage } from "./shape.ts";

/** Usage of a message of LangChain, or undefined. */
export function usageOfLangChain(result: unknown): Usage | undefined {
  const usage = fieldOf(result, "usage_metadata");
  const input = countOf(usage, "input_tokens");
  const output = countOf(usage, "output_tokens");
  if (input === undefined || output === undefined) return undefined;
  const inputs = fieldOf(usage, "input_token_details");
  return {
    input,
    output,
    cacheRead: countOf(inputs, "cache_read") ?? 0,
    cacheWrite: countOf(inputs, "cache_creation") ?? 0,
    reasoning: countOf(fieldOf(usage, "output_token_details"), "reasoning") ?? 0,
  };
}
