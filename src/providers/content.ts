/**
 * Tokens of what a request says, as the provider reads it. An image costs by its size and not by its length, so it is
 * counted flat; but only where the provider reads an image, and only the field that holds it: a prompt that looks like
 * one, anywhere else, is text and is counted as text.
 */
import { documentTokens } from "./document.ts";
import { type Count, estimateTokens } from "./estimate.ts";
import { fieldOf } from "./shape.ts";

/** Levels that are looked into: as many as the gateway takes. */
export const deepest = 64;

/** What images cost at most, as far as it is published; usage corrects it. */
export type ImageTokens = number;

/**
 * By the model, wherever its name stands in `model`: fine-tuned (`ft:gpt-4o-mini-2024-07-18:org::id`), of a provider
 * (`openai/gpt-4o-mini`), dated, or as a deployment was called after it. Some count an image dearly, some take it in full.
 */
export function imageTokensOf(model: string): ImageTokens {
  // A picture at high detail: 2,833 tokens and 5,667 for each of up to eight tiles.
  if (/gpt[-_]?4o[-_]?mini/i.test(model)) return 50_000;
  // Patches of 32 pixels, up to 10,000 of them at original detail.
  if (/gpt[-_]?(5\.([4-9]|\d\d)|[6-9]|[12]\d)/i.test(model)) return 12_000;
  return 5_000;
}

/** Tokens of messages, of the Responses API's input, or of a system prompt. */
export function contentTokens(
  value: unknown,
  image: ImageTokens,
  depth = deepest,
  count: Count = estimateTokens,
): number {
  if (typeof value === "string") return count(value);
  if (value === undefined || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + partTokens(item, image, depth, count), 0);
  return partTokens(value, image, depth, count);
}

/** Tokens of a value that is text all through (tools, schemas, arguments): as JSON, than which no provider is wordier. */
export function textTokens(value: unknown, count: Count = estimateTokens): number {
  if (value === undefined) return 0;
  return 1 + count(typeof value === "string" ? value : JSON.stringify(value));
}

function partTokens(part: unknown, image: ImageTokens, depth: number, count: Count): number {
  if (typeof part !== "object" || part === null || Array.isArray(part) || depth === 0) return textTokens(part, count);
  let sum = 1;
  for (const [key, item] of Object.entries(part)) {
    const media = mediaTokens(part, key, item, image, count);
    if (media !== undefined) sum += media;
    else if (isContent(key)) sum += count(key) + contentTokens(item, image, depth - 1, count);
    else sum += count(key) + textTokens(item, count);
  }
  return sum;
}

/** Where the parts of a message stand, and the results of tools. */
function isContent(key: string): boolean {
  return key === "content" || key === "output";
}

/** Tokens of a field that holds an image or a document; undefined for any other. */
function mediaTokens(part: object, key: string, value: unknown, image: ImageTokens, count: Count): number | undefined {
  const type = fieldOf(part, "type");
  switch (key) {
    case "image_url":
      if (type !== "image_url" && type !== "input_image" && type !== "computer_screenshot") return undefined;
      return image + restOf(value, ["url", "detail"], count);
    case "source":
      if (type !== "image" && type !== "document") return undefined;
      return sourceTokens(type, value, image, count);
    case "file":
      return type === "file"
        ? fileTokens(fieldOf(value, "file_data"), image, count) + restOf(value, ["file_data"], count)
        : undefined;
    case "file_data":
      return type === "input_file" ? fileTokens(value, image, count) : undefined;
    default:
      return undefined;
  }
}

function sourceTokens(type: "image" | "document", source: unknown, image: ImageTokens, count: Count): number {
  const kind = fieldOf(source, "type");
  // A document may hold its text as text, or as parts of its own.
  if (kind === "content") return contentTokens(fieldOf(source, "content"), image, deepest - 1, count);
  if (kind === "text") return textTokens(fieldOf(source, "data"), count) + restOf(source, ["data"], count);
  if (kind !== "base64" && kind !== "url") return textTokens(source, count);
  const rest = restOf(source, ["type", "media_type", "data", "url"], count);
  return rest + (type === "image" ? image : fileTokens(fieldOf(source, "data"), image, count));
}

/** Tokens of a document that is sent inline; what holds none is text. */
function fileTokens(data: unknown, image: ImageTokens, count: Count): number {
  return typeof data === "string" ? documentTokens(data, image, count) : Math.max(image, textTokens(data, count));
}

/** What stands beside the fields that hold media, as text. A string has nothing beside it. */
function restOf(value: unknown, known: readonly string[], count: Count): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, item]) => sum + (known.includes(key) ? 0 : count(key) + textTokens(item, count)),
    0,
  );
}
