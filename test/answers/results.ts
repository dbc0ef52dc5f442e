/**
 * What functions give back that call a model by an SDK, and what is right to book for each by `govern()`. Not wire
 * text: objects, with the names that the SDKs give their fields.
 */
import { NoObjectGeneratedError } from "ai";
import type { RecordedResult } from "./recorded.ts";
import { agentResults } from "./results-of-agents.ts";
import { sdkResults } from "./results-of-sdks.ts";

const openai: readonly RecordedResult[] = [
  {
    name: "openai: a chat completion",
    result: {
      id: "chatcmpl-7Qk2",
      object: "chat.completion",
      model: "gpt-5.5",
      choices: [{ index: 0, message: { role: "assistant", content: "Olá!" }, finish_reason: "stop" }],
      usage: {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 80, cache_write_tokens: 10 },
        completion_tokens_details: { reasoning_tokens: 30 },
      },
    },
    usage: { input: 100, output: 50, cacheRead: 80, cacheWrite: 10, reasoning: 30 },
  },
  {
    name: "openai: a chat completion whose total exceeds the parts",
    result: { choices: [], usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 80 } },
    usage: { input: 10, output: 70 },
  },
  {
    name: "openai: a response",
    result: {
      id: "resp_68f1",
      object: "response",
      status: "completed",
      output_text: "Olá!",
      output: [],
      usage: {
        input_tokens: 36,
        input_tokens_details: { cached_tokens: 6, cache_write_tokens: 0 },
        output_tokens: 87,
        output_tokens_details: { reasoning_tokens: 40 },
        total_tokens: 123,
      },
    },
    usage: { input: 36, output: 87, cacheRead: 6, reasoning: 40 },
  },
  {
    name: "openai: a response that failed, without usage",
    result: { object: "response", status: "failed", error: { code: "server_error" }, output: [], usage: null },
    usage: null,
  },
  {
    name: "openai: embeddings",
    result: { object: "list", data: [{ embedding: [0.1] }], usage: { prompt_tokens: 7, total_tokens: 7 } },
    usage: { input: 7, output: 0 },
  },
  {
    name: "openai-compatible: embeddings that report a total only",
    result: { object: "list", data: [{ embedding: [0.1] }], usage: { total_tokens: 7 } },
    usage: { input: 7, output: 0 },
  },
];

const anthropic: readonly RecordedResult[] = [
  {
    name: "anthropic: a message",
    result: {
      id: "msg_01Lx",
      type: "message",
      role: "assistant",
      model: "claude-opus-5-5",
      content: [{ type: "text", text: "Olá!" }],
      stop_reason: "end_turn",
      usage: {
        input_tokens: 10,
        cache_read_input_tokens: 300,
        cache_creation_input_tokens: 40,
        cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 30 },
        output_tokens: 20,
        output_tokens_details: { thinking_tokens: 8 },
        service_tier: "standard",
      },
    },
    usage: { input: 350, output: 20, cacheRead: 300, cacheWrite: 40, cacheWrite1h: 30, reasoning: 8 },
  },
  {
    name: "anthropic: a message whose cache is null",
    result: {
      type: "message",
      usage: { input_tokens: 10, cache_read_input_tokens: null, cache_creation_input_tokens: null, output_tokens: 20 },
    },
    usage: { input: 10, output: 20 },
  },
  {
    name: "anthropic: a message with a compaction",
    result: {
      type: "message",
      usage: {
        input_tokens: 23_000,
        output_tokens: 1_000,
        iterations: [
          { type: "compaction", input_tokens: 180_000, output_tokens: 3_500 },
          { type: "message", input_tokens: 23_000, output_tokens: 1_000 },
        ],
      },
    },
    usage: { input: 203_000, output: 4_500 },
  },
];

/** A usage of AI SDK 6 and 7. */
const aiUsage = (inputTokens: number, outputTokens: number): object => ({
  inputTokens,
  inputTokenDetails: { noCacheTokens: inputTokens, cacheReadTokens: 0, cacheWriteTokens: 0 },
  outputTokens,
  outputTokenDetails: { textTokens: outputTokens, reasoningTokens: 0 },
  totalTokens: inputTokens + outputTokens,
});
const failed = new NoObjectGeneratedError({
  message: "No object generated: could not parse the response.",
  text: "Olá!",
  response: { id: "resp_1", timestamp: new Date(0), modelId: "gpt-5.5" },
  usage: {
    inputTokens: 9_000,
    inputTokenDetails: { noCacheTokens: 1_000, cacheReadTokens: 8_000, cacheWriteTokens: 0 },
    outputTokens: 1_000,
    outputTokenDetails: { textTokens: 400, reasoningTokens: 600 },
    totalTokens: 10_000,
  },
  finishReason: "stop",
});

