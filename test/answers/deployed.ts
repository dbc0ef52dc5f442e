/** Chat completions of what teams deploy by themselves: Azure's deployments, proxies, and servers of open models. */
import { type RecordedAnswer, recorded } from "./recorded.ts";
import { chat, chatStream, chunksOf, completion, data, done } from "./wire.ts";

const counts = { prompt_tokens: 15, completion_tokens: 6, total_tokens: 21 };
const isSafe = { hate: { filtered: false, severity: "safe" }, violence: { filtered: false, severity: "safe" } };
/** Azure's first chunk: no choices, and no names either. */
const promptFilter = data({
  choices: [],
  created: 0,
  id: "",
  model: "",
  object: "",
  prompt_filter_results: [{ prompt_index: 0, content_filter_results: isSafe }],
});

const azure = recorded("openai-chat", "azure", [
  {
    name: "a stream that begins with the results of the prompt's filter, under an empty model",
    request: chatStream("gpt-5-2025-08-07"),
    events: (({ role, chunk, finish, usage }) => [
      promptFilter,
      role(),
      chunk([
        { index: 0, delta: { content: "Olá!" }, content_filter_results: isSafe, finish_reason: null, logprobs: null },
      ]),
      finish(),
      usage(counts),
      done,
    ])(chunksOf("gpt-5-2025-08-07", { system_fingerprint: null })),
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a deployment's name, which is not the model that answers",
    request: chat("our-deployment"),
    body: completion("gpt-5-mini-2025-08-07", "Olá!", {
      usage: counts,
      prompt_filter_results: [{ prompt_index: 0, content_filter_results: isSafe }],
    }),
    booked: { usage: { input: 15, output: 6 }, reported: true, model: "gpt-5-mini-2025-08-07" },
  },
  {
    name: "a stream with the asynchronous filter, whose chunks have choices without a delta",
    request: chatStream("gpt-5-2025-08-07"),
    events: (({ role, text, finish, chunk, usage }) => [
      role(),
      text("Olá!"),
      finish(),
      chunk([
        {
          index: 0,
          finish_reason: null,
          content_filter_results: isSafe,
          content_filter_offsets: { check_offset: 12, start_offset: 0, end_offset: 12 },
        },
      ]),
      usage(counts),
      done,
    ])(chunksOf("gpt-5-2025-08-07")),
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream that the content filter ends",
    request: chatStream("gpt-5-2025-08-07"),
    events: (({ role, text, finish, usage }) => [
      promptFilter,
      role(),
      text("Era uma vez"),
      finish("content_filter"),
      usage(counts),
      done,
    ])(chunksOf("gpt-5-2025-08-07")),
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream that the content filter ends, of a version that reports no usage",
    request: { ...chat("gpt-4o"), stream: true },
    events: (({ role, text, finish }) => [promptFilter, role(), text("Era uma vez"), finish("content_filter"), done])(
      chunksOf("gpt-4o"),
    ),
    booked: { estimated: true, delivered: "Era uma vez" },
  },
  {
    name: "an error after the results of the prompt's filter",
    request: chatStream("gpt-5-2025-08-07"),
    events: [promptFilter, data({ error: { code: "500", message: "The server had an error.", type: "server_error" } })],
    booked: { free: true },
  },
]);

