/** What a stream is booked with, event by event: whose report counts, and what counts as delivered. */
import { describe, expect, it } from "vitest";
import { type Meter, metered, newMeter, settled, usedBy } from "../../src/providers/meter.ts";
import type { Usage } from "../../src/providers/shape.ts";

const plain = { cacheRead: 0, cacheWrite: 0, reasoning: 0 };
const after = (...events: readonly unknown[]): Meter => events.reduce<Meter>(metered, newMeter);
const chatUsage = (prompt_tokens: number, completion_tokens: number) => ({ prompt_tokens, completion_tokens });
const anthropicUsage = (input_tokens: number, output_tokens: number, more = {}) => ({
  input_tokens,
  output_tokens,
  ...more,
});

describe("a report", () => {
  it.each<[string, unknown, Usage | undefined, boolean]>([
    ["of a chat's last chunk", { choices: [], usage: chatUsage(20, 10) }, { input: 20, output: 10, ...plain }, true],
    [
      "in a chunk whose choice is over",
      { choices: [{ finish_reason: "stop" }], usage: chatUsage(20, 10) },
      { input: 20, output: 10, ...plain },
      true,
    ],
    [
      "in a chunk whose choices go on",
      { choices: [{ finish_reason: null }], usage: chatUsage(20, 3) },
      { input: 20, output: 3, ...plain },
      false,
    ],
    [
      "in a chunk of which one choice is over",
      { choices: [{ finish_reason: null }, { finish_reason: "stop" }], usage: chatUsage(20, 3) },
      { input: 20, output: 3, ...plain },
      true,
    ],
    [
      "of Anthropic's start",
      { type: "message_start", message: { usage: anthropicUsage(16, 1, { cache_read_input_tokens: 4 }) } },
      { input: 20, output: 1, ...plain, cacheRead: 4 },
      false,
    ],
    [
      "of Anthropic's end alone",
      { type: "message_delta", usage: anthropicUsage(16, 9) },
      { input: 16, output: 9, ...plain },
      true,
    ],
    ["of an end that says no input", { type: "message_delta", usage: { output_tokens: 9 } }, undefined, false],
    ["of an end that says no output", { type: "message_delta", usage: { input_tokens: 9 } }, undefined, false],
    ["of a start without usage", { type: "message_start", message: {} }, undefined, false],
    ["of an error", { type: "error", usage: chatUsage(20, 10) }, undefined, false],
    ...["response.completed", "response.incomplete", "response.failed"].map(
      (type): [string, unknown, Usage, boolean] => [
        `of ${type}`,
        { type, response: { usage: { input_tokens: 20, output_tokens: 10, total_tokens: 30 } } },
        { input: 20, output: 10, ...plain },
        true,
      ],
    ),
    ["of a response that says nothing", { type: "response.completed", response: {} }, undefined, false],
    [
      "of a response's usage elsewhere",
      { type: "response.created", response: { usage: chatUsage(1, 1) } },
      undefined,
      false,
    ],
    [
      "of the AI SDK's last part",
      { type: "finish", totalUsage: { inputTokens: 20, outputTokens: 10 } },
      { input: 20, output: 10, ...plain },
      true,
    ],
    ["of a last part that says nothing", { type: "finish" }, undefined, false],
    ["of nothing", "text", undefined, false],
  ])("%s", (_, event, usage, isFinal) => {
    expect(after(event)).toMatchObject({ usage, isFinal });
  });

  it("that comes later counts, and never less than the one before", () => {
    const start = { type: "message_start", message: { usage: anthropicUsage(16, 1, { cache_read_input_tokens: 4 }) } };
    const end = { type: "message_delta", usage: { output_tokens: 40 } };
    expect(after(start, end).usage).toEqual({ input: 20, output: 40, ...plain, cacheRead: 4 });
    // An end that repeats the input without the cache does not lose it; one that says more is believed.
    expect(after(start, { type: "message_delta", usage: anthropicUsage(16, 40) }).usage).toMatchObject({ input: 20 });
    expect(after(start, { type: "message_delta", usage: anthropicUsage(30, 40) }).usage).toMatchObject({ input: 30 });
    expect(after(start, { type: "message_delta", usage: {} })).toMatchObject({ usage: { output: 1 }, isFinal: false });
    const cached = { ...chatUsage(20, 10), prompt_tokens_details: { cached_tokens: 5 } };
    expect(after({ usage: chatUsage(20, 10) }, { usage: cached }).usage).toMatchObject({ cacheRead: 5 });
    const chunk = (output: number, input = 20) => ({ choices: [], usage: chatUsage(input, output) });
    expect(after(chunk(10), chunk(7)).usage).toMatchObject({ input: 20, output: 10 });
    expect(after(chunk(10), chunk(12, 5)).usage).toMatchObject({ input: 20, output: 12 });
    expect(after(chunk(10), { type: "ping" }).usage).toMatchObject({ input: 20, output: 10 });
    expect(after(chunk(10), { type: "ping" }).isFinal).toBe(true);
  });
});

describe("what was delivered", () => {
  it.each([
    ["a chat's text", { choices: [{ delta: { content: "one two" } }] }, 2],
    ["every choice's", { choices: [{ delta: { content: "one" } }, { delta: { content: " two" } }] }, 2],
    ["a completion's", { choices: [{ text: "one two" }] }, 2],
    ["a refusal", { choices: [{ delta: { refusal: "one two" } }] }, 2],
    [
      "the arguments of a tool",
      { choices: [{ delta: { tool_calls: [{ id: "x", function: { arguments: "one two" } }] } }] },
      2,
    ],
    ["Anthropic's text", { delta: { type: "text_delta", text: "one two" } }, 2],
    ["a delta that is text", { type: "response.output_text.delta", delta: "one two" }, 2],
    ["the AI SDK's", { type: "text-delta", textDelta: "one two" }, 2],
    ["nothing of a number", { delta: 5 }, 0],
    ["nothing of a null", { delta: null, choices: [{ delta: null }] }, 0],
    ["nothing of an event without a delta", { type: "ping", text: "one two" }, 0],
    ...["type", "id", "role", "signature", "index", "stop_reason", "stop_sequence", "logprobs", "obfuscation"].map(
      (name): [string, object, number] => [`nothing of ${name}`, { delta: { [name]: "one two" } }, 0],
    ),
    ["six levels down", { delta: { a: { a: { a: { a: { a: "one two" } } } } } }, 2],
    ["and no deeper", { delta: { a: { a: { a: { a: { a: { a: { a: "one two" } } } } } } } }, 0],
  ])("is %s", (_, event, tokens) => {
    expect(after(event).delivered).toBe(tokens);
    expect(after(event, event).delivered).toBe(2 * tokens);
  });

  it("is booked where no report came, and where one came too early", () => {
    const text = { choices: [{ delta: { content: "one two three four five" } }] };
    expect(usedBy(after(text), 50)).toEqual({ input: 50, output: 5, ...plain });
    expect(settled(after(text), 50)).toBe(55);
    const early = { choices: [{ finish_reason: null }], usage: chatUsage(20, 3) };
    expect(usedBy(after(early, text), 50)).toEqual({ input: 20, output: 5, ...plain });
    expect(usedBy(after(early), 50)).toEqual({ input: 20, output: 3, ...plain });
    const last = { choices: [], usage: chatUsage(20, 3) };
    expect(usedBy(after(text, last), 50)).toEqual({ input: 20, output: 3, ...plain });
  });
});
