/**
 * The confidence that an answer states itself, where its agent's contract says to look: a JSON pointer (RFC 6901) into
 * what the model wrote, if that is JSON, into the arguments of the tool that it calls, or into the response; or, for
 * a path without a slash, a header of the response. Anything but a number in [0, 1] is no confidence.
 */
import { fieldOf, jsonIn } from "./shape.ts";

/** What an answer wrote: its text, and the arguments of tools that it calls, each as text. */
export type Written = { readonly text: string; readonly tools: readonly string[] };

export const nothingWritten: Written = { text: "", tools: [] };

/** A stated confidence stands in a short answer; of a longer one no more than this is kept. */
const longest = 256 * 1024;

/** What was written after one more event of a stream. Of several answers to one request, the first counts. */
export function writtenAfter(written: Written, event: unknown): Written {
  const { text, tool, opensTool } = deltaOf(event);
  if (text === "" && tool === "" && !opensTool) return written;
  if (written.text.length + text.length > longest) return written;
  const tools = opensTool || (tool !== "" && written.tools.length === 0) ? [...written.tools, ""] : [...written.tools];
  const last = tools.pop();
  if (last !== undefined) tools.push(last.length + tool.length > longest ? last : last + tool);
  return { text: written.text + text, tools };
}

/** What a whole response wrote. */
export function writtenIn(body: unknown): Written {
  const message = fieldOf(firstOf(fieldOf(body, "choices")), "message");
  const parts = [message, ...listOf(fieldOf(body, "output")), ...listOf(fieldOf(body, "content"))];
  const texts = parts.flatMap((part) => [fieldOf(part, "text"), ...textsOf(fieldOf(part, "content"))]);
  const tools = parts.flatMap((part) => [
    fieldOf(part, "arguments"),
    jsonOf(fieldOf(part, "input")),
    ...listOf(fieldOf(part, "tool_calls")).map((call) => fieldOf(fieldOf(call, "function"), "arguments")),
  ]);
  return { text: texts.filter(isText).join("").slice(0, longest), tools: tools.filter(isText) };
}

/** The confidence at `path`, or undefined. `header` reads a header of the response; `body` is its JSON, if it is whole. */
export function confidenceAt(
  path: string,
  { text, tools }: Written,
  body: unknown,
  header: (name: string) => string | null,
): number | undefined {
  if (!path.startsWith("/")) {
    const value = header(path);
    return value === null || value.trim() === "" ? undefined : confidence(Number(value));
  }
  for (const value of [jsonIn(unfenced(text)), ...tools.map(jsonIn), body]) {
    const found = confidence(at(value, path));
    if (found !== undefined) return found;
  }
  return undefined;
}

function confidence(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= 1 ? value : undefined;
}

function at(value: unknown, pointer: string): unknown {
  let found = value;
  for (const token of pointer.slice(1).split("/")) {
    const name = token.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    // All else that a list has of its own are its elements.
    if (Array.isArray(found) && name === "length") return undefined;
    found = fieldOf(found, name);
  }
  return found;
}

/** Models like to put their JSON between marks of Markdown. No pattern: one would take long over a hostile answer. */
function unfenced(text: string): string {
  const trimmed = text.trim();
  const firstLine = trimmed.slice(0, trimmed.indexOf("\n")).trimEnd();
  const isFenced = (firstLine === "```" || firstLine === "```json") && trimmed.endsWith("```");
  return isFenced ? trimmed.slice(trimmed.indexOf("\n"), -3) : trimmed;
}

type Delta = { readonly text: string; readonly tool: string; readonly opensTool: boolean };

function deltaOf(event: unknown): Delta {
  const type = fieldOf(event, "type");
  const delta = fieldOf(event, "delta");
  if (type === "response.output_text.delta") return { text: textOr(delta), tool: "", opensTool: false };
  if (type === "response.function_call_arguments.delta") return { text: "", tool: textOr(delta), opensTool: false };
  const isCall = (block: unknown): boolean => ["tool_use", "function_call"].includes(String(fieldOf(block, "type")));
  const opened = fieldOf(event, "content_block") ?? fieldOf(event, "item");
  if (type === "content_block_start" || type === "response.output_item.added") {
    return { text: textOr(fieldOf(opened, "text")), tool: "", opensTool: isCall(opened) };
  }
  if (type === "content_block_delta") {
    return { text: textOr(fieldOf(delta, "text")), tool: textOr(fieldOf(delta, "partial_json")), opensTool: false };
  }
  const choice = firstOf(fieldOf(event, "choices"));
  if ((fieldOf(choice, "index") ?? 0) !== 0) return { text: "", tool: "", opensTool: false };
  const part = fieldOf(choice, "delta");
  const call = firstOf(fieldOf(part, "tool_calls"));
  return {
    text: textOr(fieldOf(part, "content")),
    tool: textOr(fieldOf(fieldOf(call, "function"), "arguments")),
    opensTool: typeof fieldOf(call, "id") === "string",
  };
}

function textsOf(content: unknown): unknown[] {
  return typeof content === "string" ? [content] : listOf(content).map((part) => fieldOf(part, "text"));
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function firstOf(value: unknown): unknown {
  return listOf(value)[0];
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function textOr(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function jsonOf(value: unknown): string | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? JSON.stringify(value) : undefined;
}
