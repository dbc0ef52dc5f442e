/** Those that serve other makers' models as OpenAI's chat completions: routers, hosts, clouds and proxies. */
import { type RecordedAnswer, recorded } from "./recorded.ts";
import { chat, chatStream, chunksOf, completion, data, done } from "./wire.ts";

const counts = { prompt_tokens: 15, completion_tokens: 6, total_tokens: 21 };
const openrouterUsage = {
  prompt_tokens: 1_940,
  completion_tokens: 62,
  total_tokens: 2_002,
  cost: 0.0123,
  is_byok: false,
  prompt_tokens_details: { cached_tokens: 1_024, cache_write_tokens: 512, audio_tokens: 0, video_tokens: 0 },
  cost_details: {
    upstream_inference_cost: null,
    upstream_inference_prompt_cost: 0.011,
    upstream_inference_completions_cost: 0.0013,
  },
  completion_tokens_details: { reasoning_tokens: 40, image_tokens: 0 },
};

const openrouter = recorded("openai-chat", "openrouter", [
  {
    name: "a whole answer with costs, cache reads and cache writes",
    request: chat("anthropic/claude-sonnet-5"),
    body: completion("anthropic/claude-sonnet-5", "Olá!", { provider: "Anthropic", usage: openrouterUsage }),
    booked: { usage: { input: 1_940, output: 62, cacheRead: 1_024, cacheWrite: 512, reasoning: 40 }, reported: true },
  },
  {
    name: "a whole answer of a fallback",
    request: chat("anthropic/claude-opus-5", { models: ["openai/gpt-5"] }),
    body: completion("openai/gpt-5", "Olá!", { provider: "OpenAI", usage: { ...counts, cost: 0.0001 } }),
    booked: { usage: { input: 15, output: 6 }, reported: true, model: "openai/gpt-5" },
  },
  {
    name: "a stream with comments, whose last chunk has usage and a choice that says nothing",
    request: chatStream("anthropic/claude-sonnet-5"),
    events: (({ text, finish, chunk }) => [
      ": OPENROUTER PROCESSING",
      ": OPENROUTER PROCESSING",
      text("Olá!"),
      finish("stop", { native_finish_reason: "end_turn" }),
      chunk([{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }], { usage: openrouterUsage }),
      done,
    ])(chunksOf("anthropic/claude-sonnet-5", { provider: "Anthropic" })),
    booked: { usage: { input: 1_940, output: 62, cacheRead: 1_024, cacheWrite: 512, reasoning: 40 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream of reasoning that says each piece twice, and is cut off",
    request: chatStream("deepseek/deepseek-r2"),
    events: (({ delta }) =>
      ["They speak", " Portuguese."].map((piece) =>
        delta({
          role: "assistant",
          content: "",
          reasoning: piece,
          reasoning_details: [{ type: "reasoning.text", text: piece, format: "unknown", index: 0 }],
        }),
      ))(chunksOf("deepseek/deepseek-r2", { provider: "DeepInfra" })),
    booked: { estimated: true, delivered: "They speak Portuguese." },
  },
  {
    name: "a whole answer whose choice has failed, with a report",
    request: chat("google/gemini-3-pro"),
    body: JSON.stringify({
      id: "gen-1",
      object: "chat.completion",
      model: "google/gemini-3-pro",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Olá, po" },
          error: { code: 502, message: "Upstream error" },
          finish_reason: "error",
        },
      ],
      usage: counts,
    }),
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
]);

const groqUsage = {
  queue_time: 0.02,
  prompt_tokens: 81,
  prompt_time: 0.003,
  completion_tokens: 22,
  completion_time: 0.04,
  total_tokens: 103,
  total_time: 0.043,
};

const groq = recorded("openai-chat", "groq", [
  {
    name: "a stream whose usage stands in x_groq of the finish",
    request: { ...chat("llama-3.3-70b-versatile"), stream: true },
    events: (({ delta, text, finish }) => [
      delta({ role: "assistant", content: "" }, { x_groq: { id: "req_01" } }),
      text("Olá!"),
      finish("stop", { x_groq: { id: "req_01", usage: groqUsage } }),
      done,
    ])(chunksOf("llama-3.3-70b-versatile", { service_tier: "on_demand" })),
    booked: { usage: { input: 81, output: 22 }, reported: true },
    finalAt: 2,
  },
  {
    name: "a stream whose usage stands in x_groq, and in a chunk of its own",
    request: chatStream("openai/gpt-oss-120b"),
    events: (({ delta, text, finish, usage }) => [
      delta({ role: "assistant", content: "" }, { x_groq: { id: "req_01" } }),
      delta({ reasoning: "Portuguese.", channel: "analysis" }),
      text("Olá!"),
      finish("stop", { x_groq: { id: "req_01", usage: groqUsage } }),
      usage({
        ...groqUsage,
        prompt_tokens_details: { cached_tokens: 64 },
        completion_tokens_details: { reasoning_tokens: 12 },
      }),
      done,
    ])(chunksOf("openai/gpt-oss-120b")),
    booked: { usage: { input: 81, output: 22, cacheRead: 64, reasoning: 12 }, reported: true },
    finalAt: 4,
    reportedAt: 3,
  },
  {
    name: "a whole answer with times among its counts",
    request: chat("llama-3.3-70b-versatile"),
    body: completion("llama-3.3-70b-versatile", "Olá!", {
      usage: groqUsage,
      usage_breakdown: null,
      x_groq: { id: "req_01", seed: 7 },
      service_tier: "on_demand",
    }),
    booked: { usage: { input: 81, output: 22 }, reported: true },
  },
  {
    name: "a stream that x_groq says was stopped by an error, before it delivered anything",
    request: { ...chat("llama-3.3-70b-versatile"), stream: true },
    events: (({ delta, chunk }) => [
      delta({ role: "assistant", content: "" }, { x_groq: { id: "req_01" } }),
      chunk([{ index: 0, delta: {}, finish_reason: null }], { x_groq: { id: "req_01", error: "over capacity" } }),
    ])(chunksOf("llama-3.3-70b-versatile")),
    booked: { free: true },
  },
  {
    name: "a stream that x_groq says was stopped by an error",
    request: { ...chat("llama-3.3-70b-versatile"), stream: true },
    events: (({ delta, text, chunk }) => [
      delta({ role: "assistant", content: "" }, { x_groq: { id: "req_01" } }),
      text("Olá, po"),
      chunk([{ index: 0, delta: {}, finish_reason: null }], { x_groq: { id: "req_01", error: "over capacity" } }),
    ])(chunksOf("llama-3.3-70b-versatile")),
    booked: { estimated: true, delivered: "Olá, po" },
  },
]);

const together = recorded("openai-chat", "together", [
  {
    name: "a stream whose usage comes with the finish, and whose choices have a text beside the delta",
    request: { ...chat("deepseek-ai/DeepSeek-V3.1"), stream: true },
    events: (({ chunk }) => {
      const part = (content: string, finish_reason: string | null, usage: object | null): string =>
        chunk(
          [
            {
              index: 0,
              text: content,
              logprobs: null,
              finish_reason,
              seed: null,
              delta: { token_id: 1, role: "assistant", content },
            },
          ],
          { usage },
        );
      return [part("Olá", null, null), part("!", null, null), part("", "stop", { ...counts, cached_tokens: 8 }), done];
    })(chunksOf("deepseek-ai/DeepSeek-V3.1")),
    booked: { usage: { input: 15, output: 6, cacheRead: 8 }, reported: true },
    finalAt: 2,
  },
  {
    name: "a stream whose choices have the text twice, that is cut off",
    request: { ...chat("deepseek-ai/DeepSeek-V3.1"), stream: true },
    events: (({ chunk }) =>
      ["Olá, povo", " de Lisboa"].map((content) =>
        chunk([{ index: 0, text: content, finish_reason: null, delta: { token_id: 1, role: "assistant", content } }], {
          usage: null,
        }),
      ))(chunksOf("deepseek-ai/DeepSeek-V3.1")),
    booked: { estimated: true, delivered: "Olá, povo de Lisboa" },
  },
]);

const fireworks = recorded("openai-chat", "fireworks", [
  {
    name: "a stream whose usage comes with the finish, beside metrics",
    request: { ...chat("accounts/fireworks/models/kimi-k2p6"), stream: true },
    events: (({ role, text, finish }) => [
      role(),
      text("Olá!"),
      finish("stop", {
        usage: {
          prompt_tokens: 812,
          total_tokens: 820,
          completion_tokens: 8,
          prompt_tokens_details: { cached_tokens: 768 },
        },
        perf_metrics: { "prompt-tokens": "812", "cached-prompt-tokens": "768", "server-time-to-first-token": "0.1" },
      }),
      done,
    ])(chunksOf("accounts/fireworks/models/kimi-k2p6")),
    booked: { usage: { input: 812, output: 8, cacheRead: 768 }, reported: true },
    finalAt: 2,
  },
]);

const cerebras = recorded("openai-chat", "cerebras", [
  {
    name: "a stream whose usage comes with the finish, beside times",
    request: { ...chat("gpt-oss-120b"), stream: true },
    events: (({ role, text, finish }) => [
      role(),
      text("Olá!"),
      finish("stop", {
        usage: { ...counts, prompt_tokens_details: { cached_tokens: 0 } },
        time_info: { queue_time: 0.0001, prompt_time: 0.001, completion_time: 0.003, total_time: 0.01 },
      }),
    ])(chunksOf("gpt-oss-120b")),
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 2,
  },
]);

const sambanova = recorded("openai-chat", "sambanova", [
  {
    name: "a stream whose usage is mostly speeds, with fractions",
    request: chatStream("Meta-Llama-3.3-70B-Instruct"),
    events: (({ role, text, finish, usage }) => [
      role(),
      text("Olá!"),
      finish(),
      usage({
        acceptance_rate: 3.9,
        completion_tokens: 6,
        completion_tokens_after_first_per_sec: 377.4,
        completion_tokens_per_sec: 194.2,
        end_time: 1_790_000_001.5,
        is_last_response: true,
        prompt_tokens: 15,
        prompt_tokens_details: { cached_tokens: 0 },
        time_to_first_token: 0.017,
        total_tokens: 21,
        total_tokens_per_sec: 600.2,
      }),
      done,
    ])(chunksOf("Meta-Llama-3.3-70B-Instruct")),
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 3,
  },
]);

const deepinfra = recorded("openai-chat", "deepinfra", [
  {
    name: "a whole answer with an estimated cost, and details of null",
    request: chat("zai-org/GLM-5"),
    body: completion("zai-org/GLM-5", "Olá!", {
      usage: { ...counts, estimated_cost: 0.0000042, prompt_tokens_details: null },
    }),
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
]);

const cloudflare = recorded("openai-chat", "cloudflare", [
  {
    name: "a stream of Workers AI with padding, and usage in each chunk",
    request: chatStream("@cf/openai/gpt-oss-120b"),
    events: (({ role, text, finish, usage }) => [
      role({ p: "abdefghijklmnopqrs", usage: { prompt_tokens: 15, completion_tokens: 0, total_tokens: 15 } }),
      text("Olá!", { p: "ab", usage: { prompt_tokens: 15, completion_tokens: 5, total_tokens: 20 } }),
      finish("stop", { p: "abdefgh", usage: counts }),
      usage(counts, { p: "" }),
      done,
    ])(chunksOf("@cf/openai/gpt-oss-120b")),
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 2,
  },
]);

const vertex = recorded("openai-chat", "vertex", [
  {
    name: "a whole answer of its OpenAI endpoint, with the kind of traffic among its counts",
    request: chat("google/gemini-3-flash"),
    body: completion("google/gemini-3-flash", "Olá!", {
      usage: {
        prompt_tokens: 15,
        completion_tokens: 6,
        total_tokens: 121,
        completion_tokens_details: { reasoning_tokens: 100 },
        extra_properties: { google: { traffic_type: "ON_DEMAND" } },
      },
    }),
    booked: { usage: { input: 15, output: 106, reasoning: 100 }, reported: true },
  },
]);

const portkey = recorded("openai-chat", "portkey", [
  {
    name: "the error of a guardrail, after a part of the text",
    request: chatStream("gpt-5.5"),
    events: (({ role, text }) => [
      role(),
      text("Olá, po"),
      data({ error: { message: "The guardrail checks have failed", type: "hooks_failed" }, hook_results: {} }),
    ])(chunksOf("gpt-5.5")),
    booked: { estimated: true, delivered: "Olá, po" },
  },
]);

export const answers: readonly RecordedAnswer[] = [
  ...openrouter,
  ...groq,
  ...together,
  ...fireworks,
  ...cerebras,
  ...sambanova,
  ...deepinfra,
  ...cloudflare,
  ...vertex,
  ...portkey,
];
