/** What the prompts of all dialects have in common. */
import { deepest, textTokens } from "./content.ts";
import { estimateTokens } from "./estimate.ts";
import { fieldOf } from "./shape.ts";

/** A few tokens frame each message. */
export function framing(messages: unknown): number {
  return Array.isArray(messages) ? 4 * messages.length + 3 : 3;
}

/** Tokens of fields that are text and nothing else. */
export function textsOf(body: Readonly<Record<string, unknown>>, names: readonly string[]): number {
  return names.reduce((sum, name) => sum + textTokens(body[name]), 0);
}

/** What the provider adds to the prompt for a tool of its own making that the caller runs: some hundred tokens. */
const builtInTokens = 1_000;

export function builtInTools(tools: unknown): number {
  if (!Array.isArray(tools)) return 0;
  const own = new Set(["function", "custom", "namespace", undefined]);
  return builtInTokens * tools.filter((tool) => !own.has(typeOf(tool))).length;
}

function typeOf(value: unknown): string | undefined {
  const type = fieldOf(value, "type");
  return typeof type === "string" ? type : undefined;
}

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
