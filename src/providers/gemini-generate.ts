/** Gemini's own API: `generateContent`, whole and streamed. The model and whether it streams stand in the path. */
import { textTokens } from "./content.ts";
import type { Body, Dialect } from "./dialect.ts";
import { documentTokens } from "./document.ts";
import { geminiAnswers } from "./gemini-answers.ts";
import { inspectGemini } from "./gemini-features.ts";
import { framing, textsOf } from "./prompt-tokens.ts";
import { countOf, fieldOf } from "./shape.ts";

/** Estimates are bounds of OpenAI's tokenizer; Google publishes none for these models. */
const familyFactor = 1.3;
/** Pictures are cut into tiles of 258 tokens; the newest models take up to 2,240 for one at high resolution. */
const pictureTokens = 5_000;

/** The API takes its names in both spellings. */
const textFields =
  "systemInstruction system_instruction tools toolConfig tool_config generationConfig generation_config".split(" ");

export const geminiGenerate: Dialect = {
  name: "gemini-generate",
  // Of generateContent and of streamGenerateContent.
  path: "enerateContent",
  errors: "gemini",
  writes: true,
  promptTokens: (body) => {
    const tokens = framing(body["contents"]) + contentsTokens(body["contents"]) + textsOf(body, textFields);
    return tokens * familyFactor;
  },
  limitOf: (body) => countOf(configOf(body), "maxOutputTokens") ?? countOf(configOf(body), "max_output_tokens"),
  withLimit: (body, limit) => {
    // What came from the path goes back into the path.
    const { model: _, stream: __, generation_config: ___, ...rest } = body;
    const { max_output_tokens: ____, ...config } = configOf(body) as Body;
    return { ...rest, generationConfig: { ...config, maxOutputTokens: limit } };
  },
  answersIn: (body) =>
    Math.max(1, countOf(configOf(body), "candidateCount") ?? countOf(configOf(body), "candidate_count") ?? 1),
  thinkingIn: (body) => {
    const thinking = fieldOf(configOf(body), "thinkingConfig") ?? fieldOf(configOf(body), "thinking_config");
    return countOf(thinking, "thinkingBudget") ?? countOf(thinking, "thinking_budget") ?? 0;
  },
  cacheWritesIn: () => "never",
  inspect: inspectGemini,
  answers: geminiAnswers,
};

function configOf(body: Body): object {
  const config = body["generationConfig"] ?? body["generation_config"];
  return typeof config === "object" && config !== null ? config : {};
}

function contentsTokens(contents: unknown): number {
  if (!Array.isArray(contents)) return textTokens(contents);
  return contents.reduce<number>((sum, content) => {
    const parts = fieldOf(content, "parts");
    if (!Array.isArray(parts)) return sum + textTokens(content);
    return parts.reduce<number>((all, part) => all + partTokens(part), sum + 4);
  }, 0);
}

function partTokens(part: unknown): number {
  const inline = fieldOf(part, "inlineData") ?? fieldOf(part, "inline_data");
  if (inline === undefined) return textTokens(part);
  const { data, ...rest } = inline as Body;
  const type = String(rest["mimeType"] ?? rest["mime_type"]);
  if (typeof data !== "string") return textTokens(part);
  return textTokens(rest) + (type.startsWith("image/") ? pictureTokens : documentTokens(data, pictureTokens));
}
