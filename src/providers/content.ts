/**
 * Tokens of what a request says, as the provider reads it. An image costs by its size and not by its length, so it is
 * counted flat; but only where the provider reads an image, and only the field that holds it: a prompt that looks like
 * one, anywhere else, is text and is counted as text.
 */
import { estimateTokens } from "./estimate.ts";
import { fieldOf } from "./shape.ts";

/** Levels that are looked into: as many as the gateway takes. */
export const deepest = 64;

/** What images cost at most, as far as it is published; usage corrects it. */
export type ImageTokens = number;

/** By the model: some count an image dearly, some take it in full. */
export function imageTokensOf(model: string): ImageTokens {
  // A picture at high detail: 2,833 tokens and 5,667 for each of up to eight tiles.
  if (model.startsWith("gpt-4o-mini")) return 50_000;
  // Patches of 32 pixels, up to 10,000 of them at original detail.
  if (/^gpt-(5\.[4-9]|[6-9])/.test(model)) return 12_000;
  return 5_000;
}

/** Tokens of messages, of the Responses API's input, or of a system prompt. */
export function contentTokens(value: unknown, image: ImageTokens, depth = deepest): number {
  if (typeof value === "string") return estimateTokens(value);
  if (value === undefined || value === null) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + partTokens(item, image, depth), 0);
  return partTokens(value, image, depth);
}

/** Tokens of a value that is text all through: tools, schemas, arguments. */
export function textTokens(value: unknown, depth = deepest): number {
  if (typeof value === "string") return 1 + estimateTokens(value);
  if (value === undefined) return 0;
  // Numbers are spelled out; null, true and false are a token each.
  if (typeof value === "number") return estimateTokens(String(value));
  if (typeof value !== "object" || value === null) return 1;
  if (depth === 0) return 0;
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + textTokens(item, depth - 1), 1);
  return Object.entries(value).reduce((sum, [key, item]) => sum + estimateTokens(key) + textTokens(item, depth - 1), 1);
}

/** A message, or a part of one: what it holds as media is counted as such, all else as text. */
function partTokens(part: unknown, image: ImageTokens, depth: number): number {
  if (typeof part !== "object" || part === null || Array.isArray(part) || depth === 0) return textTokens(part, depth);
  let sum = 1;
  for (const [key, item] of Object.entries(part)) {
    const media = mediaTokens(part, key, item, image);
    if (media !== undefined) sum += media;
    else if (isContent(key)) sum += estimateTokens(key) + contentTokens(item, image, depth - 1);
    else sum += estimateTokens(key) + textTokens(item, depth - 1);
  }
  return sum;
}

/** Where the parts of a message stand, and the results of tools. */
function isContent(key: string): boolean {
  return key === "content" || key === "output";
}

/** Tokens of a field that holds an image or a document; undefined for any other. */
function mediaTokens(part: object, key: string, value: unknown, image: ImageTokens): number | undefined {
  const type = fieldOf(part, "type");
  switch (key) {
    case "image_url":
      if (type !== "image_url" && type !== "input_image" && type !== "computer_screenshot") return undefined;
      return image + restOf(value, ["url", "detail"]);
    case "source":
      if (type !== "image" && type !== "document") return undefined;
      return sourceTokens(type, value, image);
    case "file":
      return type === "file"
        ? fileTokens(fieldOf(value, "file_data"), image) + restOf(value, ["file_data"])
        : undefined;
    case "file_data":
      return type === "input_file" ? fileTokens(value, image) : undefined;
    default:
      return undefined;
  }
}

function sourceTokens(type: "image" | "document", source: unknown, image: ImageTokens): number {
  const kind = fieldOf(source, "type");
  // A document may hold its text as text, or as parts of its own.
  if (kind === "content") return contentTokens(fieldOf(source, "content"), image, deepest - 1);
  if (kind !== "base64" && kind !== "url") return textTokens(source);
  const rest = restOf(source, ["type", "media_type", "data", "url"]);
  return rest + (type === "image" ? image : fileTokens(fieldOf(source, "data"), image));
}

/** A document costs by its text, of which its length is the only hint, and at least what a page of it costs. */
function fileTokens(data: unknown, image: ImageTokens): number {
  return Math.max(image, typeof data === "string" ? Math.ceil(data.length / 8) : textTokens(data));
}

/** What stands beside the fields that hold media, as text. A string has nothing beside it. */
function restOf(value: unknown, known: readonly string[]): number {
  if (typeof value !== "object" || value === null) return 0;
  return Object.entries(value).reduce(
    (sum, [key, item]) => sum + (known.includes(key) ? 0 : estimateTokens(key) + textTokens(item)),
    0,
  );
}
