/** Anthropic's messages. */
import { messagesAnswers } from "./anthropic-answers.ts";
import { inspectMessage } from "./anthropic-features.ts";
import { contentTokens, deepest, imageTokensOf } from "./content.ts";
import type { Dialect } from "./dialect.ts";
import { builtInTools, framing, textsOf } from "./prompt-tokens.ts";
import { countOf, fieldOf } from "./shape.ts";

export const anthropicMessages: Dialect = {
  name: "anthropic-messages",
  path: "/messages",
  errors: "anthropic",
  writes: true,
  promptTokens: (body, model) => {
    const image = imageTokensOf(model);
    const tokens =
      framing(body["messages"]) +
      contentTokens(body["messages"], image) +
      contentTokens(body["system"], image) +
      textsOf(body, ["tools", "output_config", "output_format", "tool_choice"]) +
      builtInTools(body["tools"]) +
      toolFraming(body["tools"]);
    return tokens * familyFactor(model);
  },
  limitOf: (body) => countOf(body, "max_tokens"),
  withLimit: (body, limit) => ({ ...body, max_tokens: limit }),
  answersIn: () => 1,
  thinkingIn: (body) => countOf(body["thinking"], "budget_tokens") ?? 0,
  cacheWritesIn: (body) => cacheWritesIn(body),
  inspect: inspectMessage,
  answers: messagesAnswers,
};

/** What Anthropic says of tools before the first of them, and around each. */
function toolFraming(tools: unknown): number {
  return Array.isArray(tools) && tools.length > 0 ? 600 + 55 * tools.length : 0;
}

/**
 * Estimates are bounds of OpenAI's tokenizer. Claude's counts more, and since 4.7 more again: by up to 35 %, Anthropic
 * says, and on some English texts by half (docs/estimator.md).
 */
function familyFactor(model: string): number {
  return /^claude-(2|3|(opus|sonnet|haiku)-4(?!-([7-9]|1\d)(-|$))(-|$))/.test(model) ? 1.3 : 1.8;
}

/** Anthropic writes to its cache where a request marks what to keep. */
function cacheWritesIn(value: unknown, depth = deepest): "never" | "short" | "hour" {
  if (typeof value !== "object" || value === null || depth === 0) return "never";
  const mark = fieldOf(value, "cache_control");
  if (fieldOf(mark, "ttl") === "1h") return "hour";
  let found: "never" | "short" = typeof mark === "object" && mark !== null ? "short" : "never";
  for (const item of Object.values(value)) {
    const below = cacheWritesIn(item, depth - 1);
    if (below === "hour") return below;
    if (below === "short") found = below;
  }
  return found;
}
