/**
 * The AI SDK's shapes: counts are plain numbers in the results of `generateText` and `streamText`, and objects with a
 * `total` in the newer model specification. A run of several steps reports all of them in `totalUsage`.
 */
import { countOf, fieldOf, type Usage } from "./shape.ts";

/** Usage of a result of the AI SDK, or undefined. */
export function usageOfAiSdk(result: unknown): Usage | undefined {
  const usage = fieldOf(result, "totalUsage") ?? fieldOf(result, "usage");
  const input = totalOf(usage, "inputTokens");
  const output = totalOf(usage, "outputTokens");
  if (input === undefined || output === undefined) return undefined;
  const inputs = fieldOf(usage, "inputTokens");
  const details = fieldOf(usage, "inputTokenDetails");
  return {
    input,
    output,
    cacheRead:
      countOf(inputs, "cacheRead") ?? countOf(details, "cacheReadTokens") ?? countOf(usage, "cachedInputTokens") ?? 0,
    cacheWrite: countOf(inputs, "cacheWrite") ?? countOf(details, "cacheWriteTokens") ?? 0,
    reasoning:
      countOf(fieldOf(usage, "outputTokens"), "reasoning") ??
      countOf(fieldOf(usage, "outputTokenDetails"), "reasoningTokens") ??
      countOf(usage, "reasoningTokens") ??
      0,
  };
}

function totalOf(usage: unknown, name: string): number | undefined {
  return countOf(usage, name) ?? countOf(fieldOf(usage, name), "total");
}
