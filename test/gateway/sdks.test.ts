/**
 * The providers' own SDKs, and those that stand on them, unmodified but for base URL and key: what they give through
 * the gateway is what they give without it, and what it used is booked exactly.
 */

import type { IncomingHttpHeaders } from "node:http";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { ChatAnthropic } from "@langchain/anthropic";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, streamText } from "ai";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { answer, input, used } from "../support/provider.ts";
import { operatorToken } from "../support/workerd.ts";
import {
  books,
  call,
  type DialectName,
  dialects,
  eventsOf,
  payingKeys,
  type Stage,
  settled,
  startStage,
} from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
}, 90_000);
afterAll(() => stage?.stop());

const ask = { model: "stand-in", max_tokens: 60, messages: [{ role: "user" as const, content: "hello" }] };
const noCall: { readonly headers: IncomingHttpHeaders } = { headers: {} };
const names = Object.keys(dialects) as DialectName[];

/** Where an SDK is pointed: through the gateway with a key of ours, or at the provider itself. */
type Way = { readonly openai: string; readonly anthropic: string; readonly key: string };

async function ways(): Promise<{
  governed: Way;
  direct: Way;
  spent: () => Promise<{ consumed: number; held: number }>;
}> {
  const { pool, key } = await stage.newPool();
  const { url, provider } = stage;
  return {
    governed: { openai: `${url}/openai/v1`, anthropic: `${url}/anthropic`, key },
    direct: { openai: `${provider.url}/v1`, anthropic: provider.url, key: "sk-direct" },
    spent: async () => {
      const { consumed, held } = await books(pool);
      return { consumed, held };
    },
  };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** What each SDK is asked for, and what it uses. The answers are compared as the SDK gives them. */
const uses: readonly (readonly [name: string, tokens: number, run: (way: Way) => Promise<unknown>])[] = [
  ["openai, chat", used, ({ openai, key }) => openAi(openai, key).chat.completions.create(ask)],
  [
    "openai, chat, streamed",
    used,
    async ({ openai, key }) => all(await openAi(openai, key).chat.completions.create({ ...ask, stream: true })),
  ],
  [
    "openai, chat, streamed with usage",
    used,
    async ({ openai, key }) =>
      all(
        await openAi(openai, key).chat.completions.create({
          ...ask,
          stream: true,
          stream_options: { include_usage: true },
        }),
      ),
  ],
  [
    "openai, responses",
    used,
    ({ openai, key }) =>
      openAi(openai, key).responses.create({ model: "stand-in", input: "hello", max_output_tokens: 60 }),
  ],
  [
    "openai, responses, streamed",
    used,
    async ({ openai, key }) =>
      all(
        await openAi(openai, key).responses.create({
          model: "stand-in",
          input: "hello",
          max_output_tokens: 60,
          stream: true,
        }),
      ),
  ],
  [
    "openai, embeddings",
    input,
    ({ openai, key }) => openAi(openai, key).embeddings.create({ model: "stand-in", input: "hello" }),
  ],
  ["openai, models", 0, async ({ openai, key }) => (await openAi(openai, key).models.list()).data],
  ["anthropic, messages", used, ({ anthropic, key }) => anthropicAi(anthropic, key).messages.create(ask)],
  [
    "anthropic, messages, streamed",
    used,
    async ({ anthropic, key }) => all(await anthropicAi(anthropic, key).messages.create({ ...ask, stream: true })),
  ],
  [
    "anthropic, messages, its stream helper",
    used,
    ({ anthropic, key }) => anthropicAi(anthropic, key).messages.stream(ask).finalMessage(),
  ],
  [
    "anthropic, count_tokens",
    0,
    ({ anthropic, key }) =>
      anthropicAi(anthropic, key).messages.countTokens({ model: ask.model, messages: ask.messages }),
  ],
  ["anthropic, models", 0, async ({ anthropic, key }) => (await anthropicAi(anthropic, key).models.list()).data],
  [
    "ai, OpenAI's chat",
    used,
    async ({ openai, key }) => {
      const model = createOpenAI({ baseURL: openai, apiKey: key }).chat("stand-in");
      const { text, usage } = await generateText({ model, prompt: "hello", maxOutputTokens: 60 });
      return { text, usage };
    },
  ],
  [
    "ai, OpenAI's responses, streamed",
    used,
    async ({ openai, key }) => {
      const model = createOpenAI({ baseURL: openai, apiKey: key })("stand-in");
      const stream = streamText({ model, prompt: "hello", maxOutputTokens: 60 });
      return { text: await stream.text, usage: await stream.usage };
    },
  ],
  [
    "ai, Anthropic, streamed",
    used,
    async ({ anthropic, key }) => {
      const model = createAnthropic({ baseURL: `${anthropic}/v1`, apiKey: key })("stand-in");
      const stream = streamText({ model, prompt: "hello", maxOutputTokens: 60 });
      return { text: await stream.text, usage: await stream.usage };
    },
  ],
  [
    "LangChain, OpenAI",
    used,
    async ({ openai, key }) => {
      const model = new ChatOpenAI({
        model: "stand-in",
        apiKey: key,
        maxTokens: 60,
        configuration: { baseURL: openai },
      });
      const { content, usage_metadata } = await model.invoke("hello");
      return { content, usage_metadata };
    },
  ],
  [
    "LangChain, OpenAI, streamed",
    used,
    async ({ openai, key }) => {
      const model = new ChatOpenAI({
        model: "stand-in",
        apiKey: key,
        maxTokens: 60,
        configuration: { baseURL: openai },
      });
      return (await all(await model.stream("hello"))).map(({ content, usage_metadata }) => [content, usage_metadata]);
    },
  ],
  [
    "LangChain, Anthropic",
    used,
    async ({ anthropic, key }) => {
      const model = new ChatAnthropic({ model: "stand-in", apiKey: key, maxTokens: 60, anthropicApiUrl: anthropic });
      const { content, usage_metadata } = await model.invoke("hello");
      return { content, usage_metadata };
    },
  ],
  [
    "LangChain, Anthropic, streamed",
    used,
    async ({ anthropic, key }) => {
      const model = new ChatAnthropic({ model: "stand-in", apiKey: key, maxTokens: 60, anthropicApiUrl: anthropic });
      return (await all(await model.stream("hello"))).map(({ content, usage_metadata }) => [content, usage_metadata]);
    },
  ],
];

const openAi = (baseURL: string, apiKey: string) => new OpenAI({ baseURL, apiKey });
const anthropicAi = (baseURL: string, apiKey: string) => new Anthropic({ baseURL, apiKey });

describe("through the gateway, what an SDK gives is what it gives without it", () => {
  it.each(uses)("%s", async (_, tokens, run) => {
    const { governed, direct, spent } = await ways();
    const [through, without] = [await run(governed), await run(direct)];
    expect(through).toEqual(without);
    expect(await spent()).toEqual({ consumed: tokens, held: 0 });
  });
});

describe("the tool runner of Anthropic's SDK", () => {
  it("goes on without a thread, which it asks for by itself", async () => {
    const { governed, spent } = await ways();
    const client = new Anthropic({ baseURL: governed.anthropic, apiKey: governed.key, maxRetries: 0 });
    const runner = client.beta.messages.toolRunner({ ...ask, tools: [] });
    expect(await runner).toMatchObject({ role: "assistant", stop_reason: "end_turn" });
    expect(await spent()).toEqual({ consumed: used, held: 0 });
  });
});

describe.each(names)("to the byte, a stream of %s", (dialect) => {
  const forms = ["plain", "crlf", "bytes", "joined", "runes", "tool", "twice", "unreported", "gzip"];
  it.each(forms)("that is %s", async (form) => {
    for (const more of [{}, ...(dialect === "chat" ? [{ stream_options: { include_usage: true } }] : [])]) {
      const { key } = await stage.newPool();
      const body = { stream: true, ...more };
      const through = await call(stage, key, dialect, `stand-in:${form}`, { body });
      const direct = await fetch(
        `${stage.provider.url}${dialects[dialect].path.replace(/^\/(openai|anthropic)/, "")}`,
        {
          method: "POST",
          body: JSON.stringify({ ...dialects[dialect].body(`stand-in:${form}`), ...body }),
        },
      );
      expect(await through.text()).toBe(await direct.text());
      expect(through.headers.get("content-type")).toBe("text/event-stream");
    }
  });
});

describe("what goes to the provider", () => {
  it("is the checked body and listed headers, with the Worker's key where the caller brings none", async () => {
    const { key } = await stage.newPool();
    const headers = {
      "x-forwarded-for": "1.2.3.4",
      cookie: "a=b",
      "openai-organization": "org-theirs",
      "x-stainless-lang": "js",
    };
    await (await call(stage, key, "chat", "stand-in", { body: { temperature: 0.5, stop: ["x"] }, headers })).text();
    const { headers: sent, body, path } = stage.provider.calls.at(-1) ?? { headers: {}, body: "{}", path: "" };
    expect(path).toBe("/v1/chat/completions");
    expect(JSON.parse(body)).toEqual({ ...dialects.chat.body("stand-in"), temperature: 0.5, stop: ["x"] });
    expect(sent.authorization).toBe(`Bearer ${payingKeys.OPENAI_API_KEY}`);
    expect(sent["x-stainless-lang"]).toBe("js");
    for (const name of ["cookie", "x-forwarded-for", "openai-organization", "x-bursar-key"])
      expect(sent).not.toHaveProperty(name);
    expect(JSON.stringify(sent)).not.toContain("bursar_");
  });

  it("is the caller's own key, where Bursar's travels beside it", async () => {
    const { pool, key } = await stage.newPool();
    for (const own of [{ authorization: "Bearer sk-theirs" }, { authorization: "", "x-api-key": "sk-theirs" }]) {
      const headers = { "x-bursar-key": key, "openai-organization": "org-theirs", ...own };
      const response = await call(stage, key, "messages", "stand-in", { headers });
      expect([response.status, await response.text()]).toEqual([200, expect.stringContaining(answer)]);
      const { headers: sent } = stage.provider.calls.at(-1) ?? noCall;
      expect([sent.authorization ?? "", sent["x-api-key"] ?? ""].filter((one) => one !== "")).toEqual([
        own.authorization === "" ? "sk-theirs" : "Bearer sk-theirs",
      ]);
      expect(sent["openai-organization"]).toBe("org-theirs");
    }
    expect(await settled(pool)).toMatchObject({ consumed: 2 * used });
  });

  it("never has a key of ours in it, wherever a caller puts one", async () => {
    const { key } = await stage.newPool();
    const own = { "x-bursar-key": key, authorization: "Bearer sk-theirs" };
    const before = stage.provider.calls.length;
    for (const headers of [
      { ...own, authorization: `Bearer ${key}` },
      { ...own, "x-api-key": `Bearer ${key}` },
      { ...own, "x-api-key": `sk-theirs, ${key}` },
      { ...own, authorization: "Basic c2stdGhlaXJz" },
      { ...own, authorization: `Bearer ${operatorToken}` },
    ]) {
      expect((await call(stage, key, "chat", "stand-in", { headers })).status).toBe(401);
    }
    expect(stage.provider.calls.length).toBe(before);
    const told = { "user-agent": key, "x-stainless-lang": key, "openai-beta": key, "openai-project": key };
    expect((await call(stage, key, "chat", "stand-in", { headers: { ...own, ...told } })).status).toBe(200);
    const headers = { authorization: `Bearer ${key}` };
    await (await fetch(`${stage.url}/openai/v1/models?limit=5&key=${key}&after=${key}`, { headers })).text();
    expect(JSON.stringify(stage.provider.calls.slice(before))).not.toContain("bursar_");
    expect(stage.provider.calls.at(-1)?.path).toBe("/v1/models?limit=5");
  });

  it("has its output limited to what was granted, and to a default where the caller names no limit", async () => {
    const { pool, key } = await stage.newPool({ max_tokens: 80 });
    const limited = await call(stage, key, "chat", "stand-in", { body: { max_tokens: 5_000 } });
    const limit = Number(limited.headers.get("x-bursar-output-limit"));
    expect(limit).toBeGreaterThan(16);
    expect(limit).toBeLessThan(80);
    expect(stage.provider.requests.at(-1)).toMatchObject({ max_tokens: limit });
    expect(limited.headers.get("x-bursar-granted-tokens")).toBe("80");
    await limited.text();
    const rich = await stage.newPool();
    for (const [headers, expected] of [
      [{}, 4_096],
      [{ "x-bursar-max-output": "77" }, 77],
    ] as const) {
      await (await call(stage, rich.key, "chat", "stand-in", { body: { max_tokens: undefined }, headers })).text();
      expect(stage.provider.requests.at(-1)).toMatchObject({ max_completion_tokens: expected });
    }
    expect(await settled(pool)).toMatchObject({ consumed: used });
    const [reserved] = await eventsOf(pool, "reserved");
    expect(reserved).toMatchObject({ on_expiry: "charge", metadata: { gateway: "openai", model: "stand-in" } });
  });

  it("waits in line for budget where the caller says so", async () => {
    const { pool, key } = await stage.newPool({ max_tokens: 100 });
    const hold = await pool.reserve("writer", 100);
    const waiting = call(stage, key, "chat", "stand-in", { headers: { "x-bursar-wait-ms": "5000" } });
    await new Promise((resolve) => setTimeout(resolve, 100));
    await hold.release();
    expect((await waiting).status).toBe(200);
  });
});

describe("what comes back", () => {
  it("has the provider's request id and ours, and nothing that is the provider's own business", async () => {
    const { key } = await stage.newPool();
    const { headers } = await call(stage, key, "chat", "stand-in");
    expect(headers.get("x-request-id")).toBe("req_of_the_provider");
    expect(headers.get("x-bursar-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get("set-cookie")).toBeNull();
  });
});