const aiSdk: readonly RecordedResult[] = [
  {
    name: "ai 7: generateText of two steps, whose usage is of both",
    result: {
      text: "Olá!",
      steps: [{ usage: aiUsage(100, 20) }, { usage: aiUsage(140, 40) }],
      usage: aiUsage(240, 60),
      totalUsage: aiUsage(240, 60),
    },
    usage: { input: 240, output: 60 },
  },
  {
    name: "ai 6: generateText of two steps, whose usage is of the last",
    result: {
      text: "Olá!",
      steps: [{ usage: aiUsage(100, 20) }, { usage: aiUsage(140, 40) }],
      usage: aiUsage(140, 40),
      totalUsage: aiUsage(240, 60),
    },
    usage: { input: 240, output: 60 },
  },
  {
    name: "ai 6: a result with the cache and reasoning in details",
    result: {
      usage: {
        inputTokens: 1_000,
        inputTokenDetails: { noCacheTokens: 100, cacheReadTokens: 800, cacheWriteTokens: 100 },
        outputTokens: 60,
        outputTokenDetails: { textTokens: 20, reasoningTokens: 40 },
        totalTokens: 1_060,
        cachedInputTokens: 800,
        reasoningTokens: 40,
      },
    },
    usage: { input: 1_000, output: 60, cacheRead: 800, cacheWrite: 100, reasoning: 40 },
  },
  {
    name: "ai 7: one step whose raw usage says that the cache is written for an hour",
    result: {
      usage: {
        inputTokens: 1_010,
        inputTokenDetails: { noCacheTokens: 10, cacheReadTokens: 0, cacheWriteTokens: 1_000 },
        outputTokens: 60,
        outputTokenDetails: { textTokens: undefined, reasoningTokens: undefined },
        totalTokens: 1_070,
        raw: {
          input_tokens: 10,
          cache_creation_input_tokens: 1_000,
          cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 1_000 },
          output_tokens: 60,
        },
      },
    },
    usage: { input: 1_010, output: 60, cacheWrite: 1_000, cacheWrite1h: 1_000 },
  },
  {
    name: "ai 5: a result whose total exceeds the parts by the reasoning",
    result: { usage: { inputTokens: 12, outputTokens: 2, totalTokens: 331, reasoningTokens: 317 } },
    usage: { input: 12, output: 319, reasoning: 317 },
    source: "https://github.com/vercel/ai/pull/12425",
  },
  {
    name: "ai 5: a result with cached tokens",
    result: {
      usage: { inputTokens: 900, outputTokens: 6, totalTokens: 906, cachedInputTokens: 400, reasoningTokens: 2 },
    },
    usage: { input: 900, output: 6, cacheRead: 400, reasoning: 2 },
  },
  {
    name: "ai 5: a result whose parts are undefined, and whose total is not",
    result: { usage: { inputTokens: undefined, outputTokens: undefined, totalTokens: 331 } },
    usage: { input: 0, output: 331 },
  },
  {
    // Version 2 of its Anthropic provider leaves the cache out of inputTokens, where its others count it.
    name: "ai 5: a result of Anthropic, more of which is cached than put in",
    result: {
      usage: { inputTokens: 10, outputTokens: 20, totalTokens: 30, cachedInputTokens: 300 },
      providerMetadata: {
        anthropic: {
          usage: {
            input_tokens: 10,
            cache_read_input_tokens: 300,
            cache_creation_input_tokens: 40,
            output_tokens: 20,
          },
          cacheCreationInputTokens: 40,
        },
      },
    },
    usage: { input: 350, output: 20, cacheRead: 300, cacheWrite: 40 },
    disputed: true,
  },
  {
    name: "ai: a result of a model, by the third specification",
    result: {
      content: [{ type: "text", text: "Olá!" }],
      usage: {
        inputTokens: { total: 900, noCache: 200, cacheRead: 400, cacheWrite: 300 },
        outputTokens: { total: 60, text: 40, reasoning: 20 },
      },
    },
    usage: { input: 900, output: 60, cacheRead: 400, cacheWrite: 300, reasoning: 20 },
  },
  {
    name: "ai: generateObject",
    result: { object: { city: "Lisbon" }, finishReason: "stop", usage: aiUsage(120, 18) },
    usage: { input: 120, output: 18 },
  },
  {
    name: "ai: embed, which counts tokens only",
    result: { value: "Olá", embedding: [0.1], usage: { tokens: 12 } },
    usage: { input: 12, output: 0 },
  },
  {
    name: "ai: embedMany, which counts tokens only",
    result: { values: ["Olá", "Bom dia"], embeddings: [[0.1], [0.2]], usage: { tokens: 31 } },
    usage: { input: 31, output: 0 },
  },
  {
    // Thrown, not returned: a call that throws after it was billed says so.
    name: "ai: an error that says what its call used",
    result: failed,
    usage: { input: 9_000, output: 1_000, cacheRead: 8_000, reasoning: 600 },
    source: "https://github.com/growthbook/growthbook/pull/6082",
  },
];

/** What any function may give back. */
const plain: readonly RecordedResult[] = [
  { name: "plain: a total only", result: { usage: { total_tokens: 331 } }, usage: { input: 0, output: 331 } },
  {
    name: "plain: a total only, in camel case",
    result: { usage: { totalTokens: 331 } },
    usage: { input: 0, output: 331 },
  },
  { name: "plain: a text", result: "Olá, Lisboa!", usage: null },
  { name: "plain: nothing", result: undefined, usage: null },
  { name: "plain: an object without usage", result: { text: "Olá, Lisboa!" }, usage: null },
  { name: "plain: a usage of null", result: { text: "Olá!", usage: null }, usage: null },
  { name: "plain: a usage without counts", result: { text: "Olá!", usage: {} }, usage: null },
  {
    name: "plain: a usage of zero, reported explicitly",
    result: { usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 } },
    usage: { input: 0, output: 0 },
  },
  { name: "plain: an error without usage", result: new Error("the socket was closed"), usage: null },
];

export const results: readonly RecordedResult[] = [
  ...openai,
  ...anthropic,
  ...aiSdk,
  ...sdkResults,
  ...agentResults,
  ...plain,
];

/** Those of which it is settled what is right. */
export const settledResults: readonly RecordedResult[] = results.filter(({ disputed }) => disputed !== true);
