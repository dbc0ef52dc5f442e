/**
 * A request to a model, as the providers take it: what it may use at most, and how its output is limited. Told by
 * its path, because that is what says how the body is read.
 */
import { contentTokens, deepest, imageTokensOf, textTokens } from "./content.ts";
import { estimateTokens } from "./estimate.ts";
import { countOf, fieldOf } from "./shape.ts";

export type Dialect = "openai-chat" | "openai-responses" | "openai-embeddings" | "anthropic-messages";

export type ModelRequest = {
  readonly dialect: Dialect;
  readonly body: Readonly<Record<string, unknown>>;
  readonly isStreaming: boolean;
  /** The model's name; "" if the request has none. */
  readonly model: string;
  /** Estimated tokens of what goes in. */
  readonly prompt: number;
  /** The limit on the output that the caller set; undefined if none. */
  readonly limit: number | undefined;
  /** How many answers are asked for, each with that limit. */
  readonly answers: number;
  /** Tokens of each answer's limit that are for thinking: with no more than these there is no answer. */
  readonly thinking: number;
  /** Whether the provider may write what goes in to its cache, which may cost more than reading it plainly. */
  readonly cacheWrites: "never" | "short" | "hour";
};

/** Output allowed for where a request names no limit; it is sent along as the limit. */
export const outputDefault = 4_096;
/** The least output that a call is worth making for, when less than asked is left. OpenAI takes no lower limit. */
export const outputLeast = 16;

/** The dialect of an address, or undefined for one that calls no model. */
export function dialectOf(pathname: string): Dialect | undefined {
  if (pathname.endsWith("/chat/completions")) return "openai-chat";
  if (pathname.endsWith("/responses")) return "openai-responses";
  if (pathname.endsWith("/embeddings")) return "openai-embeddings";
  return pathname.endsWith("/messages") ? "anthropic-messages" : undefined;
}

/** Reads a request; undefined if its body is not an object. */
export function readRequest(dialect: Dialect, body: unknown): ModelRequest | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  const model = fieldOf(body, "model");
  const name = typeof model === "string" ? model : "";
  return {
    dialect,
    body: body as Record<string, unknown>,
    isStreaming: fieldOf(body, "stream") === true,
    model: name,
    prompt: Math.ceil(promptTokens(dialect, body, name) * familyFactor(dialect, name)),
    limit: limitOf(dialect, body),
    answers: dialect === "openai-chat" ? Math.max(1, countOf(body, "n") ?? 1) : 1,
    thinking: countOf(fieldOf(body, "thinking"), "budget_tokens") ?? 0,
    cacheWrites: dialect === "anthropic-messages" ? cacheWritesIn(body) : "short",
  };
}

/** Estimates are fitted to OpenAI's tokenizer; Claude's counts more, and since 4.7 more again (Anthropic: by 30 %). */
function familyFactor(dialect: Dialect, model: string): number {
  if (dialect !== "anthropic-messages") return 1;
  return /^claude-(2|3|(opus|sonnet|haiku)-4(?!-([7-9]|1\d)(-|$))(-|$))/.test(model) ? 1.15 : 1.5;
}

/** Anthropic writes to its cache where a request marks what to keep. OpenAI decides by itself. */
function cacheWritesIn(value: unknown, depth = deepest): ModelRequest["cacheWrites"] {
  if (typeof value !== "object" || value === null || depth === 0) return "never";
  const mark = fieldOf(value, "cache_control");
  if (fieldOf(mark, "ttl") === "1h") return "hour";
  let found: ModelRequest["cacheWrites"] = typeof mark === "object" && mark !== null ? "short" : "never";
  for (const item of Object.values(value)) {
    const below = cacheWritesIn(item, depth - 1);
    if (below === "hour") return below;
    if (below === "short") found = below;
  }
  return found;
}

/** The least that the limit of an answer may be lowered to. */
export function leastLimit({ thinking }: ModelRequest): number {
  return thinking + outputLeast;
}

/** What the request may use at most, with `otherwise` for the limit where the caller set none. */
export function upperBound(request: ModelRequest, otherwise: number): number {
  return boundAt(request, request.limit ?? otherwise);
}

/** What the request may use at most, if each answer has at most `limit` tokens. */
export function boundAt({ dialect, prompt, answers }: ModelRequest, limit: number): number {
  return dialect === "openai-embeddings" ? prompt : prompt + answers * limit;
}

