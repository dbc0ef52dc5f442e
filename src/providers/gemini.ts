/** Gemini's shape: `usageMetadata`. Its prompt count includes the cache; thoughts are counted beside the candidates. */
import { countOf, fieldOf, type Usage } from "./shape.ts";

/** Usage of a response of Gemini, or undefined. */
export function usageOfGemini(result: unknown): Usage | undefined {
  const usage = fieldOf(result, "usageMetadata");
  const prompt = countOf(usage, "promptTokenCount");
  if (prompt === undefined) return undefined;
  const reasoning = countOf(usage, "thoughtsTokenCount") ?? 0;
  return {
    input: prompt + (countOf(usage, "toolUsePromptTokenCount") ?? 0),
    // A blocked answer has no candidates.
    output: (countOf(usage, "candidatesTokenCount") ?? 0) + reasoning,
    cacheRead: countOf(usage, "cachedContentTokenCount") ?? 0,
    cacheWrite: 0,
    reasoning,
  };
}
