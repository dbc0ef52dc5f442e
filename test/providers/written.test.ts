/** What an answer wrote, in each provider's events and bodies: where a stated confidence can stand. */
import { describe, expect, it } from "vitest";
import { confidenceAt, nothingWritten, type Written, writtenAfter, writtenIn } from "../../src/providers/confidence.ts";

const after = (...events: readonly unknown[]): Written => events.reduce<Written>(writtenAfter, nothingWritten);
const longest = 256 * 1024;

describe("an event", () => {
  it.each<[string, readonly unknown[], Written]>([
    ["of a response's text", [{ type: "response.output_text.delta", delta: "a" }], { text: "a", tools: [] }],
    [
      "of a response's call",
      [
        { type: "response.output_item.added", item: { type: "function_call" } },
        { type: "response.function_call_arguments.delta", delta: "{" },
        { type: "response.function_call_arguments.delta", delta: "}" },
        { type: "response.output_item.added", item: { type: "function_call" } },
        { type: "response.function_call_arguments.delta", delta: "[" },
      ],
      { text: "", tools: ["{}", "["] },
    ],
    [
      "of a response's item that calls nothing",
      [{ type: "response.output_item.added", item: { type: "message", text: "a" } }],
      { text: "a", tools: [] },
    ],
    [
      "of Anthropic's text",
      [
        { type: "content_block_start", content_block: { type: "text", text: "a" } },
        { type: "content_block_delta", delta: { type: "text_delta", text: "b" } },
      ],
      { text: "ab", tools: [] },
    ],
    [
      "of Anthropic's tools, each apart",
      [
        { type: "content_block_start", content_block: { type: "tool_use" } },
        { type: "content_block_delta", delta: { type: "input_json_delta", partial_json: "1" } },
        { type: "content_block_start", content_block: { type: "tool_use" } },
        { type: "content_block_delta", delta: { type: "input_json_delta", partial_json: "2" } },
      ],
      { text: "", tools: ["1", "2"] },
    ],
    [
      "of a tool that nothing opened",
      [{ type: "response.function_call_arguments.delta", delta: "1" }],
      { text: "", tools: ["1"] },
    ],
    ["of a chat without an index", [{ choices: [{ delta: { content: "a" } }] }], { text: "a", tools: [] }],
    ["of a chat's other answer", [{ choices: [{ index: 1, delta: { content: "a" } }] }], nothingWritten],
    [
      "of a chat's tool",
      [{ choices: [{ delta: { tool_calls: [{ id: "x", function: { arguments: "1" } }] } }] }],
      { text: "", tools: ["1"] },
    ],
    ["of no choice", [{ choices: [] }, { choices: "none" }, { type: "ping" }, 5], nothingWritten],
    ["of what is no text", [{ type: "response.output_text.delta", delta: 5 }], nothingWritten],
    ["that ends a block", [{ type: "content_block_stop", delta: { text: "a" } }], nothingWritten],
  ])("%s", (_, events, written) => expect(after(...events)).toEqual(written));

  it("is not kept beyond what a stated confidence takes", () => {
    const text = (length: number) => ({ type: "response.output_text.delta", delta: "x".repeat(length) });
    expect(after(text(longest)).text).toHaveLength(longest);
    expect(after(text(longest + 1)).text).toHaveLength(0);
    expect(after(text(longest), text(1)).text).toHaveLength(longest);
    const tool = (length: number) => ({ type: "response.function_call_arguments.delta", delta: "x".repeat(length) });
    expect(after(tool(longest)).tools).toEqual(["x".repeat(longest)]);
    expect(after(tool(1), tool(longest)).tools).toEqual(["x"]);
  });

  it("changes nothing of what was written before", () => {
    const before = after({ type: "response.function_call_arguments.delta", delta: "1" });
    writtenAfter(before, { type: "response.function_call_arguments.delta", delta: "2" });
    expect(before.tools).toEqual(["1"]);
    expect(writtenAfter(before, { type: "ping" })).toBe(before);
  });
});

describe("a whole body", () => {
  it.each<[string, unknown, Written]>([
    [
      "of a chat",
      { choices: [{ message: { content: "a" } }, { message: { content: "b" } }] },
      { text: "a", tools: [] },
    ],
    [
      "of a chat in parts",
      { choices: [{ message: { content: [{ text: "a" }, { text: "b" }, { text: 5 }] } }] },
      { text: "ab", tools: [] },
    ],
    [
      "of a chat's tools",
      {
        choices: [
          { message: { tool_calls: [{ function: { arguments: "1" } }, { function: { arguments: "2" } }, {}] } },
        ],
      },
      { text: "", tools: ["1", "2"] },
    ],
    [
      "of a response",
      { output: [{ content: [{ text: "a" }] }, { type: "function_call", arguments: "1" }, { text: "b" }] },
      { text: "ab", tools: ["1"] },
    ],
    [
      "of a message",
      {
        content: [
          { type: "text", text: "a" },
          { type: "tool_use", input: { b: 1 } },
          { input: [1] },
          { input: null },
          { input: 5 },
        ],
      },
      { text: "a", tools: ['{"b":1}'] },
    ],
    ["of empty texts", { content: [{ text: "" }, { arguments: "" }] }, nothingWritten],
    ["of nothing", { choices: "none", output: 5, content: "text" }, nothingWritten],
    ["that is none", undefined, nothingWritten],
  ])("%s", (_, body, written) => expect(writtenIn(body)).toEqual(written));

  it("is not kept whole where it is long", () => {
    expect(writtenIn({ content: [{ text: "x".repeat(longest + 5) }] }).text).toHaveLength(longest);
  });
});

describe("what stands between marks of Markdown", () => {
  const of = (text: string) => confidenceAt("/c", { text, tools: [] }, undefined, () => null);
  it.each([
    ['{"c":0.5}', 0.5],
    ['  {"c":0.5}\n', 0.5],
    ['```\n{"c":0.5}\n```', 0.5],
    ['```json  \n{"c":0.5}```', 0.5],
    ['```yaml\n{"c":0.5}\n```', undefined],
    ['```json\n{"c":0.5}', undefined],
    ['```json\n{"c":0.5}xyz', undefined],
    ['x```json\n{"c":0.5}\n```', undefined],
    ["```", undefined],
    ["", undefined],
  ])("%j says %s", (text, confidence) => expect(of(text)).toBe(confidence));

  it("is followed by its pointer only where there is what it names", () => {
    const at = (path: string, value: unknown) => confidenceAt(path, nothingWritten, value, () => null);
    expect(at("/a/0/b", { a: [{ b: 0.5 }] })).toBe(0.5);
    expect(at("/a/x/b", { a: [{ b: 0.5 }] })).toBeUndefined();
    expect(at("/a/1/b", { a: [{ b: 0.5 }] })).toBeUndefined();
    expect(at("/a/b", { a: 5 })).toBeUndefined();
    expect(at("/a/b", { a: null })).toBeUndefined();
    expect(at("/", { "": 0.5 })).toBe(0.5);
    expect(at("/a~1b/~0c", { "a/b": { "~c": 0.5 } })).toBe(0.5);
  });
});
