/** Anthropic's shapes. Its input count excludes what was read from the cache and what was written to it. */
import { countOf, fieldOf, type Usage } from "./shape.ts";

/** Usage of a message, or undefined. */
export function usageOfAnthropic(result: unknown): Usage | undefined {
  const usage = fieldOf(result, "usage");
  const input = countOf(usage, "input_tokens");
  const output = countOf(usage, "output_tokens");
  if (input === undefined || output === undefined || fieldOf(usage, "total_tokens") !== undefined) return undefined;
  const cacheRead = countOf(usage, "cache_read_input_tokens") ?? 0;
  const cacheWrite = countOf(usage, "cache_creation_input_tokens") ?? 0;
  const cacheWrite1h = countOf(fieldOf(usage, "cache_creation"), "ephemeral_1h_input_tokens") ?? 0;
  const reasoning = countOf(fieldOf(usage, "output_tokens_details"), "thinking_tokens") ?? 0;
  const all = { input: input + cacheRead + cacheWrite, output, cacheRead, cacheWrite, reasoning };
  return cacheWrite1h === 0 ? all : { ...all, cacheWrite1h: Math.min(cacheWrite1h, cacheWrite) };
}
