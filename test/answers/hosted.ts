/** Other makers of models: chat completions that count reasoning, caches and searches in their own ways. */
import { type RecordedAnswer, recorded } from "./recorded.ts";
import { chat, chatStream, chunksOf, completion, done } from "./wire.ts";

const xai = recorded("openai-chat", "xai", [
  {
    name: "a whole answer that counts reasoning beside the completion",
    request: chat("grok-4"),
    body: completion("grok-4", "Olá!", {
      usage: {
        prompt_tokens: 687,
        completion_tokens: 9,
        total_tokens: 1_011,
        prompt_tokens_details: { text_tokens: 687, audio_tokens: 0, image_tokens: 0, cached_tokens: 680 },
        completion_tokens_details: {
          reasoning_tokens: 315,
          audio_tokens: 0,
          accepted_prediction_tokens: 0,
          rejected_prediction_tokens: 0,
        },
        num_sources_used: 0,
        cost_in_usd_ticks: 5_031_000,
      },
    }),
    booked: { usage: { input: 687, output: 324, cacheRead: 680, reasoning: 315 }, reported: true },
    source: "https://github.com/UKGovernmentBEIS/inspect_ai/issues/5528",
  },
  {
    name: "a stream that counts reasoning beside the completion",
    request: chatStream("grok-4"),
    events: (({ delta, text, finish, usage }) => [
      delta({ role: "assistant", reasoning_content: "Thinking... " }),
      text("Olá!"),
      finish(),
      usage({
        prompt_tokens: 687,
        completion_tokens: 9,
        total_tokens: 1_011,
        prompt_tokens_details: { text_tokens: 687, audio_tokens: 0, image_tokens: 0, cached_tokens: 3 },
        completion_tokens_details: { reasoning_tokens: 315 },
      }),
      done,
    ])(chunksOf("grok-4")),
    booked: { usage: { input: 687, output: 324, cacheRead: 3, reasoning: 315 }, reported: true },
    finalAt: 3,
  },
]);

const mistral = recorded("openai-chat", "mistral", [
  {
    name: "a stream whose usage comes with the finish",
    request: { ...chat("mistral-large-latest"), stream: true },
    events: (({ role, text, chunk }) => [
      role(),
      text("Olá!"),
      chunk([{ index: 0, delta: { content: "" }, finish_reason: "stop" }], {
        usage: { prompt_tokens: 14, total_tokens: 19, completion_tokens: 5 },
      }),
      done,
    ])(chunksOf("mistral-large-latest")),
    booked: { usage: { input: 14, output: 5 }, reported: true },
    finalAt: 2,
  },
  {
    name: "a whole answer whose cached tokens come under three names",
    request: chat("mistral-medium-latest"),
    body: completion("mistral-medium-latest", "Olá!", {
      usage: {
        prompt_tokens: 1_013,
        completion_tokens: 30,
        total_tokens: 1_043,
        prompt_audio_seconds: null,
        num_cached_tokens: 1_008,
        prompt_tokens_details: { cached_tokens: 1_008 },
        prompt_token_details: { cached_tokens: 1_008 },
      },
    }),
    booked: { usage: { input: 1_013, output: 30, cacheRead: 1_008 }, reported: true },
    source: "https://github.com/mistralai/client-ts/issues/240",
  },
  {
    name: "a whole answer whose cached tokens come under num_cached_tokens only",
    request: chat("mistral-medium-latest"),
    body: completion("mistral-medium-latest", "Olá!", {
      usage: { prompt_tokens: 1_013, completion_tokens: 30, total_tokens: 1_043, num_cached_tokens: 1_008 },
    }),
    booked: { usage: { input: 1_013, output: 30, cacheRead: 1_008 }, reported: true },
    source: "https://github.com/vercel/ai/issues/14382",
  },
  {
    name: "a stream whose content is parts, thinking among them, that is cut off",
    request: { ...chat("magistral-medium-latest"), stream: true },
    events: (({ role, delta, text }) => [
      role(),
      delta({ content: [{ type: "thinking", thinking: [{ type: "text", text: "Portuguese." }] }] }),
      text("Olá, "),
    ])(chunksOf("magistral-medium-latest")),
    booked: { estimated: true, delivered: "Portuguese.Olá, " },
  },
]);

