/** Where an answer's confidence is looked for, and what counts as one. */
import { describe, expect, it } from "vitest";
import { confidenceAt, nothingWritten, writtenAfter, writtenIn } from "../../src/providers/confidence.ts";

const noHeader = (): null => null;
const ofText = (text: string, path: string) => confidenceAt(path, { text, tools: [] }, undefined, noHeader);

describe("a confidence", () => {
  it("is a number from 0 to 1 at the pointer, and nothing else", () => {
    expect(ofText('{"confidence": 0.5}', "/confidence")).toBe(0.5);
    expect(ofText('{"a": {"b~": [{"c/d": 1}]}}', "/a/b~0/0/c~1d")).toBe(1);
    for (const value of ['"0.5"', "true", "null", "-0.1", "1.01", "[]", "{}", "1e400"]) {
      expect([value, ofText(`{"confidence": ${value}}`, "/confidence")]).toEqual([value, undefined]);
    }
    expect(ofText('{"confidence": 0}', "/confidence")).toBe(0);
    expect(ofText("I am 0.9 sure", "/confidence")).toBeUndefined();
    expect(ofText('{"x": 1}', "/constructor")).toBeUndefined();
    expect(ofText('{"x": 1}', "/__proto__/x")).toBeUndefined();
    expect(ofText('{"x": 1}', "/x/y")).toBeUndefined();
    expect(ofText('{"x": null}', "/x/y")).toBeUndefined();
    expect(ofText("[0.7]", "/length")).toBeUndefined();
  });

  it("may stand between marks of Markdown", () => {
    expect(ofText('```json\n{"confidence": 0.8}\n```', "/confidence")).toBe(0.8);
    expect(ofText('\n```\n{"confidence": 0.8}\n```\n', "/confidence")).toBe(0.8);
  });

  it("is looked for in what was written, then in the tool's arguments, then in the response", () => {
    const body = { confidence: 0.1 };
    const written = { text: '{"confidence": 0.3}', tools: ['{"confidence": 0.2}'] };
    expect(confidenceAt("/confidence", written, body, noHeader)).toBe(0.3);
    expect(confidenceAt("/confidence", { ...written, text: "no" }, body, noHeader)).toBe(0.2);
    expect(confidenceAt("/confidence", nothingWritten, body, noHeader)).toBe(0.1);
  });

  it("comes from a header where the path has no slash", () => {
    const header = (value: string | null) => confidenceAt("x-sure", nothingWritten, { "x-sure": 1 }, () => value);
    expect(header("0.75")).toBe(0.75);
    for (const value of [null, "", " ", "high", "2", "NaN", "-0.5"]) expect(header(value)).toBeUndefined();
  });
});

describe("what was written", () => {
  it("of several answers is the first, in chunks and whole", () => {
    const choices = [
      { index: 1, delta: { content: "other" } },
      { index: 0, delta: { content: "mine" } },
    ];
    const written = choices.reduce((so, choice) => writtenAfter(so, { choices: [choice] }), nothingWritten);
    expect(written.text).toBe("mine");
    const body = { choices: [{ message: { content: "mine" } }, { message: { content: "other" } }] };
    expect(writtenIn(body)).toEqual({ text: "mine", tools: [] });
  });

  it("keeps the arguments of each tool apart", () => {
    const events = [
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, id: "a", function: { arguments: '{"a":' } }] } }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: "1}" } }] } }] },
      { choices: [{ index: 0, delta: { tool_calls: [{ index: 1, id: "b", function: { arguments: '{"b":2}' } }] } }] },
    ];
    expect(events.reduce(writtenAfter, nothingWritten).tools).toEqual(['{"a":1}', '{"b":2}']);
  });

  it("does not grow without end", () => {
    const event = { choices: [{ index: 0, delta: { content: "x".repeat(100_000) } }] };
    let written = nothingWritten;
    for (let i = 0; i < 100; i++) written = writtenAfter(written, event);
    expect(written.text.length).toBeLessThanOrEqual(256 * 1024);
  });
});
