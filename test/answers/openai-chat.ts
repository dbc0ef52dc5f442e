/** OpenAI's chat completions: the shapes that its API reference documents. */
import { type RecordedAnswer, recorded } from "./recorded.ts";
import { chat, chatStream, chunksOf, completion, done, type Fields } from "./wire.ts";

const model = "gpt-5.5";
const { chunk, delta, role, text, finish, usage } = chunksOf(model, {
  service_tier: "default",
  system_fingerprint: "fp_50ad",
});
/** What OpenAI says in every chunk but the last, where usage was asked for. */
const noUsage = { usage: null };
const noDetails = {
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: {
    reasoning_tokens: 0,
    audio_tokens: 0,
    accepted_prediction_tokens: 0,
    rejected_prediction_tokens: 0,
  },
};
const weather = {
  type: "function",
  function: { name: "get_weather", parameters: { type: "object", properties: { city: { type: "string" } } } },
};
const call = (fields: Fields): Fields => ({ tool_calls: [{ index: 0, ...fields }] });

export const answers: readonly RecordedAnswer[] = recorded("openai-chat", "openai", [
  {
    name: "a whole answer",
    request: chat(model),
    body: completion(model, "Olá, Lisboa!", {
      usage: { prompt_tokens: 15, completion_tokens: 6, total_tokens: 21, ...noDetails },
      service_tier: "default",
    }),
    booked: { usage: { input: 15, output: 6 }, reported: true },
  },
  {
    name: "a whole answer of which the prompt was read from the cache and most was reasoning",
    request: chat(model, { reasoning_effort: "high" }),
    body: completion(model, "Olá, Lisboa!", {
      usage: {
        prompt_tokens: 2_006,
        completion_tokens: 1_300,
        total_tokens: 3_306,
        prompt_tokens_details: { cached_tokens: 1_920, audio_tokens: 0 },
        completion_tokens_details: { reasoning_tokens: 1_152, audio_tokens: 0 },
      },
    }),
    booked: { usage: { input: 2_006, output: 1_300, cacheRead: 1_920, reasoning: 1_152 }, reported: true },
  },
  {
    name: "a whole answer with rejected predictions, which completion_tokens contains",
    request: chat("gpt-4.1", { prediction: { type: "content", content: "Olá, Porto!" } }),
    body: completion("gpt-4.1", "Olá, Lisboa!", {
      usage: {
        prompt_tokens: 20,
        completion_tokens: 14,
        total_tokens: 34,
        completion_tokens_details: {
          reasoning_tokens: 0,
          accepted_prediction_tokens: 4,
          rejected_prediction_tokens: 8,
        },
      },
    }),
    booked: { usage: { input: 20, output: 14 }, reported: true },
  },
  {
    name: "two choices in a whole answer, counted in one report",
    request: chat(model, { n: 2 }),
    body: JSON.stringify({
      id: "chatcmpl-7Qk2",
      object: "chat.completion",
      created: 1_790_000_000,
      model,
      choices: ["Olá!", "Bom dia!"].map((content, index) => ({
        index,
        message: { role: "assistant", content },
        finish_reason: "stop",
      })),
      usage: { prompt_tokens: 15, completion_tokens: 9, total_tokens: 24 },
    }),
    booked: { usage: { input: 15, output: 9 }, reported: true },
  },
  {
    name: "a whole answer with a tool call and no text",
    request: chat(model, { tools: [weather] }),
    body: JSON.stringify({
      id: "chatcmpl-7Qk2",
      object: "chat.completion",
      created: 1_790_000_000,
      model,
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: null,
            refusal: null,
            annotations: [],
            tool_calls: [
              { id: "call_1", type: "function", function: { name: "get_weather", arguments: '{"city":"Lisbon"}' } },
            ],
          },
          logprobs: null,
          finish_reason: "tool_calls",
        },
      ],
      usage: { prompt_tokens: 58, completion_tokens: 17, total_tokens: 75, ...noDetails },
    }),
    booked: { usage: { input: 58, output: 17 }, reported: true },
  },
  {
    name: "a whole answer with logprobs, each of which repeats a token",
    request: chat("gpt-4.1", { logprobs: true, top_logprobs: 2 }),
    body: JSON.stringify({
      id: "chatcmpl-7Qk2",
      object: "chat.completion",
      created: 1_790_000_000,
      model: "gpt-4.1",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Olá" },
          logprobs: {
            content: [
              { token: "Ol", logprob: -0.1, bytes: [79, 108], top_logprobs: [{ token: "Ol", logprob: -0.1 }] },
              { token: "á", logprob: -0.01, bytes: [195, 161], top_logprobs: [{ token: "á", logprob: -0.01 }] },
            ],
            refusal: null,
          },
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 15, completion_tokens: 3, total_tokens: 18 },
    }),
    booked: { usage: { input: 15, output: 3 }, reported: true },
  },
  {
    name: "a whole answer whose limit went into reasoning alone",
    request: chat(model, { max_completion_tokens: 64 }),
    body: JSON.stringify({
      id: "chatcmpl-7Qk2",
      object: "chat.completion",
      created: 1_790_000_000,
      model,
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "", refusal: null, annotations: [], audio: null },
          finish_reason: "length",
        },
      ],
      usage: {
        prompt_tokens: 15,
        completion_tokens: 64,
        total_tokens: 79,
        completion_tokens_details: { reasoning_tokens: 64 },
      },
      service_tier: null,
    }),
    booked: { usage: { input: 15, output: 64, reasoning: 64 }, reported: true },
  },
  {
    name: "a whole answer that an alias's snapshot gave",
    request: chat("gpt-5"),
    body: completion("gpt-5-2025-08-07", "Olá!", {
      usage: { prompt_tokens: 15, completion_tokens: 4, total_tokens: 19 },
    }),
    booked: { usage: { input: 15, output: 4 }, reported: true, model: "gpt-5-2025-08-07" },
  },
  {
    name: "a whole answer that was served as priority, by the project's default",
    request: chat("gpt-5.4"),
    body: completion("gpt-5.4", "Olá!", {
      service_tier: "priority",
      usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
    }),
    booked: { usage: { input: 100, output: 50 }, reported: true, tier: "priority" },
    source: "https://github.com/BerriAI/litellm/issues/31837",
  },
  {
    name: "a whole answer that was served as flex",
    request: chat("gpt-5.4", { service_tier: "flex" }),
    body: completion("gpt-5.4", "Olá!", {
      service_tier: "flex",
      usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
    }),
    booked: { usage: { input: 100, output: 50 }, reported: true, tier: "flex" },
  },
  {
    name: "a whole answer that asked for priority and was served as default",
    request: chat("gpt-5.4", { service_tier: "priority" }),
    body: completion("gpt-5.4", "Olá!", {
      service_tier: "default",
      usage: { prompt_tokens: 100, completion_tokens: 50, total_tokens: 150 },
    }),
    booked: { usage: { input: 100, output: 50 }, reported: true },
  },
  {
    name: "a stream with its usage in a chunk of its own, and null before it",
    request: chatStream(model),
    events: [
      role(noUsage),
      text("Olá", noUsage),
      text(", Lisboa!", noUsage),
      finish("stop", noUsage),
      usage({ prompt_tokens: 15, completion_tokens: 6, total_tokens: 21, ...noDetails }),
      done,
    ],
    booked: { usage: { input: 15, output: 6 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream that writes to the cache and reads from it",
    request: chatStream("gpt-5.6"),
    events: [
      ...(({ role, text, finish, usage }) => [
        role(noUsage),
        text("Olá!", noUsage),
        finish("stop", noUsage),
        usage({
          prompt_tokens: 3_000,
          completion_tokens: 4,
          total_tokens: 3_004,
          prompt_tokens_details: { cached_tokens: 1_024, cache_write_tokens: 1_500, audio_tokens: 0 },
        }),
      ])(chunksOf("gpt-5.6")),
      done,
    ],
    booked: { usage: { input: 3_000, output: 4, cacheRead: 1_024, cacheWrite: 1_500 }, reported: true },
    finalAt: 3,
  },
  {
    name: "a stream with cached tokens, reasoning and obfuscation",
    request: chatStream(model),
    events: [
      role({ obfuscation: "xN8" }),
      text("Olá", { obfuscation: "qT71sLw" }),
      finish("stop", { obfuscation: "f" }),
      usage(
        {
          prompt_tokens: 2_006,
          completion_tokens: 300,
          total_tokens: 2_306,
          prompt_tokens_details: { cached_tokens: 1_920, audio_tokens: 0 },
          completion_tokens_details: { reasoning_tokens: 256, audio_tokens: 0 },
        },
        { obfuscation: "" },
      ),
      done,
    ],
    booked: { usage: { input: 2_006, output: 300, cacheRead: 1_920, reasoning: 256 }, reported: true },
    finalAt: 3,
  },
  {
    name: "a stream of tool calls",
    request: chatStream(model, { tools: [weather] }),
    events: [
      delta(
        {
          role: "assistant",
          content: null,
          ...call({ id: "call_1", type: "function", function: { name: "get_weather", arguments: "" } }),
        },
        noUsage,
      ),
      delta(call({ function: { arguments: '{"city":' } }), noUsage),
      delta(call({ function: { arguments: '"Lisbon"}' } }), noUsage),
      finish("tool_calls", noUsage),
      usage({ prompt_tokens: 58, completion_tokens: 17, total_tokens: 75, ...noDetails }),
      done,
    ],
    booked: { usage: { input: 58, output: 17 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream of a tool call that reports no usage",
    request: chatStream(model, { tools: [weather] }),
    events: [
      delta({
        role: "assistant",
        content: null,
        ...call({ id: "call_1", type: "function", function: { name: "get_weather", arguments: "" } }),
      }),
      delta(call({ function: { arguments: '{"city":' } })),
      delta(call({ function: { arguments: '"Lisbon"}' } })),
      finish("tool_calls"),
      done,
    ],
    booked: { estimated: true, delivered: 'get_weather{"city":"Lisbon"}' },
  },
  {
    name: "a stream of a refusal",
    request: chatStream(model),
    events: [
      delta({ role: "assistant", content: null, refusal: "" }, noUsage),
      delta({ refusal: "I can't help" }, noUsage),
      delta({ refusal: " with that." }, noUsage),
      finish("stop", noUsage),
      usage({ prompt_tokens: 15, completion_tokens: 8, total_tokens: 23, ...noDetails }),
      done,
    ],
    booked: { usage: { input: 15, output: 8 }, reported: true },
    finalAt: 4,
  },
  {
    name: "a stream of a refusal that is cut off before its usage",
    request: chatStream(model),
    events: [
      delta({ role: "assistant", content: null, refusal: "" }, noUsage),
      delta({ refusal: "I can't help" }, noUsage),
      delta({ refusal: " with that." }, noUsage),
    ],
    booked: { estimated: true, delivered: "I can't help with that." },
  },
  {
    name: "three choices in a stream, one of which ends long before the others",
    request: chatStream(model, { n: 3 }),
    events: [
      ...[0, 1, 2].map((index) => role(noUsage, index)),
      text("Olá!", noUsage, 0),
      finish("stop", noUsage, 0),
      text("Bom dia", noUsage, 1),
      text("Boa tarde", noUsage, 2),
      finish("stop", noUsage, 2),
      text(", Lisboa!", noUsage, 1),
      finish("length", noUsage, 1),
      usage({ prompt_tokens: 15, completion_tokens: 14, total_tokens: 29, ...noDetails }),
      done,
    ],
    booked: { usage: { input: 15, output: 14 }, reported: true },
    finalAt: 10,
  },
  {
    name: "a stream with logprobs that reports no usage",
    request: chatStream("gpt-4.1", { logprobs: true }),
    events: [
      role(),
      chunk([
        {
          index: 0,
          delta: { content: "Olá" },
          logprobs: { content: [{ token: "Olá", logprob: -0.1, bytes: [79, 108, 195, 161], top_logprobs: [] }] },
          finish_reason: null,
        },
      ]),
      finish(),
      done,
    ],
    booked: { estimated: true, delivered: "Olá" },
  },
  {
    name: "a stream that is served as flex, which each chunk says",
    request: chatStream("gpt-5.4", { service_tier: "auto" }),
    events: [
      ...(({ role, text, finish, usage }) => [
        role(),
        text("Olá!"),
        finish(),
        usage({ prompt_tokens: 15, completion_tokens: 4, total_tokens: 19 }),
      ])(chunksOf("gpt-5.4", { service_tier: "flex" })),
      done,
    ],
    booked: { usage: { input: 15, output: 4 }, reported: true, tier: "flex" },
    finalAt: 3,
  },
]);