const gemini = recorded("openai-chat", "gemini", [
  {
    name: "a whole answer of its OpenAI endpoint that leaves thoughts out of the completion",
    request: chat("gemini-3-pro-preview"),
    body: completion("gemini-3-pro-preview", "Olá!", {
      usage: { prompt_tokens: 5, completion_tokens: 10, total_tokens: 800 },
    }),
    booked: { usage: { input: 5, output: 795 }, reported: true },
    source: "https://github.com/vercel/ai/pull/12425",
  },
  {
    name: "a stream of its OpenAI endpoint with usage in each chunk, and thoughts in the total only",
    request: chatStream("gemini-3-flash"),
    events: (({ delta, text, finish }) => [
      delta(
        { role: "assistant", content: "Ol" },
        { usage: { prompt_tokens: 5, completion_tokens: 1, total_tokens: 60 } },
      ),
      text("á!", { usage: { prompt_tokens: 5, completion_tokens: 3, total_tokens: 62 } }),
      finish("stop", { usage: { prompt_tokens: 5, completion_tokens: 4, total_tokens: 63 } }),
      done,
    ])(chunksOf("gemini-3-flash")),
    booked: { usage: { input: 5, output: 58 }, reported: true },
    finalAt: 2,
  },
  {
    name: "an error of its OpenAI endpoint, as a list",
    request: chat("gemini-3-flash"),
    body: JSON.stringify([{ error: { code: 503, message: "The model is overloaded.", status: "UNAVAILABLE" } }]),
    booked: { free: true },
  },
]);

const cohere = recorded("openai-chat", "cohere", [
  {
    name: "a stream of its compatibility endpoint, whose usage comes with the finish",
    request: chatStream("command-a-03-2025"),
    events: (({ role, text, finish }) => [
      role(),
      text("Olá!"),
      finish("stop", { usage: { prompt_tokens: 11, completion_tokens: 6, total_tokens: 17 } }),
      done,
    ])(chunksOf("command-a-03-2025")),
    booked: { usage: { input: 11, output: 6 }, reported: true },
    finalAt: 2,
  },
]);

const perplexity = recorded("openai-chat", "perplexity", [
  {
    name: "a stream with usage and citations in each chunk, and the text so far beside each delta",
    request: chatStream("sonar"),
    events: (({ chunk }) => {
      const part = (content: string, soFar: string, finish_reason: string | null, completion_tokens: number): string =>
        chunk(
          [
            {
              index: 0,
              delta: { role: "assistant", content },
              message: { role: "assistant", content: soFar },
              finish_reason,
            },
          ],
          {
            usage: {
              prompt_tokens: 9,
              completion_tokens,
              total_tokens: 9 + completion_tokens,
              search_context_size: "low",
            },
            citations: ["https://example.com/lisbon"],
          },
        );
      return [
        part("Olá", "Olá", null, 2),
        part(", Lisboa!", "Olá, Lisboa!", null, 6),
        part("", "Olá, Lisboa!", "stop", 7),
      ];
    })(chunksOf("sonar")),
    booked: { usage: { input: 9, output: 7 }, reported: true },
    finalAt: 2,
  },
  {
    // Its fees are no tokens; of those, reasoning and citations of deep research have prices of their own.
    name: "a whole answer of deep research, whose reasoning and citations stand beside",
    request: chat("sonar-deep-research"),
    body: completion("sonar-deep-research", "Olá!", {
      usage: {
        prompt_tokens: 33,
        completion_tokens: 71,
        total_tokens: 104,
        citation_tokens: 21_028,
        num_search_queries: 18,
        reasoning_tokens: 73_997,
      },
    }),
    booked: { usage: { input: 21_061, output: 74_068, reasoning: 73_997 }, reported: true },
    disputed: true,
  },
]);

export const answers: readonly RecordedAnswer[] = [...xai, ...mistral, ...gemini, ...cohere, ...perplexity];
