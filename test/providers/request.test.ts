/** How a request to a model is read, to the token: what goes in, what it is limited to, and what is sent on. */
import { describe, expect, it } from "vitest";
import { outputLeast } from "../../src/calls/bound.ts";
import { inTokens } from "../../src/pricing/tariff.ts";
import { contentTokens, textTokens } from "../../src/providers/content.ts";
import type { DialectName } from "../../src/providers/dialect.ts";
import { learn } from "../../src/providers/estimate.ts";
import { tokensIn } from "../../src/providers/prompt-tokens.ts";
import { dialects } from "../../src/providers/registry.ts";
import { dialectOf, type ModelRequest, readRequest } from "../../src/providers/request.ts";
import { vocabulary } from "../../src/providers/vocabulary.ts";
import { dialectNamed, requestIn as read } from "../support/requests.ts";

learn(vocabulary);

const hello = { role: "user", content: "name" };

describe("the dialect of an address", () => {
  it.each([
    ["/v1/chat/completions", "openai-chat"],
    ["/v1/responses", "openai-responses"],
    ["/v1/embeddings", "openai-embeddings"],
    ["/v1/messages", "anthropic-messages"],
    ["/v1/chat/completions/1", undefined],
    ["/v1/models", undefined],
    ["", undefined],
  ])("%s is %s", (path, dialect) => expect(dialectOf(path, dialects)?.name).toBe(dialect));
});

describe("a request", () => {
  it("that is no object is none", () => {
    for (const body of [undefined, null, "text", 5, [], true])
      expect(readRequest(dialectNamed("openai-chat"), body)).toBeUndefined();
  });

  it("is read whole", () => {
    const body = { model: "gpt-5", messages: [hello], max_tokens: 7, n: 2, stream: true };
    expect(read("openai-chat", body)).toEqual({
      dialect: dialectNamed("openai-chat"),
      body,
      isStreaming: true,
      model: "gpt-5",
      prompt: 13,
      limit: 7,
      answers: 2,
      writes: true,
      thinking: 0,
      cacheWrites: "short",
      tier: undefined,
      tools: [],
      inspection: expect.anything(),
    });
  });

  it("has defaults, and believes no value of another type", () => {
    const plain = { isStreaming: false, model: "", limit: undefined, answers: 1, thinking: 0, cacheWrites: "short" };
    expect(read("openai-chat", {})).toMatchObject(plain);
    const odd = { stream: "true", model: 5, max_tokens: "7", n: 0, thinking: "much" };
    expect(read("openai-chat", odd)).toMatchObject(plain);
    expect(read("openai-responses", { n: 3 }).answers).toBe(1);
    expect(read("anthropic-messages", { n: 3 }).answers).toBe(1);
  });

  it.each<[DialectName, object, number | undefined]>([
    ["openai-chat", { max_tokens: 5 }, 5],
    ["openai-chat", { max_completion_tokens: 6, max_tokens: 5 }, 6],
    ["openai-chat", { max_output_tokens: 5 }, undefined],
    ["openai-responses", { max_output_tokens: 5 }, 5],
    ["openai-responses", { max_tokens: 5 }, undefined],
    ["anthropic-messages", { max_tokens: 5 }, 5],
    ["anthropic-messages", { max_output_tokens: 5 }, undefined],
    ["openai-embeddings", { max_tokens: 5 }, undefined],
  ])("of %s with %j is limited to %s", (dialect, body, limit) => expect(read(dialect, body).limit).toBe(limit));

  it("may use its prompt, and its limit for each answer; an embedding its prompt", () => {
    const request = read("openai-chat", { messages: [hello], n: 3 });
    expect(inTokens.bound(request, 100)).toBe(13 + 300);
    expect(inTokens.bound(request, 10)).toBe(13 + 30);
    expect(inTokens.bound(read("openai-embeddings", { input: ["name", "name"] }), 100)).toBe(17);
  });

  it("must leave room for an answer beside what is thought", () => {
    const least = ({ thinking }: ModelRequest): number => thinking + outputLeast;
    expect(least(read("anthropic-messages", { thinking: { budget_tokens: 2_000 } }))).toBe(2_016);
    expect(least(read("openai-chat", {}))).toBe(16);
  });
});

