/**
 * The AI SDK's answers: results of `generateText` and `streamText`, of the models that a middleware wraps, and the
 * parts of their streams. Counts are numbers, or objects with a `total` in the newer model specifications.
 */
import { type Answers, countersOf, listOf, textOrNone, textUnder } from "./answers.ts";
import { fieldOf } from "./shape.ts";

export const camelCounters = countersOf({
  input: ["inputTokens.total", "inputTokens", "promptTokens"],
  output: ["outputTokens.total", "outputTokens", "completionTokens"],
  total: ["totalTokens"],
  cacheRead: [
    "inputTokens.cacheRead",
    "inputTokenDetails.cacheReadTokens",
    "cachedInputTokens",
    // OpenAI's Agents SDK; OpenRouter's SDK.
    "inputTokensDetails.cached_tokens",
    "inputTokensDetails.0.cached_tokens",
    "promptTokensDetails.cachedTokens",
  ],
  cacheWrite: [
    "inputTokens.cacheWrite",
    "inputTokenDetails.cacheWriteTokens",
    "inputTokensDetails.cache_write_tokens",
    "inputTokensDetails.0.cache_write_tokens",
    "promptTokensDetails.cacheWriteTokens",
    // Mastra.
    "cacheCreationInputTokens",
  ],
  cacheWrite1h: ["raw.cache_creation.ephemeral_1h_input_tokens", "cacheCreationInputTokens1h"],
  reasoning: [
    "outputTokens.reasoning",
    "outputTokenDetails.reasoningTokens",
    "reasoningTokens",
    "outputTokensDetails.reasoning_tokens",
    "outputTokensDetails.0.reasoning_tokens",
    "completionTokensDetails.reasoningTokens",
  ],
});

/** A run of several steps reports all of them in `totalUsage`, and in `usage` perhaps only the last. */
function reportIn(value: unknown): unknown {
  return fieldOf(value, "totalUsage") ?? fieldOf(value, "usage");
}

export const aiSdkAnswers: Answers = {
  event: (part) => {
    const type = fieldOf(part, "type");
    switch (type) {
      case "finish":
        return { counts: camelCounters.read(reportIn(part)), finished: 1, isLast: true };
      case "error":
        return { isError: true };
      case "response-metadata":
        return { model: textOrNone(fieldOf(part, "modelId")) };
      default: {
        if (typeof type !== "string" || !type.endsWith("-delta")) return {};
        // By version of the specification.
        const text = ["delta", "textDelta", "text", "inputTextDelta"].map((name) => fieldOf(part, name));
        return { text: textUnder(text.find((one) => one !== undefined)) };
      }
    }
  },
  whole: (result) => ({
    counts: camelCounters.read(reportIn(result)),
    text: textUnder(listOf(fieldOf(result, "content"))) || textUnder(fieldOf(result, "text")),
    model: textOrNone(fieldOf(fieldOf(result, "response"), "modelId")),
    finished: fieldOf(result, "finishReason") === undefined ? 0 : 1,
  }),
  usage: camelCounters.usage,
};
