/** What an answer is booked with, event by event: whose report counts, what counts as delivered, and what is free. */
import { describe, expect, it } from "vitest";
import { AnswerMeter } from "../../src/calls/answer.ts";
import type { Ending } from "../../src/calls/ending.ts";
import type { DialectName } from "../../src/providers/dialect.ts";
import { dialectNamed } from "../support/requests.ts";

const began = 1_000_000;
const prompt = 50;

/** A stream in `dialect`: its events, and whether the provider closed it. */
function streamed(dialect: DialectName, events: readonly unknown[], { closed = false, answers = 1 } = {}): Ending {
  const { writes } = dialectNamed(dialect);
  const meter = new AnswerMeter(
    { prompt, answers, writes, dialect: dialectNamed(dialect) },
    { confidencePath: null, began },
  );
  for (const event of events) meter.event(event, began);
  if (closed) meter.close();
  return meter.ending(began);
}

const chunk = (content: string, more = {}) => ({
  choices: [{ index: 0, delta: { content }, finish_reason: null }],
  ...more,
});
const finish = (index = 0, more = {}) => ({ choices: [{ index, delta: {}, finish_reason: "stop" }], ...more });
const usage = (prompt_tokens: number, completion_tokens: number, more = {}) => ({
  usage: { prompt_tokens, completion_tokens, ...more },
});
const start = (report: object) => ({ type: "message_start", message: { model: "claude-x", usage: report } });
const words = (text: string) => ({ type: "content_block_delta", delta: { type: "text_delta", text } });
const end = (report: object) => ({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: report });

describe("a report", () => {
  it("in a chunk after the last choice is booked, and so is one with the choice's finish", () => {
    const late = streamed("openai-chat", [chunk("one two"), finish(), { choices: [], ...usage(20, 10) }]);
    expect(late).toMatchObject({ isReported: true, usage: { input: 20, output: 10 } });
    expect(streamed("openai-chat", [chunk("one two"), finish(0, usage(20, 10))])).toMatchObject({ isReported: true });
  });

  it("that came before the last word is one of its way: what was delivered since counts, too", () => {
    const ending = streamed("openai-chat", [chunk("one", usage(20, 1)), chunk(" two three four")]);
    expect(ending).toMatchObject({ isReported: false, usage: { input: 20, output: 4 }, atLeast: { output: 1 } });
  });

  it("alone in a chunk is final, though no choice has said that it is over; one of its way is not", () => {
    const way = [chunk("one", usage(20, 1)), chunk(" two", usage(20, 2))];
    expect(streamed("openai-chat", way, { closed: true })).toMatchObject({ isReported: false, usage: { output: 2 } });
    expect(streamed("openai-chat", [...way, { choices: [], ...usage(20, 2) }]).isReported).toBe(true);
  });

  it("with one of two answers over says nothing of the other", () => {
    const events = [chunk("one"), finish(0, usage(20, 1)), chunk("two ".repeat(400))];
    const ending = streamed("openai-chat", events, { answers: 2 });
    expect(ending.isReported).toBe(false);
    expect(ending.usage.output).toBeGreaterThan(370);
  });

  it("replaces the counters that it names, and no others", () => {
    const split = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 10_000 };
    const first = start({ input_tokens: 10, cache_creation_input_tokens: 10_000, cache_creation: split });
    const repeated = { input_tokens: 10, cache_creation_input_tokens: 10_000, output_tokens: 50 };
    expect(streamed("anthropic-messages", [first, words("x"), end(repeated)]).usage).toEqual({
      input: 10_010,
      output: 50,
      cacheRead: 0,
      cacheWrite: 10_000,
      cacheWrite1h: 10_000,
      reasoning: 0,
    });
    // Another total has another split.
    const other = streamed("anthropic-messages", [
      first,
      words("x"),
      end({ ...repeated, cache_creation_input_tokens: 5 }),
    ]);
    expect(other.usage).not.toHaveProperty("cacheWrite1h");
  });

  it("that says less than before is believed, but for a zero", () => {
    const kimi = streamed("anthropic-messages", [
      start({ input_tokens: 8_872, output_tokens: 0 }),
      words("x"),
      end({ input_tokens: 168, output_tokens: 100, cache_read_input_tokens: 8_704, prompt_tokens: 8_872 }),
    ]);
    expect(kimi.usage).toMatchObject({ input: 8_872, cacheRead: 8_704, output: 100 });
    const zeros = streamed("anthropic-messages", [
      start({ input_tokens: 17 }),
      words("x"),
      end({ input_tokens: 0, output_tokens: 3 }),
    ]);
    expect(zeros.usage).toMatchObject({ input: 17, output: 3 });
  });

  it("has its total believed where the parts come to less", () => {
    const xai = usage(10_120, 1_499, {
      total_tokens: 14_428,
      completion_tokens_details: { reasoning_tokens: 2_809 },
    });
    expect(streamed("openai-chat", [chunk("x"), finish(), { choices: [], ...xai }]).usage).toMatchObject({
      input: 10_120,
      output: 4_308,
    });
  });

  it("names the tier and the model that served the call", () => {
    const last = { choices: [], service_tier: "priority", model: "gpt-5.4-2026-03-05", ...usage(1, 1) };
    expect(streamed("openai-chat", [chunk("x"), finish(), last])).toMatchObject({
      tier: "priority",
      model: "gpt-5.4-2026-03-05",
    });
  });
});