describe("a prompt", () => {
  it.each<[DialectName, object, number]>([
    ["openai-chat", {}, 3],
    ["openai-chat", { messages: "name" }, 4],
    ["openai-chat", { messages: [hello] }, 13],
    ["openai-chat", { messages: [hello, hello] }, 23],
    ["openai-responses", { input: "name", instructions: "be kind" }, 7],
    ["openai-responses", { input: [hello, hello] }, 23],
    ["openai-embeddings", { input: ["name", "name"] }, 17],
    ["openai-embeddings", { input: [101, 2, 3] }, 23],
  ])("of %s with %j has %i tokens", (dialect, body, tokens) => expect(read(dialect, body).prompt).toBe(tokens));

  const told: Readonly<Record<DialectName, readonly [counted: string, not: string]>> = {
    "openai-chat": ["tools functions response_format tool_choice function_call", "user"],
    "openai-responses": ["instructions tools text tool_choice", "user"],
    "openai-embeddings": ["input", "user"],
    "gemini-generate": ["contents systemInstruction tools toolConfig generationConfig", "labels"],
    "anthropic-messages": ["tools output_config output_format tool_choice", "metadata"],
  };
  const fields = Object.entries(told).flatMap(([dialect, [counted, not]]) => [
    ...counted.split(" ").map((name) => [dialect as DialectName, name, true] as const),
    [dialect as DialectName, not, false] as const,
  ]);
  it.each(fields)("of %s counts what is in %s: %s", (dialect, name, isCounted) => {
    const without = read(dialect, {}).prompt;
    const withIt = read(dialect, { [name]: "one two" }).prompt;
    expect(withIt > without).toBe(isCounted);
  });

  it("counts a thousand tokens for each tool that the provider makes and the caller runs", () => {
    const own = [{ type: "function" }, { type: "custom" }, {}];
    const made = [{ type: "computer" }, { type: "local_shell" }];
    const plain = read("openai-responses", { tools: [...own, {}, {}] }).prompt;
    expect(plain).toBe(24);
    expect(read("openai-responses", { tools: [...own, ...made] }).prompt).toBe(2_036);
    expect(read("openai-responses", { tools: "computer" }).prompt).toBe(6);
  });

  it.each([
    ["claude-2", 20],
    ["claude-3-opus", 20],
    ["claude-opus-4", 20],
    ["claude-sonnet-4-5-20250929", 20],
    ["claude-haiku-4-6", 20],
    ["claude-opus-4-20250514", 20],
    ["claude-opus-4-1-20250805", 20],
    ["claude-opus-4-7", 27],
    ["claude-sonnet-4-8-20260801", 27],
    ["claude-opus-4-10", 27],
    ["claude-opus-45", 27],
    ["claude-opus-5", 27],
    ["xclaude-3-opus", 27],
    ["", 27],
  ])("is longer for Claude, and longer again since its newer tokenizer: %s, %i", (model, tokens) => {
    expect(read("anthropic-messages", { model, messages: [hello], system: "be kind" }).prompt).toBe(tokens);
    expect(read("openai-chat", { model, messages: [hello] }).prompt).toBe(13);
  });
});

