/**
 * The bound of a request: no text costs more tokens than are held for it, whatever tokenizer counts them, and nothing
 * that is billed stays uncounted because it looks like something else.
 */
import { describe, expect, it } from "vitest";
import type { DialectName } from "../../src/providers/dialect.ts";
import { estimateTokens, learn } from "../../src/providers/estimate.ts";
import { vocabulary } from "../../src/providers/vocabulary.ts";
import { languages } from "../support/languages.ts";
import { ordinary } from "../support/ordinary.ts";
import { randomOf } from "../support/random.ts";
import { dialectNamed, requestIn } from "../support/requests.ts";
import { classes, mixtureOf } from "../support/texts.ts";
import { countedBy, tokenizers } from "../support/tokenizers.ts";

learn(vocabulary);

/** How much more Claude's tokenizer may count than OpenAI's: the least that a bound for its models is multiplied by. */
const claudeFactor = 1.3;

/** The tokenizers whose count of `text` is above its bound. */
function over(text: string): string[] {
  const bound = estimateTokens(text);
  return tokenizers.filter((name) => countedBy(name, text) > bound * (name === "claude" ? claudeFactor : 1));
}

describe("no tokenizer counts more than is held", () => {
  it.each(Object.entries(classes))("of %s", (_, make) => {
    for (let seed = 1; seed <= 25; seed++)
      expect({ seed, over: over(make(randomOf(seed))) }).toEqual({ seed, over: [] });
  });

  it.each(Object.entries(languages))("of %s", (_, text) => expect(over(text)).toEqual([]));

  it.each(Object.entries(ordinary))("of %s", (_, text) => expect(over(text)).toEqual([]));

  it("of a mixture of them, whatever the chance", () => {
    const first = Number(process.env["SEED"] ?? Date.now() % 1_000_000_000);
    console.info(`mixtures from SEED=${first}`);
    for (let seed = first; seed < first + 300; seed++) {
      expect({ seed, over: over(mixtureOf(seed)) }).toEqual({ seed, over: [] });
    }
  });
});

describe("not much more is held than counted", () => {
  it.each(Object.entries(ordinary))("of %s", (_, text) => {
    expect(estimateTokens(text) / countedBy("o200k_base", text)).toBeLessThanOrEqual(1.25);
  });
});

const promptOf = (dialect: DialectName, body: object): number => requestIn(dialect, { model: "m", ...body }).prompt;
const chat = (content: unknown, more: object = {}): number =>
  promptOf("openai-chat", { messages: [{ role: "user", content }], ...more });
const message = (content: unknown, more: object = {}): number =>
  promptOf("anthropic-messages", { messages: [{ role: "user", content }], ...more });

const long = "word ".repeat(8_000);
/** What 8,000 words are at least, which is more than a picture. */
const many = 7_900;

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
    expect(tokens).toBeLessThan(9_100);
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
  it("is no less than its JSON, of which a third is signs", () => {
    const tool = {
      name: "n",
      parameters: { type: "object", properties: { a: { enum: [1, 2, 3], minimum: 0, x: null } } },
    };
    const tools = Array.from({ length: 50 }, () => ({ type: "function", function: tool }));
    const json = JSON.stringify(tools);
    expect(chat("x", { tools }) - chat("x")).toBeGreaterThanOrEqual(countedBy("o200k_base", json));
    expect(chat("x", { tools }) - chat("x")).toBeLessThanOrEqual(1.3 * countedBy("o200k_base", json));
  });

  it("is counted: numbers, marks, empty things, names of tools, tools of the provider's making", () => {
    const parameters = { enum: Array.from({ length: 2_000 }, (_, i) => 1_000 + i) };
    expect(chat("x", { tools: [{ type: "function", function: { parameters } }] })).toBeGreaterThan(4_000);
    const empty = { enum: Array.from({ length: 2_000 }, () => null) };
    expect(chat("x", { tools: [{ type: "function", function: { parameters: empty } }] })).toBeGreaterThan(2_000);
    expect(chat("x", { tool_choice: { type: "function", function: { name: long } } })).toBeGreaterThan(many);
    expect(message("x", { tools: [{ type: "bash_20250124", name: "bash" }] })).toBeGreaterThan(1_000);
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
