/** What the SDKs of other providers give back, each with names of its own. */
import type { RecordedResult } from "./recorded.ts";

export const sdkResults: readonly RecordedResult[] = [
  {
    name: "google: generateContent of its SDK",
    result: {
      candidates: [{ content: { role: "model", parts: [{ text: "Olá!" }] }, finishReason: "STOP" }],
      usageMetadata: {
        promptTokenCount: 30,
        cachedContentTokenCount: 20,
        candidatesTokenCount: 12,
        thoughtsTokenCount: 7,
        totalTokenCount: 49,
      },
    },
    usage: { input: 30, output: 19, cacheRead: 20, reasoning: 7 },
  },
  {
    name: "google: a response that wraps the answer, as of its former SDK",
    result: { response: { usageMetadata: { promptTokenCount: 30, candidatesTokenCount: 12, totalTokenCount: 42 } } },
    usage: { input: 30, output: 12 },
  },
  {
    name: "google: an interaction",
    result: {
      id: "int_1",
      status: "completed",
      outputs: [{ type: "text", text: "Olá!" }],
      usage: {
        total_input_tokens: 30,
        total_cached_tokens: 20,
        total_output_tokens: 12,
        total_thought_tokens: 7,
        total_tool_use_tokens: 100,
        total_tokens: 149,
      },
    },
    usage: { input: 130, output: 19, cacheRead: 20, reasoning: 7 },
  },
  {
    name: "bedrock: converse, whose inputTokens is without the cache",
    result: {
      output: { message: { role: "assistant", content: [{ text: "Olá!" }] } },
      stopReason: "end_turn",
      usage: {
        inputTokens: 20,
        outputTokens: 60,
        totalTokens: 1_080,
        cacheReadInputTokens: 1_000,
        cacheWriteInputTokens: 0,
      },
      metrics: { latencyMs: 551 },
    },
    usage: { input: 1_020, output: 60, cacheRead: 1_000 },
    source: "https://github.com/UKGovernmentBEIS/inspect_ai/issues/4961",
  },
  {
    name: "bedrock: converse that writes to the cache, a part of it for an hour",
    result: {
      usage: {
        inputTokens: 20,
        outputTokens: 60,
        totalTokens: 1_080,
        cacheReadInputTokens: 0,
        cacheWriteInputTokens: 1_000,
        cacheDetails: [
          { ttl: "1h", inputTokens: 700 },
          { ttl: "5m", inputTokens: 300 },
        ],
      },
    },
    usage: { input: 1_020, output: 60, cacheWrite: 1_000, cacheWrite1h: 700 },
  },
  {
    name: "bedrock: converse without a cache",
    result: { usage: { inputTokens: 20, outputTokens: 60, totalTokens: 80 } },
    usage: { input: 20, output: 60 },
  },
  {
    name: "ollama: chat of its SDK",
    result: { model: "qwen3:8b", message: { role: "assistant" }, done: true, prompt_eval_count: 26, eval_count: 298 },
    usage: { input: 26, output: 298 },
  },
  {
    name: "ollama: chat whose prompt was in its memory, and is not counted",
    result: { model: "qwen3:8b", message: { role: "assistant" }, done: true, eval_count: 298 },
    usage: { input: 0, output: 298 },
    // What was not evaluated again costs nothing there; of a remote service it may.
    disputed: true,
  },
  {
    name: "ollama: embeddings of its SDK",
    result: { model: "nomic-embed-text", embeddings: [[0.1]], prompt_eval_count: 8 },
    usage: { input: 8, output: 0 },
  },
  {
    name: "cohere: chat of its SDK",
    result: {
      finishReason: "COMPLETE",
      usage: { billedUnits: { inputTokens: 12, outputTokens: 6 }, tokens: { inputTokens: 12, outputTokens: 6 } },
    },
    usage: { input: 12, output: 6 },
  },
  {
    name: "cohere: chat of its API",
    result: {
      finish_reason: "COMPLETE",
      usage: {
        billed_units: { input_tokens: 12, output_tokens: 6 },
        tokens: { input_tokens: 12, output_tokens: 6 },
        cached_tokens: 8,
      },
    },
    usage: { input: 12, output: 6, cacheRead: 8 },
  },
  {
    // Its own preamble is counted and not billed: a price is for what is billed, a limit of tokens for what is counted?
    name: "cohere: chat that bills less than it counts",
    result: {
      usage: {
        billed_units: { input_tokens: 12, output_tokens: 6 },
        tokens: { input_tokens: 212, output_tokens: 8 },
      },
    },
    usage: { input: 12, output: 6 },
    disputed: true,
  },
  {
    name: "cohere: chat that says only what it billed",
    result: { meta: { billed_units: { input_tokens: 12, output_tokens: 6 } } },
    usage: { input: 12, output: 6 },
  },
  {
    name: "mistral: chat of its SDK",
    result: { choices: [], usage: { promptTokens: 14, completionTokens: 5, totalTokens: 19 } },
    usage: { input: 14, output: 5 },
  },
  {
    name: "openrouter: chat of its SDK",
    result: {
      choices: [],
      usage: {
        promptTokens: 1_940,
        completionTokens: 62,
        totalTokens: 2_002,
        cost: 0.0123,
        promptTokensDetails: { cachedTokens: 1_024, cacheWriteTokens: 512 },
        completionTokensDetails: { reasoningTokens: 40 },
      },
    },
    usage: { input: 1_940, output: 62, cacheRead: 1_024, cacheWrite: 512, reasoning: 40 },
  },
  {
    name: "groq: chat of its SDK",
    result: { choices: [], usage: { prompt_tokens: 81, completion_tokens: 22, total_tokens: 103, total_time: 0.04 } },
    usage: { input: 81, output: 22 },
  },
];