const litellm = recorded("openai-chat", "litellm", [
  {
    name: "a whole answer that says the cache at the top, as Anthropic does, within prompt_tokens",
    request: chat("claude-sonnet-5"),
    body: completion("claude-sonnet-5", "Olá!", {
      usage: {
        completion_tokens: 10,
        prompt_tokens: 12_000,
        total_tokens: 12_010,
        completion_tokens_details: null,
        prompt_tokens_details: { audio_tokens: null, cached_tokens: 10_000, text_tokens: null, image_tokens: null },
        cache_creation_input_tokens: 1_000,
        cache_read_input_tokens: 10_000,
      },
    }),
    booked: { usage: { input: 12_000, output: 10, cacheRead: 10_000, cacheWrite: 1_000 }, reported: true },
  },
  {
    name: "a whole answer that says the cache at the top only",
    request: chat("claude-sonnet-5"),
    body: completion("claude-sonnet-5", "Olá!", {
      usage: {
        completion_tokens: 10,
        prompt_tokens: 12_000,
        total_tokens: 12_010,
        cache_creation_input_tokens: 1_000,
        cache_read_input_tokens: 10_000,
      },
    }),
    booked: { usage: { input: 12_000, output: 10, cacheRead: 10_000, cacheWrite: 1_000 }, reported: true },
  },
  {
    name: "a stream whose last chunk has usage, a choice that says nothing, and the split of what was written",
    request: chatStream("claude-sonnet-5"),
    events: (({ text, finish, chunk }) => [
      text("Olá!"),
      finish(),
      chunk([{ index: 0, delta: {} }], {
        usage: {
          completion_tokens: 10,
          prompt_tokens: 12_000,
          total_tokens: 12_010,
          prompt_tokens_details: {
            cached_tokens: 10_000,
            cache_creation_tokens: 1_000,
            cache_creation_token_details: { ephemeral_5m_input_tokens: 400, ephemeral_1h_input_tokens: 600 },
          },
          cache_creation_input_tokens: 1_000,
          cache_read_input_tokens: 10_000,
        },
      }),
      done,
    ])(chunksOf("claude-sonnet-5")),
    booked: {
      usage: { input: 12_000, output: 10, cacheRead: 10_000, cacheWrite: 1_000, cacheWrite1h: 600 },
      reported: true,
    },
    finalAt: 2,
  },
  {
    name: "an error in the middle of a stream, whose fields are the word None",
    request: chatStream("claude-sonnet-5"),
    events: (({ text }) => [
      text("Olá, po"),
      data({ error: { message: "litellm.MidStreamFallbackError", type: "None", param: "None", code: "500" } }),
    ])(chunksOf("claude-sonnet-5")),
    booked: { estimated: true, delivered: "Olá, po" },
  },
]);

