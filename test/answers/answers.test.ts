import { describe, expect, it } from "vitest";
import { type RecordedAnswer, type Tokens, wireOf } from "./recorded.ts";
import { results, settledResults } from "./results.ts";
import { answers, settledAnswers } from "./index.ts";

/** The events of a stream's text, as the specification of server-sent events reads them. */
function eventsIn(text: string): { readonly event: string | undefined; readonly data: string }[] {
  return text
    .replace(/^\u{feff}/u, "")
    .split(/\r\n\r\n|\n\n|\r\r/)
    .map((block) => block.split(/\r\n|\n|\r/).filter((line) => line !== "" && !line.startsWith(":")))
    .filter((lines) => lines.length > 0)
    .map((lines) => {
      const fields = lines.map((line) => /^(event|data|id|retry)(?:: ?(.*))?$/s.exec(line));
      for (const [index, field] of fields.entries()) expect(field, lines[index]).not.toBeNull();
      const values = (name: string): string[] =>
        fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ""] : []));
      return { event: values("event").at(-1), data: values("data").join("\n") };
    });
}

/** The strings in `value`, in the order in which they stand. */
function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(stringsIn);
}

/** The JSON documents that `answer` consists of. */
function documentsIn(answer: RecordedAnswer): unknown[] {
  const texts = answer.events === undefined ? [answer.body ?? ""] : eventsIn(wireOf(answer)).map(({ data }) => data);
  return texts.filter((text) => text !== "" && text !== "[DONE]").map((text): unknown => JSON.parse(text));
}

function expectTokens({ input, output, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0, reasoning = 0 }: Tokens): void {
  for (const count of [input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning]) {
    expect(Number.isSafeInteger(count) && count >= 0, String(count)).toBe(true);
  }
  expect(cacheRead + cacheWrite).toBeLessThanOrEqual(input);
  expect(cacheWrite1h).toBeLessThanOrEqual(cacheWrite);
  expect(reasoning).toBeLessThanOrEqual(output);
}

/** The numbers in `value` that count something, whatever they count. */
function countsIn(value: unknown, name = ""): number[] {
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => countsIn(item, Array.isArray(value) ? name : key));
  }
  const isCount = /token|count|total|cache|reasoning/i.test(name) && /^\d+$/.test(String(value));
  return isCount ? [Number(value)] : [];
}

/** Each counter of `tokens` is said in `document`, or is a sum of at most four that are, or what one leaves of another. */
function expectSaid(tokens: Tokens, document: unknown): void {
  expectTokens(tokens);
  const counts = [...new Set([0, ...countsIn(document)])];
  const pairs = new Set(counts.flatMap((one) => counts.map((other) => one + other)));
  for (const [name, count] of Object.entries(tokens)) {
    const isRest = counts.some((whole) => counts.includes(whole - count));
    expect(isRest || [...pairs].some((pair) => pairs.has(count - pair)), `${name} ${count}`).toBe(true);
  }
}

describe("the recorded answers", () => {
  it("have names of their own", () => {
    const names = answers.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("are many, of every dialect and of every provider that teams use", () => {
    expect(answers.length).toBeGreaterThanOrEqual(350);
    const least = {
      "openai-chat": 170,
      "openai-responses": 50,
      "openai-embeddings": 20,
      "anthropic-messages": 70,
      gemini: 30,
    };
    for (const [dialect, count] of Object.entries(least)) {
      expect(answers.filter((one) => one.dialect === dialect).length, dialect).toBeGreaterThanOrEqual(count);
    }
    const providers = new Set(answers.map(({ provider }) => provider));
    const wanted = (
      "openai anthropic gemini azure bedrock vertex openrouter litellm groq deepseek moonshot qwen zai " +
      "xai mistral together fireworks cohere perplexity minimax vllm ollama lm-studio llama.cpp " +
      "cloudflare new-api relay compatible"
    ).split(" ");
    expect(wanted.filter((provider) => !providers.has(provider))).toEqual([]);
  });

  it("end in every way: with a report, with an estimate, and for free", () => {
    for (const kind of ["usage", "estimated", "free"]) {
      expect(settledAnswers.filter(({ booked }) => kind in booked).length, kind).toBeGreaterThanOrEqual(45);
    }
    // What is not settled stays the exception.
    expect(answers.length - settledAnswers.length).toBeLessThanOrEqual(20);
  });

  it.each(answers)("$name", (answer) => {
    const { request, events, body, booked, finalAt, reportedAt = finalAt, contentType, dialect, path } = answer;
    expect([events, body].filter((one) => one !== undefined)).toHaveLength(1);

    // An answer in another form than was asked for names its content type, so that none is so by accident.
    const asksForStream = dialect === "gemini" ? path?.includes(":streamGenerateContent") : request["stream"] === true;
    if (asksForStream !== (events !== undefined)) expect(contentType).toBeDefined();
    if (dialect === "gemini")
      expect(path).toMatch(/^models\/[^:/]+:(streamGenerateContent(\?alt=sse)?|generateContent)$/);
    else expect(typeof request["model"]).toBe("string");

    // Of a stream, each event as the wire has it is one, or only comments.
    if (events !== undefined) expect(eventsIn(wireOf(answer)).length).toBeLessThanOrEqual(events.length);
    const documents = documentsIn(answer);

    if ("usage" in booked) {
      expectSaid(booked.usage, documents);
      expect(documents).not.toEqual([]);
      // A stream says from which event on its report is final; a whole answer is.
      if (events === undefined) expect(finalAt).toBeUndefined();
      else expect(events[finalAt ?? -1]).toBeDefined();
      expect(reportedAt ?? 0).toBeLessThanOrEqual(finalAt ?? 0);
      if (booked.model !== undefined) expect(booked.model).not.toBe(request["model"]);
    } else {
      expect(finalAt).toBeUndefined();
    }
    if ("estimated" in booked) {
      if (booked.atLeast !== undefined) expectSaid(booked.atLeast, documents);
      // What was delivered is text of the answer, piece by piece, in its order.
      let rest = booked.delivered;
      for (const text of documents.flatMap(stringsIn)) if (rest.startsWith(text)) rest = rest.slice(text.length);
      expect(rest).toBe("");
    }
  });
});

describe("the recorded results of SDKs", () => {
  it("have names of their own", () => {
    const names = results.map(({ name }) => name);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it("are of every SDK and framework that teams use", () => {
    expect(settledResults.length).toBeGreaterThanOrEqual(50);
    const sdks = new Set(results.map(({ name }) => name.split(":")[0]));
    const wanted = (
      "openai, anthropic, ai 5, ai 6, ai 7, google, bedrock, ollama, cohere, mistral, openai agents, " +
      "langchain, langgraph, mastra, llamaindex, claude agent sdk, plain"
    ).split(", ");
    expect(wanted.filter((sdk) => !sdks.has(sdk))).toEqual([]);
  });

  it.each(results)("$name", ({ result, usage }) => {
    if (usage === null) expect(countsIn(result).filter((count) => count > 0)).toEqual([]);
    else expectSaid(usage, result);
  });
});
