/** Embeddings as OpenAI documents them, and as others answer: all of a total is input. */
import { type RecordedAnswer, recorded, type Written } from "./recorded.ts";
import type { Fields } from "./wire.ts";

const model = "text-embedding-3-small";
const body = (usage: unknown, more: Fields = {}): string =>
  JSON.stringify({
    object: "list",
    data: [{ object: "embedding", index: 0, embedding: [0.0023064255, -0.009327292, -0.0028842222] }],
    model,
    usage,
    ...more,
  });
const whole = (name: string, usage: unknown, booked: Written["booked"], more: Partial<Written> = {}): Written => ({
  name,
  request: { model, input: "Bom dia, Lisboa!" },
  body: body(usage),
  booked,
  ...more,
});
const input = (tokens: number): Written["booked"] => ({ usage: { input: tokens, output: 0 }, reported: true });
const estimated = { estimated: true, delivered: "" } as const;

const openai: readonly Written[] = [
  whole("a whole answer", { prompt_tokens: 8, total_tokens: 8 }, input(8)),
  whole("a whole answer as base64", { prompt_tokens: 8, total_tokens: 8 }, input(8), {
    request: { model, input: "Bom dia, Lisboa!", encoding_format: "base64" },
    body: body(
      { prompt_tokens: 8, total_tokens: 8 },
      { data: [{ object: "embedding", index: 0, embedding: "ZnQWu1fPGLyEEDy7" }] },
    ),
  }),
  whole("many inputs of fewer dimensions", { prompt_tokens: 24, total_tokens: 24 }, input(24), {
    request: { model, input: ["Bom dia", "Boa tarde", "Boa noite"], dimensions: 2 },
    body: body(
      { prompt_tokens: 24, total_tokens: 24 },
      { data: [0, 1, 2].map((index) => ({ object: "embedding", index, embedding: [0.6, -0.8] })) },
    ),
  }),
  whole("an input of tokens", { prompt_tokens: 4, total_tokens: 4 }, input(4), {
    request: {
      model,
      input: [
        [15_339, 1_917],
        [220, 99],
      ],
    },
  }),
  {
    name: "an error as a whole answer",
    request: { model, input: "Bom dia, Lisboa!" },
    body: JSON.stringify({ error: { message: "The server is overloaded.", type: "server_error", code: null } }),
    booked: { free: true },
  },
];

const compatible: readonly Written[] = [
  whole("only a total, which is input", { total_tokens: 8 }, input(8)),
  whole("a total that exceeds the prompt", { prompt_tokens: 5, total_tokens: 8 }, input(8)),
  whole("a prompt without a total", { prompt_tokens: 8 }, input(8)),
  whole(
    "a completion of zero",
    { prompt_tokens: 8, completion_tokens: 0, total_tokens: 8, prompt_tokens_details: null },
    input(8),
  ),
  whole("counts as strings", { prompt_tokens: "8", total_tokens: "8" }, input(8)),
  whole("no usage", undefined, estimated),
  whole("a usage of null", null, estimated),
  whole("a usage of zero, reported explicitly", { prompt_tokens: 0, total_tokens: 0 }, input(0)),
  {
    name: "an empty body",
    request: { model, input: "Bom dia, Lisboa!" },
    body: "",
    booked: { free: true },
  },
];

export const answers: readonly RecordedAnswer[] = [
  ...recorded("openai-embeddings", "openai", openai),
  ...recorded("openai-embeddings", "compatible", compatible),
  ...recorded("openai-embeddings", "voyage", [
    whole("only a total", { total_tokens: 10 }, input(10), {
      request: { model: "voyage-3.5", input: ["Bom dia, Lisboa!"] },
      body: body({ total_tokens: 10 }, { model: "voyage-3.5" }),
    }),
  ]),
  ...recorded("openai-embeddings", "jina", [
    whole("a total before the prompt", { total_tokens: 10, prompt_tokens: 10 }, input(10), {
      request: { model: "jina-embeddings-v4", input: ["Bom dia, Lisboa!"] },
      body: body({ total_tokens: 10, prompt_tokens: 10 }, { model: "jina-embeddings-v4" }),
    }),
  ]),
  ...recorded("openai-embeddings", "mistral", [
    whole("details of the prompt and a count of requests", { prompt_tokens: 8 }, input(8), {
      request: { model: "mistral-embed", input: ["Bom dia, Lisboa!"] },
      body: body(
        { prompt_tokens: 8, total_tokens: 8, completion_tokens: 0, prompt_audio_seconds: null, request_count: 1 },
        { model: "mistral-embed" },
      ),
    }),
  ]),
  ...recorded("openai-embeddings", "gemini", [
    whole("no usage", undefined, estimated, {
      request: { model: "gemini-embedding-001", input: "Bom dia, Lisboa!" },
      body: JSON.stringify({
        object: "list",
        data: [{ object: "embedding", index: 0, embedding: [-0.02, 0.01] }],
        model: "gemini-embedding-001",
      }),
    }),
  ]),
  ...recorded("openai-embeddings", "ollama", [
    whole("a whole answer", { prompt_tokens: 9, total_tokens: 9 }, input(9), {
      request: { model: "nomic-embed-text", input: "Bom dia, Lisboa!" },
      body: body({ prompt_tokens: 9, total_tokens: 9 }, { model: "nomic-embed-text" }),
    }),
  ]),
  ...recorded("openai-embeddings", "openrouter", [
    whole("costs among its usage", { prompt_tokens: 8 }, input(8), {
      request: { model: "openai/text-embedding-3-small", input: "Bom dia, Lisboa!" },
      body: body(
        { prompt_tokens: 8, total_tokens: 8, cost: 1.6e-7 },
        { model: "openai/text-embedding-3-small", provider: "OpenAI", id: "gen-emb-1" },
      ),
    }),
  ]),
  ...recorded("openai-embeddings", "azure", [
    whole("another model than the deployment's name", { prompt_tokens: 8, total_tokens: 8 }, input(8), {
      request: { model: "our-embeddings", input: "Bom dia, Lisboa!" },
      booked: { usage: { input: 8, output: 0 }, reported: true, model },
    }),
  ]),
];
