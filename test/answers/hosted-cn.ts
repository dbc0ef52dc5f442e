/** Makers of models in China: chat completions with counters of their own. */
import { type RecordedAnswer, recorded } from "./recorded.ts";
import { chat, chatStream, chunksOf, completion, data, done } from "./wire.ts";

const deepseek = recorded("openai-chat", "deepseek", [
  {
    name: "a whole answer that says hits and misses of the cache at the top",
    request: chat("deepseek-chat"),
    body: completion("deepseek-chat", "Olá!", {
      usage: {
        prompt_tokens: 10_000,
        completion_tokens: 50,
        total_tokens: 10_050,
        prompt_cache_hit_tokens: 9_000,
        prompt_cache_miss_tokens: 1_000,
      },
    }),
    booked: { usage: { input: 10_000, output: 50, cacheRead: 9_000 }, reported: true },
    source: "https://github.com/NousResearch/hermes-agent/issues/61871",
  },
  {
    name: "a stream of reasoning with keep-alive comments, whose usage comes with the finish",
    request: chatStream("deepseek-reasoner"),
    events: (({ delta, finish }) => [
      ": keep-alive",
      delta({ role: "assistant", content: null, reasoning_content: "" }, { usage: null }),
      delta({ content: null, reasoning_content: "They speak Portuguese." }, { usage: null }),
      delta({ content: "Olá!", reasoning_content: null }, { usage: null }),
      finish("stop", {
        usage: {
          prompt_tokens: 640,
          completion_tokens: 118,
          total_tokens: 758,
          prompt_tokens_details: { cached_tokens: 576 },
          completion_tokens_details: { reasoning_tokens: 109 },
          prompt_cache_hit_tokens: 576,
          prompt_cache_miss_tokens: 64,
        },
      }),
      done,
    ])(chunksOf("deepseek-reasoner")),
    booked: { usage: { input: 640, output: 118, cacheRead: 576, reasoning: 109 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream that ends for lack of resources, after a part of the text",
    request: chatStream("deepseek-chat"),
    events: (({ role, text, finish }) => [role(), text("Olá, po"), finish("insufficient_system_resource"), done])(
      chunksOf("deepseek-chat"),
    ),
    booked: { estimated: true, delivered: "Olá, po" },
  },
]);

const moonshot = recorded("openai-chat", "moonshot", [
  {
    name: "a whole answer that says cached tokens at the top",
    request: chat("kimi-k2.6"),
    body: completion("kimi-k2.6", "Olá!", {
      usage: { prompt_tokens: 8_872, completion_tokens: 100, total_tokens: 8_972, cached_tokens: 8_704 },
    }),
    booked: { usage: { input: 8_872, output: 100, cacheRead: 8_704 }, reported: true },
  },
  {
    name: "a stream whose usage stands in the choice that finishes",
    request: chatStream("kimi-k3"),
    events: (({ role, text, chunk }) => [
      role(),
      text("Olá!"),
      chunk([
        {
          index: 0,
          delta: {},
          finish_reason: "stop",
          usage: { prompt_tokens: 8_872, completion_tokens: 100, total_tokens: 8_972, cached_tokens: 8_704 },
        },
      ]),
      done,
    ])(chunksOf("kimi-k3")),
    booked: { usage: { input: 8_872, output: 100, cacheRead: 8_704 }, reported: true },
    finalAt: 2,
    source: "https://github.com/caudena/beam_weaver/releases/tag/v0.1.12",
  },
  {
    name: "a stream whose usage stands in the choice, and once more in a chunk of its own",
    request: chatStream("kimi-k3"),
    events: (({ role, text, chunk, usage }) => [
      role(),
      text("Olá!"),
      chunk([
        {
          index: 0,
          delta: {},
          finish_reason: "stop",
          usage: { prompt_tokens: 320, completion_tokens: 12, total_tokens: 332, cached_tokens: 256 },
        },
      ]),
      usage({
        prompt_tokens: 320,
        completion_tokens: 12,
        total_tokens: 332,
        cached_tokens: 256,
        prompt_tokens_details: { cached_tokens: 256 },
      }),
      done,
    ])(chunksOf("kimi-k3")),
    booked: { usage: { input: 320, output: 12, cacheRead: 256 }, reported: true },
    finalAt: 2,
  },
]);

const qwen = recorded("openai-chat", "qwen", [
  {
    name: "a whole answer with tokens that were written to the cache",
    request: chat("qwen3-coder-plus"),
    body: completion("qwen3-coder-plus", "Olá!", {
      usage: {
        prompt_tokens: 3_019,
        completion_tokens: 40,
        total_tokens: 3_059,
        prompt_tokens_details: {
          cached_tokens: 0,
          cache_creation_input_tokens: 2_048,
          cache_creation: { ephemeral_5m_input_tokens: 2_048 },
          cache_type: "ephemeral",
        },
      },
    }),
    booked: { usage: { input: 3_019, output: 40, cacheWrite: 2_048 }, reported: true },
  },
  {
    name: "a stream of reasoning that reads from the cache",
    request: chatStream("qwen3.6-plus"),
    events: (({ delta, finish, usage }) => [
      delta({ role: "assistant", content: "", reasoning_content: "" }, { usage: null }),
      delta({ content: null, reasoning_content: "Portuguese, then." }, { usage: null }),
      delta({ content: "Olá!", reasoning_content: null }, { usage: null }),
      finish("stop", { usage: null }),
      usage({
        prompt_tokens: 3_019,
        completion_tokens: 104,
        total_tokens: 3_123,
        prompt_tokens_details: { cached_tokens: 2_048, text_tokens: 3_019 },
        completion_tokens_details: { reasoning_tokens: 76, text_tokens: 28 },
      }),
      done,
    ])(chunksOf("qwen3.6-plus")),
    booked: { usage: { input: 3_019, output: 104, cacheRead: 2_048, reasoning: 76 }, reported: true },
    finalAt: 4,
  },
]);

const zai = recorded("openai-chat", "zai", [
  {
    name: "a stream whose usage comes with the finish",
    request: chatStream("glm-5"),
    events: (({ delta, finish }) => [
      delta({ role: "assistant", reasoning_content: "Portuguese." }),
      delta({ role: "assistant", content: "Olá!" }),
      finish("stop", {
        usage: {
          prompt_tokens: 206,
          completion_tokens: 31,
          total_tokens: 237,
          prompt_tokens_details: { cached_tokens: 192 },
          completion_tokens_details: { reasoning_tokens: 24 },
        },
      }),
      done,
    ])(chunksOf("glm-5")),
    booked: { usage: { input: 206, output: 31, cacheRead: 192, reasoning: 24 }, reported: true },
    finalAt: 2,
  },
  {
    name: "an error as a whole answer",
    request: chat("glm-5"),
    body: JSON.stringify({ error: { code: "1305", message: "The service may be temporarily overloaded." } }),
    booked: { free: true },
  },
]);

const minimax = recorded("openai-chat", "minimax", [
  {
    name: "a stream whose last event repeats the whole text as a message",
    request: chatStream("MiniMax-M2.5"),
    events: (({ text }) => [
      text("Olá, "),
      text("Lisboa!"),
      `data: ${completion("MiniMax-M2.5", "Olá, Lisboa!", {
        usage: { total_tokens: 71, total_characters: 0, prompt_tokens: 62, completion_tokens: 9 },
        base_resp: { status_code: 0, status_msg: "" },
      })}`,
    ])(chunksOf("MiniMax-M2.5")),
    booked: { usage: { input: 62, output: 9 }, reported: true },
    finalAt: 2,
  },
  {
    name: "a refusal for lack of balance, as a 200",
    request: chat("MiniMax-M2.5"),
    body: JSON.stringify({
      id: "05b81ca0",
      choices: null,
      created: 1_790_000_000,
      model: "MiniMax-M2.5",
      object: "chat.completion",
      usage: { total_tokens: 0, total_characters: 0 },
      base_resp: { status_code: 1008, status_msg: "insufficient balance" },
    }),
    booked: { free: true },
  },
  {
    name: "a rate limit, as the one event of a stream",
    request: chatStream("MiniMax-M2.5"),
    events: [data({ id: "", choices: null, base_resp: { status_code: 1002, status_msg: "rate limit" } })],
    booked: { free: true },
  },
]);

export const answers: readonly RecordedAnswer[] = [...deepseek, ...moonshot, ...qwen, ...zai, ...minimax];
