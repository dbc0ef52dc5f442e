/** OpenAI's embeddings: input, and no output. */
import type { Dialect } from "./dialect.ts";
import { embeddingAnswers } from "./openai-answers.ts";
import { inspectEmbedding } from "./openai-features.ts";
import { framing, textsOf } from "./prompt-tokens.ts";

export const openAiEmbeddings: Dialect = {
  name: "openai-embeddings",
  path: "/embeddings",
  errors: "openai",
  writes: false,
  // Texts, or tokens by their numbers: a number is at most as many tokens as it is spelled with.
  promptTokens: (body) => framing(body["input"]) + textsOf(body, ["input"]),
  limitOf: () => undefined,
  withLimit: (body) => ({ ...body }),
  answersIn: () => 1,
  thinkingIn: () => 0,
  cacheWritesIn: () => "short",
  inspect: inspectEmbedding,
  answers: embeddingAnswers,
};
