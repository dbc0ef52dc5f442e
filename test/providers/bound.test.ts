/**
 * The bound of a request: nothing that is billed may stay uncounted because it looks like something else. The counts
 * beside the hostile texts are those of o200k_base.
 */
import { describe, expect, it } from "vitest";
import type { DialectName } from "../../src/providers/dialect.ts";
import { estimateTokens } from "../../src/providers/estimate.ts";
import { dialectNamed, requestIn } from "../support/requests.ts";

const promptOf = (dialect: DialectName, body: object): number => requestIn(dialect, { model: "m", ...body }).prompt;
const chat = (content: unknown, more: object = {}): number =>
  promptOf("openai-chat", { messages: [{ role: "user", content }], ...more });
const message = (content: unknown, more: object = {}): number =>
  promptOf("anthropic-messages", { messages: [{ role: "user", content }], ...more });

const long = "word ".repeat(8_000);
/** What 8,000 words are at least, which is more than a picture. */
const many = 7_200;

describe("text that looks like a picture", () => {
  const disguised = `data:image/png;base64,${long}`;
  it.each([
    ["in a message", () => chat(disguised)],
    ["in a part of text", () => chat([{ type: "text", text: disguised }])],
    [
      "in a field of an image that holds none",
      () => chat([{ type: "image_url", image_url: { url: "x", caption: long } }]),
    ],
    ["beside an image", () => chat([{ type: "image_url", image_url: { url: "x" }, text: long }])],
    ["in a tool's schema", () => chat("x", { tools: [{ type: "function", function: { description: disguised } }] })],
    ["in the instructions", () => promptOf("openai-responses", { input: "x", instructions: disguised })],
    ["in an embedding's input", () => promptOf("openai-embeddings", { input: disguised })],
    ["in the system text", () => message("x", { system: disguised })],
    [
      "in what a tool was called with",
      () =>
        message([
          { type: "tool_use", id: "t", name: "n", input: { type: "base64", media_type: "image/png", data: long } },
        ]),
    ],
    [
      "in a call's arguments that look like content",
      () =>
        message([
          { type: "tool_use", id: "t", name: "n", input: { content: [{ type: "image", source: { data: long } }] } },
        ]),
    ],
    ["in a source of another kind", () => message([{ type: "document", source: { type: "text", data: long } }])],
    ["beside a source", () => message([{ type: "document", context: long, source: { type: "base64", data: "A" } }])],
  ])("%s is counted as text", (_, tokens) => {
    expect(tokens()).toBeGreaterThan(many);
  });
});

describe("a picture", () => {
  const data = "A".repeat(400_000);
  it.each([
    ["by its address", () => chat([{ type: "image_url", image_url: { url: "https://x/y.png" } }])],
    ["inline", () => chat([{ type: "image_url", image_url: { url: `data:image/png;base64,${data}` } }])],
    [
      "of the Responses API",
      () =>
        promptOf("openai-responses", {
          input: [{ role: "user", content: [{ type: "input_image", image_url: "https://x" }] }],
        }),
    ],
    [
      "of a screen",
      () =>
        promptOf("openai-responses", {
          input: [{ type: "computer_call_output", output: { type: "computer_screenshot", image_url: "https://x" } }],
        }),
    ],
    [
      "of Anthropic's, inline",
      () => message([{ type: "image", source: { type: "base64", media_type: "image/png", data } }]),
    ],
    ["of Anthropic's, by its address", () => message([{ type: "image", source: { type: "url", url: "https://x" } }])],
    [
      "in what a tool gave",
      () => message([{ type: "tool_result", content: [{ type: "image", source: { type: "url", url: "x" } }] }]),
    ],
  ])("%s costs what pictures cost, whatever its length", (_, tokensOf) => {
    const tokens = tokensOf();
    expect(tokens).toBeGreaterThan(4_900);
    expect(tokens).toBeLessThan(9_000);
  });

  it("costs each time, and more where its model counts it dearly", () => {
    const one = { type: "image_url", image_url: { url: "https://x" } };
    expect(chat([one, one, one])).toBeGreaterThan(15_000);
    expect(chat([one], { model: "gpt-4o-mini" })).toBeGreaterThan(48_000);
  });

  it("is none where a document is: that costs by its length", () => {
    const file = (length: number) => chat([{ type: "file", file: { file_data: "A".repeat(length) } }]);
    expect(file(10)).toBeGreaterThan(4_900);
    expect(file(400_000)).toBeGreaterThan(50_000);
  });
});

describe("what is billed beside the words", () => {
  it("is counted: numbers, marks, empty things, names of tools, tools of the provider's making", () => {
    const parameters = { enum: Array.from({ length: 2_000 }, (_, i) => 1_000 + i) };
    expect(chat("x", { tools: [{ type: "function", function: { parameters } }] })).toBeGreaterThan(4_000);
    const empty = { enum: Array.from({ length: 2_000 }, () => null) };
    expect(chat("x", { tools: [{ type: "function", function: { parameters: empty } }] })).toBeGreaterThan(2_000);
    expect(chat("x", { tool_choice: { type: "function", function: { name: long } } })).toBeGreaterThan(many);
    expect(message("x", { tools: [{ type: "bash_20250124", name: "bash" }] })).toBeGreaterThan(1_000);
  });

  it.each([
    ["mixed white space", " \t\n\r", 269],
    ["characters that control", "\u0001\u0002\u0003\u0007\u000b\u001f\u007f", 600],
    ["random letters", "abcdefghijklmnopqrstuvwxyz", 308],
    ["random signs", "!@#$%^&*()[]{};:'<>,./?", 374],
    ["base64", "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", 425],
  ])("hostile text is counted at three quarters of what it costs, or more: %s", (_, alphabet, tokens) => {
    let state = 7;
    const next = (): number => {
      state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
      return state / 2_147_483_648;
    };
    const text = Array.from({ length: 600 }, () => alphabet[Math.floor(next() * alphabet.length)]).join("");
    expect(estimateTokens(text)).toBeGreaterThan(0.75 * tokens);
  });

  it("is counted higher by Anthropic's tokenizer, and higher again by its newer one", () => {
    const of = (model: string) =>
      promptOf("anthropic-messages", { model, messages: [{ role: "user", content: long }] });
    const openAi = chat(long);
    expect(of("claude-sonnet-4-5-20250929")).toBeGreaterThan(1.1 * openAi);
    expect(of("claude-opus-5")).toBeGreaterThan(1.4 * openAi);
  });
});

describe("a limit", () => {
  it("is sent under one name where the caller named none", () => {
    expect(dialectNamed("openai-chat").withLimit({ model: "m", messages: [], max_tokens: null }, 50)).toEqual({
      model: "m",
      messages: [],
      max_completion_tokens: 50,
    });
  });
});
