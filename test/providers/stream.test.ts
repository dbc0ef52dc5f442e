import { describe, expect, it } from "vitest";
import { metered, newMeter, settled } from "../../src/providers/meter.ts";
import { isUsageChunk, readRequest, tokensIn, upperBound, withLimit } from "../../src/providers/request.ts";
import { SseParser } from "../../src/providers/sse.ts";

describe("server-sent events", () => {
  const stream = 'data: {"a":1}\n\nevent: x\r\ndata: two\r\ndata: lines\r\n\r\n: comment\r\rdata:[DONE]\n\n';
  const expected = ['{"a":1}', "two\nlines", "", "[DONE]"];

  it("are the same, and lose no character, wherever the bytes are cut", () => {
    for (let cut = 0; cut <= stream.length; cut++) {
      const parser = new SseParser();
      const events = [...parser.push(stream.slice(0, cut)), ...parser.push(stream.slice(cut)), ...parser.end()];
      expect(events.map(({ data }) => data)).toEqual(expected);
      expect(events.map(({ text }) => text).join("")).toBe(stream);
    }
    const parser = new SseParser();
    const events = stream.split("").flatMap((character) => parser.push(character));
    expect(events.map(({ data }) => data)).toEqual(expected);
  });

  it("give what is left when the last empty line never came", () => {
    const parser = new SseParser();
    expect(parser.push("data: half")).toEqual([]);
    expect(parser.end()).toEqual([{ data: "half", text: "data: half" }]);
    expect(parser.end()).toEqual([]);
  });

  it("keep the space in their data, but for the first, and wait where a CR may be half of an end", () => {
    const parser = new SseParser();
    expect(parser.push("data:a b\n\n")).toEqual([{ data: "a b", text: "data:a b\n\n" }]);
    expect(parser.push("data:  c\r\r")).toEqual([]);
    expect(parser.push("\n")).toEqual([{ data: " c", text: "data:  c\r\r\n" }]);
  });

  it("that are longer than allowed pass as they come, unread, and what follows them is read again", () => {
    const parser = new SseParser(20);
    expect(parser.push("data: 0123456789")).toEqual([]);
    expect(parser.push("0123")).toEqual([]);
    expect(parser.push("4")).toEqual([{ data: "", text: "data: 012345678901234" }]);
    expect(parser.push("5\n\n")).toEqual([{ data: "", text: "5\n\n" }]);
    expect(parser.push("data: b\n\n")).toEqual([{ data: "b", text: "data: b\n\n" }]);
  });

  it("of any size pass, and those beyond four megabytes are not looked into", () => {
    const parser = new SseParser();
    const huge = `data: ${"x".repeat(5_000_000)}\n\n`;
    let out = "";
    for (let i = 0; i < huge.length; i += 65_536) {
      for (const { text } of parser.push(huge.slice(i, i + 65_536))) out += text;
    }
    for (const { text } of parser.end()) out += text;
    expect(out).toBe(huge);
  });
});

describe("a metered stream", () => {
  const usage = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 };

  it("is booked by its last report", () => {
    const events = [{ choices: [{ delta: { content: "hello there" } }] }, { choices: [], usage }];
    expect(settled(events.reduce(metered, newMeter), 5)).toBe(30);
  });

  it("is booked with what went in and what was delivered, when no report came", () => {
    const events = [
      { choices: [{ delta: { content: "hello there" } }] },
      { choices: [{ delta: { content: " friend" } }] },
    ];
    const booked = settled(events.reduce(metered, newMeter), 50);
    expect(booked).toBeGreaterThanOrEqual(53);
    expect(booked).toBeLessThan(58);
  });

  it("is booked with Anthropic's input and the text so far, when it was left in the middle", () => {
    const start = {
      type: "message_start",
      message: { usage: { input_tokens: 16, cache_read_input_tokens: 4, output_tokens: 1 } },
    };
    const delta = { type: "content_block_delta", delta: { type: "text_delta", text: "one two three four" } };
    const left = [start, delta].reduce(metered, newMeter);
    expect(settled(left, 999)).toBeGreaterThanOrEqual(23);
    const end = { type: "message_delta", usage: { output_tokens: 40 } };
    expect(settled(metered(left, end), 999)).toBe(60);
  });
});

describe("a request", () => {
  it("has an upper bound of its prompt and its limit, for each answer that is asked for", () => {
    const asked = readRequest("openai-chat", { messages: [{ role: "user", content: "hi" }], max_tokens: 100, n: 3 });
    if (asked === undefined) throw new Error("it was not read");
    expect(upperBound(asked, 4_096)).toBe(asked.prompt + 300);
    expect(withLimit({ ...asked, body: { ...asked.body, max_completion_tokens: 500 } }, 40)).toMatchObject({
      max_tokens: 40,
      max_completion_tokens: 40,
    });
    expect(readRequest("openai-chat", { n: 0 })?.answers).toBe(1);
    expect(readRequest("openai-chat", [])).toBeUndefined();
  });

  it("counts images sent inline by a flat amount, whatever their length, and documents by theirs", () => {
    const data = "A".repeat(200_000);
    expect(tokensIn(new Uint8Array(200_000))).toBe(3_000);
    expect(tokensIn(`data:image/png;base64,${data}`)).toBe(3_000);
    expect(tokensIn({ type: "base64", media_type: "image/webp", data })).toBe(3_000);
    expect(tokensIn(`data:application/pdf;base64,A`)).toBe(3_000);
    expect(tokensIn(`data:application/pdf;base64,${data}`)).toBe(25_004);
    expect(tokensIn({ type: "base64", media_type: "application/pdf", data })).toBe(25_000);
    const circle: Record<string, unknown> = {};
    circle["self"] = circle;
    expect(tokensIn(circle)).toBeLessThan(200);
  });

  it("hides only the chunk that carries usage and nothing else", () => {
    expect(isUsageChunk({ choices: [], usage: { prompt_tokens: 1 } })).toBe(true);
    // Azure begins with one that says how the prompt was filtered.
    expect(isUsageChunk({ choices: [], usage: null, prompt_filter_results: [] })).toBe(false);
    expect(isUsageChunk({ choices: [{}], usage: { prompt_tokens: 1 } })).toBe(false);
  });
});
