import { describe, expect, it } from "vitest";
import { usageOf } from "../../src/providers/sdk-results.ts";
import { totalOf } from "../../src/providers/shape.ts";

describe("usage is read from", () => {
  it.each([
    [
      "an OpenAI chat completion, whose prompt count includes the cache",
      {
        usage: {
          prompt_tokens: 100,
          completion_tokens: 50,
          total_tokens: 150,
          prompt_tokens_details: { cached_tokens: 80 },
          completion_tokens_details: { reasoning_tokens: 30 },
        },
      },
      { input: 100, output: 50, cacheRead: 80, cacheWrite: 0, reasoning: 30 },
    ],
    [
      "OpenAI embeddings",
      { usage: { prompt_tokens: 7, total_tokens: 7 } },
      { input: 7, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
    [
      "an OpenAI response",
      {
        usage: {
          input_tokens: 36,
          output_tokens: 87,
          total_tokens: 123,
          input_tokens_details: { cached_tokens: 6 },
          output_tokens_details: { reasoning_tokens: 40 },
        },
      },
      { input: 36, output: 87, cacheRead: 6, cacheWrite: 0, reasoning: 40 },
    ],
    [
      "an Anthropic message, whose input count excludes the cache",
      {
        usage: {
          input_tokens: 10,
          output_tokens: 20,
          cache_read_input_tokens: 300,
          cache_creation_input_tokens: 40,
        },
      },
      { input: 350, output: 20, cacheRead: 300, cacheWrite: 40, reasoning: 0 },
    ],
    [
      "an Anthropic message that wrote to the cache for an hour, and thought",
      {
        usage: {
          input_tokens: 10,
          output_tokens: 20,
          cache_creation_input_tokens: 40,
          cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 30 },
          output_tokens_details: { thinking_tokens: 8 },
        },
      },
      { input: 50, output: 20, cacheRead: 0, cacheWrite: 40, cacheWrite1h: 30, reasoning: 8 },
    ],
    [
      "an Anthropic message that says it wrote more for an hour than in all",
      {
        usage: {
          input_tokens: 10,
          output_tokens: 20,
          cache_creation_input_tokens: 40,
          cache_creation: { ephemeral_1h_input_tokens: 50 },
        },
      },
      { input: 50, output: 20, cacheRead: 0, cacheWrite: 40, cacheWrite1h: 40, reasoning: 0 },
    ],
    [
      "an AI SDK result of before details",
      { usage: { inputTokens: 9, outputTokens: 6, cachedInputTokens: 4, reasoningTokens: 2 } },
      { input: 9, output: 6, cacheRead: 4, cacheWrite: 0, reasoning: 2 },
    ],
    [
      "an AI SDK result of several steps",
      {
        usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
        totalUsage: {
          inputTokens: 11,
          outputTokens: 22,
          totalTokens: 33,
          inputTokenDetails: { cacheReadTokens: 3, cacheWriteTokens: 2 },
          outputTokenDetails: { reasoningTokens: 4 },
        },
      },
      { input: 11, output: 22, cacheRead: 3, cacheWrite: 2, reasoning: 4 },
    ],
    [
      "an AI SDK model of the newer specification",
      {
        usage: {
          inputTokens: { total: 9, noCache: 2, cacheRead: 4, cacheWrite: 3 },
          outputTokens: { total: 6, text: 4, reasoning: 2 },
        },
      },
      { input: 9, output: 6, cacheRead: 4, cacheWrite: 3, reasoning: 2 },
    ],
    [
      "a message of LangChain",
      {
        content: "an answer",
        usage_metadata: {
          input_tokens: 30,
          output_tokens: 12,
          total_tokens: 42,
          input_token_details: { cache_read: 20, cache_creation: 5 },
          output_token_details: { reasoning: 7 },
        },
      },
      { input: 30, output: 12, cacheRead: 20, cacheWrite: 5, reasoning: 7 },
    ],
    [
      "a response of Gemini, whose thoughts are beside its candidates",
      {
        usageMetadata: {
          promptTokenCount: 30,
          candidatesTokenCount: 12,
          thoughtsTokenCount: 7,
          cachedContentTokenCount: 20,
          totalTokenCount: 49,
        },
      },
      { input: 30, output: 19, cacheRead: 20, cacheWrite: 0, reasoning: 7 },
    ],
    [
      "an OpenAI chat completion that wrote to a cache",
      {
        usage: { prompt_tokens: 9, completion_tokens: 1, prompt_tokens_details: { cache_write_tokens: 4 } },
      },
      { input: 9, output: 1, cacheRead: 0, cacheWrite: 4, reasoning: 0 },
    ],
    [
      "an OpenAI response that wrote to a cache",
      {
        usage: { input_tokens: 9, output_tokens: 1, total_tokens: 10, input_tokens_details: { cache_write_tokens: 4 } },
      },
      { input: 9, output: 1, cacheRead: 0, cacheWrite: 4, reasoning: 0 },
    ],
    [
      "a response of Gemini that used tools of its own",
      { usageMetadata: { promptTokenCount: 30, toolUsePromptTokenCount: 5, candidatesTokenCount: 2 } },
      { input: 35, output: 2, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
    [
      "a total beside an output: the rest is input",
      { usage: { output_tokens: 2, total_tokens: 3 } },
      { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
    [
      "a total beside an input: the rest is output",
      { usage: { input_tokens: 5, total_tokens: 9 } },
      { input: 5, output: 4, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
    [
      "counts that are strings",
      { usage: { prompt_tokens: "5", completion_tokens: "4" } },
      { input: 5, output: 4, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
    [
      "a total alone, taken for output",
      { usage: { total_tokens: 500 } },
      { input: 0, output: 500, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
    [
      "a total alone, in the AI SDK's spelling",
      { usage: { inputTokens: undefined, totalTokens: 500 } },
      { input: 0, output: 500, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
    [
      "a reported zero, which is not a missing one",
      { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
      { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
    ],
  ])("%s", (_, result, usage) => {
    expect(usageOf(result)).toEqual(usage);
    expect(totalOf(usage)).toBe(usage.input + usage.output);
  });

  it.each([
    undefined,
    null,
    "text",
    {},
    { usage: null },
    { usage: { prompt_tokens: "5" } },
    { usage: { prompt_tokens: "many" } },
    { usage: { inputTokens: 5 } },
    { usage: { input_tokens: 5 } },
    { usage: { total_tokens: 2.5 } },
    { usage_metadata: { input_tokens: 1 } },
  ])("nothing in %j", (result) => expect(usageOf(result)).toBeUndefined());
});