/** The body to send: its output limited to `limit` tokens an answer, and its usage reported when it streams. */
export function withLimit({ dialect, body, isStreaming }: ModelRequest, limit: number): Record<string, unknown> {
  switch (dialect) {
    case "openai-chat": {
      // `max_tokens` is what older models and most compatible servers know; whichever the caller used stays.
      const { max_tokens: _, ...rest } = body;
      const old = countOf(body, "max_tokens") === undefined ? {} : { max_tokens: limit };
      const isNew = "max_completion_tokens" in body || !("max_tokens" in old);
      const options = isStreaming ? { stream_options: { ...optionsOf(body), include_usage: true } } : {};
      return { ...rest, ...old, ...(isNew ? { max_completion_tokens: limit } : {}), ...options };
    }
    case "openai-responses":
      return { ...body, max_output_tokens: limit };
    case "anthropic-messages":
      return { ...body, max_tokens: limit };
    case "openai-embeddings":
      return { ...body };
  }
}

/** Whether the caller asked for the usage chunk that a chat stream ends with, and so must see it. */
export function wantsUsageChunk({ body }: ModelRequest): boolean {
  return fieldOf(fieldOf(body, "stream_options"), "include_usage") === true;
}

/** The chunk that carries nothing but usage. */
export function isUsageChunk(event: unknown): boolean {
  const choices = fieldOf(event, "choices");
  const usage = fieldOf(event, "usage");
  return Array.isArray(choices) && choices.length === 0 && typeof usage === "object" && usage !== null;
}

function optionsOf(body: object): object {
  const options = fieldOf(body, "stream_options");
  return typeof options === "object" && options !== null ? options : {};
}

function limitOf(dialect: Dialect, body: object): number | undefined {
  switch (dialect) {
    case "openai-chat":
      return countOf(body, "max_completion_tokens") ?? countOf(body, "max_tokens");
    case "openai-responses":
      return countOf(body, "max_output_tokens");
    case "anthropic-messages":
      return countOf(body, "max_tokens");
    case "openai-embeddings":
      return undefined;
  }
}

/** Everything that is billed as input: messages, system text, tools, schemas. A few tokens frame each message. */
function promptTokens(dialect: Dialect, body: object, model: string): number {
  const { said, told } = inputFields[dialect];
  const messages = fieldOf(body, "messages") ?? fieldOf(body, "input");
  const framing = Array.isArray(messages) ? 4 * messages.length + 3 : 3;
  const image = imageTokensOf(model);
  return (
    said.reduce((sum, name) => sum + contentTokens(fieldOf(body, name), image), framing) +
    told.reduce((sum, name) => sum + textTokens(fieldOf(body, name)), 0) +
    builtInTools(body) * builtInTokens
  );
}

/** What the provider adds to the prompt for a tool of its own making that the caller runs: some hundred tokens. */
const builtInTokens = 1_000;

function builtInTools(body: object): number {
  const tools = fieldOf(body, "tools");
  const isBuiltIn = (tool: unknown): boolean => !["function", "custom", "namespace", undefined].includes(typeOf(tool));
  return Array.isArray(tools) ? tools.filter(isBuiltIn).length : 0;
}

function typeOf(value: unknown): string | undefined {
  const type = fieldOf(value, "type");
  return typeof type === "string" ? type : undefined;
}

/** Where images may stand, and what is text and nothing else. */
const inputFields = {
  "openai-chat": {
    said: ["messages"],
    told: ["tools", "functions", "response_format", "tool_choice", "function_call"],
  },
  "openai-responses": { said: ["input"], told: ["instructions", "tools", "text", "tool_choice"] },
  // Texts, or tokens by their numbers: a number is at most as many tokens as it is spelled with.
  "openai-embeddings": { said: [], told: ["input"] },
  "anthropic-messages": {
    said: ["messages", "system"],
    told: ["tools", "output_config", "output_format", "tool_choice"],
  },
} as const;

/**
 * Tokens of all text in the arguments of a call, whatever they are; of images sent inline a flat amount, because what
 * they cost has nothing to do with their length. Deeper than any honest request is not looked into.
 */
export function tokensIn(value: unknown, depth = deepest): number {
  if (typeof value === "string") {
    const [, type] = /^data:([\w.+-]+\/[\w.+-]+);base64,/.exec(value) ?? [];
    return type === undefined ? estimateTokens(value) : fileTokensOf(type, value.length);
  }
  if (typeof value !== "object" || value === null) return value === undefined || value === null ? 0 : 1;
  if (depth === 0) return 0;
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return fileTokens;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + tokensIn(item, depth - 1), 0);
  const data = fieldOf(value, "data");
  if (fieldOf(value, "type") === "base64" && typeof data === "string") {
    return fileTokensOf(String(fieldOf(value, "media_type")), data.length);
  }
  return Object.entries(value).reduce((sum, [key, item]) => sum + estimateTokens(key) + tokensIn(item, depth - 1), 1);
}

/** More than the largest tile counts of most models; usage corrects it. */
const fileTokens = 3_000;

/** An image costs by its tiles. A document costs by its text, of which its length is the only hint. */
function fileTokensOf(type: string, length: number): number {
  return type.startsWith("image/") ? fileTokens : Math.max(fileTokens, Math.ceil(length / 8));
}