describe("an answer that fails", () => {
  const error = { error: { message: "Overloaded" } };
  it.each<[string, DialectName, readonly unknown[]]>([
    ["its first event", "openai-chat", [error]],
    ["its first event", "anthropic-messages", [{ type: "error", ...error }]],
    ["the start of a message", "anthropic-messages", [start({ input_tokens: 17 }), { type: "error", ...error }]],
    ["its first event", "openai-responses", [{ type: "error", message: "x" }]],
    ["its role", "openai-chat", [chunk(""), error]],
    [
      "its creation",
      "openai-responses",
      [
        { type: "response.created", response: {} },
        { type: "response.failed", response: { status: "failed", ...error } },
      ],
    ],
  ])("with or after %s is free: %s", (_, dialect, events) => {
    expect(streamed(dialect, events)).toMatchObject({ isFree: true, usage: { input: 0, output: 0 } });
  });

  it("after words costs what went in and what was delivered", () => {
    expect(streamed("openai-chat", [chunk("one two three"), error])).toMatchObject({
      isFree: false,
      isReported: false,
      usage: { input: prompt, output: 3 },
    });
  });

  it("but reports its use costs what it reports", () => {
    const failed = { status: "failed", ...error, usage: { input_tokens: 20, output_tokens: 300, total_tokens: 320 } };
    expect(streamed("openai-responses", [{ type: "response.failed", response: failed }])).toMatchObject({
      isReported: true,
      usage: { input: 20, output: 300 },
    });
  });

  it("by closing before its first event is free; one that the caller left, or that broke, is not", () => {
    expect(streamed("openai-chat", [], { closed: true }).isFree).toBe(true);
    expect(streamed("anthropic-messages", [{ type: "ping" }], { closed: true }).isFree).toBe(true);
    expect(streamed("openai-chat", [chunk("")], { closed: true }).isFree).toBe(false);
    expect(streamed("openai-chat", [])).toMatchObject({ isFree: false, usage: { input: prompt, output: 0 } });
  });
});

describe("what was delivered", () => {
  it.each<[string, DialectName, unknown, number]>([
    ["a chat's text", "openai-chat", { choices: [{ delta: { content: "one two" } }] }, 2],
    ["every choice's", "openai-chat", { choices: [{ delta: { content: "one" } }, { delta: { content: " two" } }] }, 2],
    ["a completion's", "openai-chat", { choices: [{ text: "one two" }] }, 2],
    ["a refusal", "openai-chat", { choices: [{ delta: { refusal: "one two" } }] }, 2],
    ["reasoning by any name", "openai-chat", { choices: [{ delta: { reasoning_content: "one two" } }] }, 2],
    [
      "the name and the arguments of a tool",
      "openai-chat",
      { choices: [{ delta: { tool_calls: [{ id: "x", function: { name: "find", arguments: " one two" } }] } }] },
      3,
    ],
    ["Anthropic's text", "anthropic-messages", words("one two"), 2],
    ["nothing of a signature", "anthropic-messages", { type: "content_block_delta", delta: { signature: "abc" } }, 0],
    ["a delta of a response", "openai-responses", { type: "response.output_text.delta", delta: "one two" }, 2],
    ["nothing of a number", "openai-responses", { type: "response.output_text.delta", delta: 5 }, 0],
    ["nothing of a ping", "anthropic-messages", { type: "ping", text: "one two" }, 0],
  ])("is %s", (_, dialect, event, tokens) => {
    expect(streamed(dialect, [event]).usage.output).toBe(tokens);
  });

  it("counts what may have been reasoned in a pause, where a model writes", () => {
    const meter = (dialect: DialectName) =>
      new AnswerMeter(
        { prompt, answers: 1, writes: dialectNamed(dialect).writes, dialect: dialectNamed(dialect) },
        { confidencePath: null, began },
      );
    expect(meter("openai-chat").ending(began + 2_000).usage.output).toBe(0);
    expect(meter("openai-chat").ending(began + 3_000).usage.output).toBe(100);
    expect(meter("openai-embeddings").ending(began + 3_000).usage.output).toBe(0);
    const spoke = meter("openai-chat");
    spoke.event(chunk("one"), began + 3_000);
    expect(spoke.ending(began + 3_500).usage.output).toBe(101);
  });
});
