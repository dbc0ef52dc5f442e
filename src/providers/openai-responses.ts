/** OpenAI's Responses API. */
import { contentTokens, imageTokensOf } from "./content.ts";
import type { Dialect } from "./dialect.ts";
import { responsesAnswers } from "./openai-answers.ts";
import { inspectResponse } from "./openai-features.ts";
import { builtInTools, framing, textsOf } from "./prompt-tokens.ts";
import { countOf } from "./shape.ts";

export const openAiResponses: Dialect = {
  name: "openai-responses",
  path: "/responses",
  errors: "openai",
  writes: true,
  promptTokens: (body, model) =>
    framing(body["input"]) +
    contentTokens(body["input"], imageTokensOf(model)) +
    textsOf(body, ["instructions", "tools", "text", "tool_choice"]) +
    builtInTools(body["tools"]),
  limitOf: (body) => countOf(body, "max_output_tokens"),
  withLimit: (body, limit) => ({ ...body, max_output_tokens: limit }),
  answersIn: () => 1,
  thinkingIn: () => 0,
  cacheWritesIn: () => "short",
  inspect: inspectResponse,
  answers: responsesAnswers,
};
