import { describe, expect, it } from "vitest";
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