describe("what may be written to a cache", () => {
  const writes = (body: object) => read("anthropic-messages", body).cacheWrites;

  it("is what is marked, at whatever depth; an hour where one mark says so", () => {
    const short = { cache_control: { type: "ephemeral" } };
    const hour = { cache_control: { type: "ephemeral", ttl: "1h" } };
    expect(writes({ messages: [hello] })).toBe("never");
    expect(writes({ messages: [hello], cache_control: null })).toBe("never");
    expect(writes({ messages: [hello], cache_control: "yes" })).toBe("never");
    expect(writes(short)).toBe("short");
    expect(writes({ cache_control: { type: "ephemeral", ttl: "5m" } })).toBe("short");
    expect(writes(hour)).toBe("hour");
    expect(writes({ messages: [{ content: [{ type: "text", ...short }] }] })).toBe("short");
    expect(writes({ system: [short, hour, short] })).toBe("hour");
    expect(writes({ ...short, tools: [{ ...hour }] })).toBe("hour");
    expect(writes({ tools: [{ ...short }], messages: [hello] })).toBe("short");
  });

  it("is looked for as deep as a request may be", () => {
    const nested = (depth: number): object =>
      depth === 0 ? { cache_control: { type: "ephemeral" } } : { below: nested(depth - 1) };
    expect(writes(nested(63))).toBe("short");
    expect(writes(nested(64))).toBe("never");
  });
});

describe("the body to send", () => {
  it.each<[DialectName, object, object]>([
    ["openai-chat", { a: 1 }, { a: 1, max_completion_tokens: 9 }],
    ["openai-chat", { max_tokens: 50 }, { max_tokens: 9 }],
    ["openai-chat", { max_completion_tokens: 50 }, { max_completion_tokens: 9 }],
    ["openai-chat", { max_tokens: 50, max_completion_tokens: 60 }, { max_tokens: 9, max_completion_tokens: 9 }],
    ["openai-chat", { max_tokens: null }, { max_completion_tokens: 9 }],
    [
      "openai-chat",
      { stream: true },
      { stream: true, max_completion_tokens: 9, stream_options: { include_usage: true } },
    ],
    [
      "openai-chat",
      { stream: true, stream_options: { include_usage: false, include_obfuscation: false } },
      {
        stream: true,
        max_completion_tokens: 9,
        stream_options: { include_usage: true, include_obfuscation: false },
      },
    ],
    [
      "openai-chat",
      { stream: true, stream_options: null },
      { stream: true, max_completion_tokens: 9, stream_options: { include_usage: true } },
    ],
    ["openai-responses", { input: "x", max_output_tokens: 50 }, { input: "x", max_output_tokens: 9 }],
    ["anthropic-messages", { system: "x" }, { system: "x", max_tokens: 9 }],
    ["openai-embeddings", { input: "x" }, { input: "x" }],
  ])("of %s for %j is %j", (dialect, body, sent) =>
    expect(dialectNamed(dialect).withLimit(read(dialect, body).body, 9)).toEqual(sent),
  );

  const shown = (body: object, event: unknown) => {
    const hide = dialectNamed("openai-chat").withoutUsage?.(body as Record<string, unknown>);
    const text = `data: ${JSON.stringify(event)}\n\n`;
    return hide === undefined ? text : hide(event, text);
  };
  const usage = { prompt_tokens: 1, completion_tokens: 2 };

  it("asks for the usage chunk, which only callers who asked for it see", () => {
    const last = { id: "c", choices: [], usage };
    expect(shown({ stream_options: { include_usage: true } }, last)).toContain("prompt_tokens");
    expect(shown({ stream_options: { include_usage: 1 } }, last)).toBe("");
    expect(shown({}, last)).toBe("");
    expect(shown({}, { id: "c", choices: [{ delta: {} }], usage: null })).not.toContain("usage");
    expect(shown({}, { usage })).toContain("usage");
  });

  it("hides usage and nothing else that a chunk carries", () => {
    expect(shown({}, { id: "c", choices: [], usage, citations: ["https://a.example"] })).toBe(
      'data: {"id":"c","choices":[],"citations":["https://a.example"]}\n\n',
    );
    // Azure begins with one that says how the prompt was filtered.
    const filtered = { choices: [], usage: null, prompt_filter_results: [{}] };
    expect(shown({}, filtered)).toBe('data: {"choices":[],"prompt_filter_results":[{}]}\n\n');
  });
});

