/** OpenAI's chat completions, which most compatible servers speak. */
import { contentTokens, imageTokensOf } from "./content.ts";
import type { Body, Dialect } from "./dialect.ts";
import { chatAnswers } from "./openai-answers.ts";
import { inspectChat } from "./openai-features.ts";
import { builtInTools, framing, textsOf } from "./prompt-tokens.ts";
import { countOf, fieldOf } from "./shape.ts";

export const openAiChat: Dialect = {
  name: "openai-chat",
  path: "/chat/completions",
  errors: "openai",
  writes: true,
  promptTokens: (body, model) =>
    framing(body["messages"]) +
    contentTokens(body["messages"], imageTokensOf(model)) +
    textsOf(body, ["tools", "functions", "response_format", "tool_choice", "function_call"]) +
    builtInTools(body["tools"]),
  limitOf: (body) => countOf(body, "max_completion_tokens") ?? countOf(body, "max_tokens"),
  withLimit: (body, limit) => {
    // `max_tokens` is what older models and most compatible servers know; whichever the caller used stays.
    const { max_tokens: _, ...rest } = body;
    const old = countOf(body, "max_tokens") === undefined ? {} : { max_tokens: limit };
    const isNew = "max_completion_tokens" in body || !("max_tokens" in old);
    const options =
      body["stream"] === true ? { stream_options: { ...streamOptions(body), include_usage: true } } : undefined;
    return { ...rest, ...old, ...(isNew ? { max_completion_tokens: limit } : undefined), ...options };
  },
  answersIn: (body) => Math.max(1, countOf(body, "n") ?? 1),
  thinkingIn: () => 0,
  cacheWritesIn: () => "short",
  inspect: inspectChat,
  answers: chatAnswers,
  withoutUsage: (body) => (fieldOf(streamOptions(body), "include_usage") === true ? undefined : hideUsage),
};

function streamOptions(body: Body): object {
  const options = body["stream_options"];
  return typeof options === "object" && options !== null ? options : {};
}

/** Fields of a chunk that carry nothing for the caller once its usage is taken out. */
const frame = new Set([
  "id",
  "object",
  "created",
  "model",
  "choices",
  "usage",
  "system_fingerprint",
  "service_tier",
  "obfuscation",
  "provider",
]);

/** The chunk that carries nothing but usage is left out whole; of one that carries more, only its usage. */
function hideUsage(event: unknown, text: string): string {
  const usage = fieldOf(event, "usage");
  if (usage === undefined) return text;
  // With usage asked for, every chunk has a `usage`, null until the last. In a string its quotes would be escaped.
  if (usage === null) return text.replace(/,\s*"usage"\s*:\s*null/, "");
  const choices = fieldOf(event, "choices");
  if (!Array.isArray(choices) || choices.length > 0) return text;
  const { usage: _, ...rest } = event as Body;
  if (Object.keys(rest).every((name) => frame.has(name))) return "";
  const others = text.split(/\r\n|\r|\n/).filter((line) => line !== "" && !line.startsWith("data"));
  return [...others, `data: ${JSON.stringify(rest)}`, "", ""].join("\n");
}