const newApi = recorded("openai-chat", "new-api", [
  {
    name: "a whole answer with each counter that it knows, most of them zero",
    request: chat("claude-sonnet-5"),
    body: completion("claude-sonnet-5", "Olá!", {
      usage: {
        prompt_tokens: 4_014,
        completion_tokens: 9,
        total_tokens: 4_023,
        prompt_tokens_details: {
          cached_tokens: 3_000,
          cached_creation_tokens: 1_000,
          text_tokens: 0,
          audio_tokens: 0,
          image_tokens: 0,
        },
        completion_tokens_details: { text_tokens: 0, audio_tokens: 0, reasoning_tokens: 0 },
        input_tokens: 0,
        output_tokens: 0,
        input_tokens_details: null,
        claude_cache_creation_5_m_tokens: 400,
        claude_cache_creation_1_h_tokens: 600,
      },
    }),
    booked: {
      usage: { input: 4_014, output: 9, cacheRead: 3_000, cacheWrite: 1_000, cacheWrite1h: 600 },
      reported: true,
    },
  },
  {
    name: "the same counts as input_tokens beside prompt_tokens",
    request: chat("gpt-5.5"),
    body: completion("gpt-5.5", "Olá!", { usage: { ...counts, input_tokens: 15, output_tokens: 6 } }),
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
]);

const vllm = recorded("openai-chat", "vllm", [
  {
    name: "a stream with continuous usage",
    request: { ...chatStream("Qwen/Qwen3-32B"), stream_options: { include_usage: true, continuous_usage_stats: true } },
    events: (({ role, text, finish, usage }) => [
      role({ usage: { prompt_tokens: 15, total_tokens: 15, completion_tokens: 0 } }),
      text("Olá", { usage: { prompt_tokens: 15, total_tokens: 17, completion_tokens: 2 } }),
      text("!", { usage: { prompt_tokens: 15, total_tokens: 18, completion_tokens: 3 } }),
      finish("stop", { usage: { prompt_tokens: 15, total_tokens: 18, completion_tokens: 3 } }),
      usage({ prompt_tokens: 15, total_tokens: 18, completion_tokens: 3 }),
      done,
    ])(chunksOf("Qwen/Qwen3-32B")),
    booked: { usage: { input: 15, output: 3 }, reported: true },
    finalAt: 3,
    source: "https://github.com/vllm-project/vllm/issues/5708",
  },
  {
    name: "a stream with continuous usage that breaks off",
    request: { ...chatStream("Qwen/Qwen3-32B"), stream_options: { include_usage: true, continuous_usage_stats: true } },
    events: (({ role, text }) => [
      role({ usage: { prompt_tokens: 1_515, total_tokens: 1_515, completion_tokens: 0 } }),
      text("Olá, ", { usage: { prompt_tokens: 1_515, total_tokens: 1_518, completion_tokens: 3 } }),
      text("povo", { usage: { prompt_tokens: 1_515, total_tokens: 1_520, completion_tokens: 5 } }),
    ])(chunksOf("Qwen/Qwen3-32B")),
    booked: { estimated: true, delivered: "Olá, povo", atLeast: { input: 1_515, output: 5 } },
  },
  {
    name: "a stream of reasoning under both names that it has had, and cut off",
    request: chatStream("Qwen/Qwen3-32B"),
    events: (({ role, delta }) => [
      role(),
      delta({ reasoning: "Portuguese", reasoning_content: "Portuguese" }),
      delta({ reasoning: ", then.", reasoning_content: ", then." }),
    ])(chunksOf("Qwen/Qwen3-32B")),
    booked: { estimated: true, delivered: "Portuguese, then." },
  },
  {
    name: "a whole answer with details of null, and ids of tokens",
    request: chat("Qwen/Qwen3-32B"),
    body: completion("Qwen/Qwen3-32B", "Olá!", {
      service_tier: null,
      usage: { prompt_tokens: 15, total_tokens: 18, completion_tokens: 3, prompt_tokens_details: null },
      prompt_logprobs: null,
      prompt_token_ids: null,
      kv_transfer_params: null,
    }),
    booked: { usage: { input: 15, output: 3 }, reported: true },
  },
]);

const ollama = recorded("openai-chat", "ollama", [
  {
    name: "a stream with its usage in a chunk of its own",
    request: chatStream("qwen3:8b"),
    events: (({ delta, finish, usage }) => [
      delta({ role: "assistant", content: "", reasoning: "Portuguese." }),
      delta({ role: "assistant", content: "Olá!" }),
      finish(),
      usage({ prompt_tokens: 26, completion_tokens: 12, total_tokens: 38 }),
      done,
    ])(chunksOf("qwen3:8b", { system_fingerprint: "fp_ollama" })),
    booked: { usage: { input: 26, output: 12 }, reported: true },
    finalAt: 3,
  },
  {
    name: "a whole answer",
    request: chat("qwen3:8b"),
    body: completion("qwen3:8b", "Olá!", {
      system_fingerprint: "fp_ollama",
      usage: { prompt_tokens: 26, completion_tokens: 4, total_tokens: 30 },
    }),
    booked: { usage: { input: 26, output: 4 }, reported: true },
  },
]);

const lmStudio = recorded("openai-chat", "lm-studio", [
  {
    name: "a stream of a version that reports no usage",
    request: chatStream("google/gemma-3-12b"),
    events: (({ delta, finish }) => [delta({ role: "assistant", content: "Olá!" }), finish(), done])(
      chunksOf("google/gemma-3-12b", { system_fingerprint: "google/gemma-3-12b" }),
    ),
    booked: { estimated: true, delivered: "Olá!" },
  },
  {
    name: "a whole answer with statistics",
    request: chat("google/gemma-3-12b"),
    body: completion("google/gemma-3-12b", "Olá!", { usage: counts, stats: { tokens_per_second: 51.4 } }),
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
  {
    name: "an error in the middle of a stream, named by its event line",
    request: chatStream("google/gemma-3-12b"),
    events: (({ delta }) => [
      delta({ role: "assistant", content: "Olá, po" }),
      `event: error\n${data({ error: { message: "Model unloaded" }, message: "Model unloaded" })}`,
    ])(chunksOf("google/gemma-3-12b")),
    booked: { estimated: true, delivered: "Olá, po" },
  },
]);

const llamaCpp = recorded("openai-chat", "llama.cpp", [
  {
    name: "a stream with usage and timings in its last chunk",
    request: chatStream("gpt-oss-20b"),
    events: (({ delta, text, finish, usage }) => [
      delta({ role: "assistant", content: null }),
      text("Olá!"),
      finish(),
      usage(counts, { timings: { cache_n: 10, prompt_n: 5, prompt_ms: 30.1, predicted_n: 6, predicted_ms: 88.2 } }),
      done,
    ])(chunksOf("gpt-oss-20b")),
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 3,
  },
]);

export const answers: readonly RecordedAnswer[] = [
  ...azure,
  ...litellm,
  ...newApi,
  ...vllm,
  ...ollama,
  ...lmStudio,
  ...llamaCpp,
];