describe("text all through", () => {
  it.each([
    ["a", 2],
    [undefined, 0],
    [5, 2],
    [12_345_678, 4],
    [null, 2],
    [true, 2],
    [[], 2],
    [["a", "a"], 6],
    [{}, 2],
    [{ a: "a" }, 6],
  ])("%j has %i tokens", (value, tokens) => expect(textTokens(value)).toBe(tokens));

  it("is looked into however deep it is", () => {
    const nested = (depth: number): unknown => (depth === 0 ? "deep" : [nested(depth - 1)]);
    expect(textTokens(nested(100))).toBeGreaterThan(textTokens(nested(0)));
    expect(contentTokens({ content: { content: { content: "a" } } }, 9, 2)).toBeGreaterThan(4);
  });
});

/** Each with a name that is not as long as itself. */
function named(cases: readonly (readonly [value: unknown, tokens: number])[]): [string, unknown, number][] {
  return cases.map(([value, tokens]) => [(JSON.stringify(value) ?? "undefined").slice(0, 80), value, tokens]);
}

describe("content", () => {
  const image = 1_000;
  const long = "A".repeat(80_000);

  it.each<[string, unknown, number]>(
    named([
      ["a", 1],
      [undefined, 0],
      [null, 0],
      [[], 0],
      [["a"], 2],
      [[5], 2],
      [[["a"]], 4],
      [{}, 1],
      [{ content: "a" }, 3],
      [{ output: ["a"] }, 4],
      [{ other: "a" }, 4],
      [{ type: "image_url", image_url: "u" }, 1_005],
      [{ type: "image_url", image_url: { url: "u", detail: "high" } }, 1_005],
      [{ type: "image_url", image_url: { url: "u", more: "a" } }, 1_008],
      [{ type: "input_image", image_url: "u" }, 1_005],
      [{ type: "computer_screenshot", image_url: "u" }, 1_009],
      [{ type: "text", image_url: "u" }, 8],
      [{ type: "image", source: { type: "url", url: "u" } }, 1_004],
      [{ type: "image", source: { type: "base64", data: long, media_type: "image/png" } }, 1_004],
      [{ type: "document", source: { type: "base64", data: long } }, 1_000_004],
      [{ type: "document", source: { type: "base64", data: "A" } }, 1_004],
      [{ type: "document", source: { type: "url", url: "u", more: "a" } }, 1_007],
      [{ type: "document", source: { type: "text", data: "name" } }, 9],
      [{ type: "document", source: { type: "content", content: "name" } }, 5],
      [{ type: "text", source: { type: "base64", data: "A" } }, 16],
      [{ type: "file", file: { file_data: long, filename: "a" } }, 1_000_008],
      [{ type: "file", file: { filename: "a" } }, 1_008],
      [{ type: "other", file: { file_data: "AAAAAAAA" } }, 15],
      [{ type: "input_file", file_data: long }, 1_000_005],
      [{ type: "other", file_data: "AAAA" }, 9],
    ]),
  )("%s has %i tokens", (_, value, tokens) => expect(contentTokens(value, image)).toBe(tokens));
});

describe("the arguments of a call", () => {
  const long = "A".repeat(80_000);

  it.each<[string, unknown, number]>(
    named([
      ["a", 1],
      [undefined, 0],
      [null, 0],
      [5, 1],
      [true, 1],
      [[], 0],
      [["a", 1], 2],
      [{}, 1],
      [{ a: "a" }, 3],
      [new ArrayBuffer(3), 3_000],
      [{ type: "base64" }, 4],
      [{ type: "other", data: "a" }, 5],
      [{ type: "base64", data: long }, 10_000],
      [{ type: "base64", media_type: "image/png", data: long }, 3_000],
      ["data:image/png;base64,A", 3_000],
      [`data:application/pdf;base64,${long}`, 10_004],
      ["xdata:image/png;base64,A", 11],
    ]),
  )("%s have %i tokens", (_, value, tokens) => expect(tokensIn(value)).toBe(tokens));

  it("are looked into as deep as it is said", () => {
    expect(tokensIn({ a: { a: "a" } }, 1)).toBe(2);
    expect(tokensIn(["a"], 0)).toBe(0);
  });
});
