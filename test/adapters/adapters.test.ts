/** Real SDKs, governed through what they take, against a stand-in for their providers and a real governor. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import Anthropic from "@anthropic-ai/sdk";
import { ChatOpenAI } from "@langchain/openai";
import { generateText, streamText, wrapLanguageModel } from "ai";
import * as ai6 from "ai-6";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { governed as governedModel } from "../../src/client/ai.ts";
import { governed as governedAnthropic } from "../../src/client/anthropic.ts";
import { BudgetExceededError, Bursar, type Pool } from "../../src/client/index.ts";
import { governed as governedOpenAi } from "../../src/client/openai.ts";
import { type Governor, startGovernor } from "../support/governor.ts";
import { answer, cached, input, type Provider, startProvider, used, words } from "../support/provider.ts";

const directory = mkdtempSync(join(tmpdir(), "bursar-adapters-"));
let governor: Governor;
let provider: Provider;
let key = "";
let pools = 0;

beforeAll(async () => {
  provider = await startProvider();
  governor = await startGovernor(directory);
  const made = await new Bursar({ url: governor.url, key: governor.operatorToken }).tenants.create("adapters");
  key = made.key.key;
}, 90_000);

afterAll(async () => {
  provider?.stop();
  await governor?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** A pool with one agent. */
async function newPool(max_tokens = 100_000): Promise<Pool> {
  const pool = new Bursar({ url: governor.url, key }).pool(`pool-${pools++}`);
  await pool.configure();
  await pool.register("writer", { priority: 1, max_tokens });
  return pool;
}

async function entry(pool: Pool) {
  const view = await pool.agent("writer").view();
  return { consumed: view.consumed, held: view.held, open: view.open_reservations };
}

/** What the provider was sent last. */
function lastRequest(): Record<string, unknown> {
  return provider.requests.at(-1) ?? {};
}

const openAi = (pool: Pool) =>
  new OpenAI({ apiKey: "theirs", baseURL: `${provider.url}/v1`, fetch: governedOpenAi(pool, "writer") });
const anthropic = (pool: Pool) =>
  new Anthropic({ apiKey: "theirs", baseURL: provider.url, fetch: governedAnthropic(pool, "writer") });
const messages = [{ role: "user" as const, content: "What becomes of the rest?" }];

/** Whether a request's body holds this text. */
function holds(init: RequestInit | undefined, text: string): boolean {
  return typeof init?.body === "string" && init.body.includes(text);
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not rejected");
}

describe("in a pool of dollars", () => {
  const price = { input: 3_000_000, output: 7_000_000, cache_read: 1_000_000 };
  const cost = 3 * (input - cached) + cached + 7 * words.length;

  async function newMoneyPool(max_microusd = 1_000_000): Promise<Pool> {
    const bursar = new Bursar({ url: governor.url, key });
    await bursar.prices.set("priced", price);
    const pool = bursar.pool(`pool-${pools++}`, { unit: "microusd" });
    await pool.configure();
    await pool.register("writer", { priority: 1, max_microusd });
    return pool;
  }

  it("each SDK's calls are booked at the price of their model, and clamped by it", async () => {
    const pool = await newMoneyPool();
    await openAi(pool).chat.completions.create({ model: "priced", messages, max_tokens: 50 });
    await openAi(pool).responses.create({ model: "priced", input: "Why?", max_output_tokens: 60 });
    await anthropic(pool).messages.create({ model: "priced", messages, max_tokens: 50 });
    const model = wrapLanguageModel({
      model: createOpenAI({ apiKey: "theirs", baseURL: `${provider.url}/v1` }).chat("priced"),
      middleware: governedModel(pool, "writer"),
    });
    await generateText({ model, prompt: "Why?" });
    expect(await streamText({ model, prompt: "Why?" }).text).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: 5 * cost, held: 0, open: 0 });
    const tight = await newMoneyPool(400);
    await openAi(tight).chat.completions.create({ model: "priced", messages, max_tokens: 5_000 });
    expect(Number(lastRequest()["max_tokens"]) * 7).toBeLessThanOrEqual(400);
  });

  it("a model that nobody prices is refused as each SDK's own error, and not asked", async () => {
    const pool = await newMoneyPool();
    const before = provider.requests.length;
    const refused = [
      openAi(pool).chat.completions.create({ model: "unpriced", messages }),
      anthropic(pool).messages.create({ model: "unpriced", messages, max_tokens: 50 }),
    ];
    for (const one of refused) expect(await rejection(one)).toMatchObject({ status: 404 });
    expect(provider.requests.length).toBe(before);
  });
});

describe("OpenAI's SDK", () => {
  it("books what a chat completion reports, and sends the limit that was granted", async () => {
    const pool = await newPool();
    const completion = await openAi(pool).chat.completions.create({ model: "m", messages, max_tokens: 50 });
    expect(completion.choices[0]?.message.content).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: used, held: 0, open: 0 });
    expect(lastRequest()).toMatchObject({ max_tokens: 50 });
    await openAi(pool).chat.completions.create({ model: "m", messages });
    expect(lastRequest()).toMatchObject({ max_completion_tokens: 4_096 });
  });

  it.each([false, true])("books a chat stream; its usage chunk is seen only by who asks for it (%s)", async (asks) => {
    const pool = await newPool();
    const options = asks ? { stream_options: { include_usage: true } } : {};
    const stream = await openAi(pool).chat.completions.create({ model: "m", messages, stream: true, ...options });
    let text = "";
    let usages = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      if (chunk.usage) usages++;
    }
    expect({ text, usages }).toEqual({ text: answer, usages: asks ? 1 : 0 });
    expect(lastRequest()).toMatchObject({ stream_options: { include_usage: true } });
    expect(await entry(pool)).toEqual({ consumed: used, held: 0, open: 0 });
  });

  it("books responses, whole and streamed, and embeddings", async () => {
    const pool = await newPool();
    const sdk = openAi(pool);
    expect((await sdk.responses.create({ model: "m", input: "Why?", max_output_tokens: 60 })).output_text).toBe(answer);
    let text = "";
    for await (const event of await sdk.responses.create({ model: "m", input: "Why?", stream: true })) {
      if (event.type === "response.output_text.delta") text += event.delta;
    }
    expect(text).toBe(answer);
    expect(await entry(pool)).toMatchObject({ consumed: 2 * used, held: 0 });
    await sdk.embeddings.create({ model: "m", input: "some text", encoding_format: "float" });
    expect(await entry(pool)).toMatchObject({ consumed: 2 * used + 20, held: 0 });
  });

  it("clamps the output to what is left, rather than refuse", async () => {
    const pool = await newPool(100);
    await openAi(pool).chat.completions.create({ model: "m", messages, max_tokens: 5_000 });
    const { max_tokens } = lastRequest();
    expect(max_tokens).toBeGreaterThan(16);
    expect(max_tokens).toBeLessThan(100);
  });

  it("is refused with its own error, after no request to the provider and without a second try", async () => {
    const pool = await newPool(10);
    const before = provider.requests.length;
    const error = await rejection(openAi(pool).chat.completions.create({ model: "m", messages }));
    expect(error).toBeInstanceOf(OpenAI.APIError);
    expect(error).toMatchObject({ status: 402, code: "insufficient_quota" });
    expect(String(error)).toContain("Budget exhausted");
    expect(provider.requests).toHaveLength(before);
    const { events } = await pool.journal();
    expect(events.map(({ type }) => type)).toEqual(["configured", "registered"]);
  });

  it("gives the hold back when the provider refuses", async () => {
    const pool = await newPool();
    const error = await rejection(openAi(pool).chat.completions.create({ model: "broken", messages }));
    expect(error).toMatchObject({ status: 400 });
    expect(await entry(pool)).toEqual({ consumed: 0, held: 0, open: 0 });
  });

  it("books what was delivered when the caller leaves a stream, and when the provider does", async () => {
    const pool = await newPool();
    const left = await openAi(pool).chat.completions.create({ model: "slow", messages, stream: true });
    let chunks = 0;
    for await (const _ of left) if (++chunks === 4) break;
    const cut = await openAi(pool).chat.completions.create({ model: "cut", messages, stream: true });
    await rejection(
      (async () => {
        for await (const _ of cut);
      })(),
    );
    await expect.poll(async () => (await entry(pool)).held).toBe(0);
    const { consumed } = await entry(pool);
    expect(consumed).toBeGreaterThan(20);
    expect(consumed).toBeLessThan(3 * used);
  });

  it("is left alone where it calls no model", async () => {
    const pool = await newPool();
    await openAi(pool).models.list();
    expect((await pool.journal()).events).toHaveLength(2);
  });
});

describe("a governed fetch", () => {
  /** A pool whose governor can't be reached for requests that hold this text. */
  async function cutOff(text: string, max_tokens = 100_000): Promise<{ whole: Pool; cut: Pool }> {
    const whole = await newPool(max_tokens);
    const failing: typeof fetch = (input, init) =>
      holds(init, text) ? Promise.reject(new TypeError("cut off")) : fetch(input, init);
    const cut = new Bursar({ url: governor.url, key, fetch: failing, retries: 0 }).pool(whole.name);
    return { whole, cut };
  }
  const body = JSON.stringify({ model: "m", messages, max_tokens: 50 });
  const url = () => `${provider.url}/v1/chat/completions`;

  it("gives the caller its answer even if it can't be booked, and says so", async () => {
    const { whole, cut } = await cutOff('"commit"');
    const told: number[] = [];
    const send = governedOpenAi(cut, "writer", { unbooked: (_, { id: _id }, amount) => told.push(amount) });
    const response = await send(url(), { method: "POST", body });
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: answer } }] });
    expect(told).toEqual([used]);
    // Nobody gave it back: it is held until its lease ends.
    expect(await entry(whole)).toMatchObject({ consumed: 0, open: 1 });
  });

  it("goes on without the governor only if told to, and hides no error of the provider's", async () => {
    const { cut } = await cutOff("op");
    await rejection(governedOpenAi(cut, "writer")(url(), { method: "POST", body }));
    const brave = governedOpenAi(cut, "writer", { on_unreachable: "allow" });
    expect((await brave(url(), { method: "POST", body })).status).toBe(200);
    const broken = body.replace('"m"', '"broken"');
    expect((await brave(url(), { method: "POST", body: broken })).status).toBe(400);
  });

  it("takes requests in every form that fetch takes, and sends on what it does not govern", async () => {
    const pool = await newPool();
    const send = governedOpenAi(pool, "writer");
    const forms: (() => Promise<Response>)[] = [
      () => send(new URL(url()), { method: "POST", body }),
      () => send(new Request(url(), { method: "POST", body })),
      () => send(new Request(url(), { method: "POST", body: "replaced" }), { body }),
      () => send(url(), { method: "post", body: new TextEncoder().encode(body) }),
    ];
    for (const form of forms) expect(await (await form()).json()).toMatchObject({ usage: { total_tokens: used } });
    expect(await entry(pool)).toEqual({ consumed: forms.length * used, held: 0, open: 0 });
    // Another kind of message, on a path that ends like a model's.
    const thread = { method: "POST", body: JSON.stringify({ role: "user", content: "hello" }) };
    await send(new Request(`${provider.url}/v1/threads/t/messages`, thread));
    expect(lastRequest()).toEqual({ role: "user", content: "hello" });
    expect(await entry(pool)).toMatchObject({ consumed: forms.length * used });
  });

  it("settles a stream whose caller aborts without reading it", async () => {
    const pool = await newPool();
    const controller = new AbortController();
    const streaming = JSON.stringify({ model: "slow", messages, stream: true });
    await governedOpenAi(pool, "writer")(url(), { method: "POST", body: streaming, signal: controller.signal });
    controller.abort();
    await expect.poll(async () => (await entry(pool)).held).toBe(0);
    expect((await entry(pool)).consumed).toBeGreaterThan(0);
  });
});

describe("Anthropic's SDK", () => {
  it("books what a message reports, the cache included", async () => {
    const pool = await newPool();
    const message = await anthropic(pool).messages.create({ model: "m", messages, max_tokens: 50 });
    expect(message.content[0]).toMatchObject({ type: "text", text: answer });
    expect(await entry(pool)).toEqual({ consumed: used, held: 0, open: 0 });
  });

  it("books a stream", async () => {
    const pool = await newPool();
    const stream = anthropic(pool).messages.stream({ model: "m", messages, max_tokens: 50 });
    expect(await stream.finalText()).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: used, held: 0, open: 0 });
  });

  it("is refused with its own error, after no request to the provider", async () => {
    const pool = await newPool(10);
    const before = provider.requests.length;
    const error = await rejection(anthropic(pool).messages.create({ model: "m", messages, max_tokens: 50 }));
    expect(error).toBeInstanceOf(Anthropic.APIError);
    expect(error).toMatchObject({ status: 402 });
    expect(String(error)).toContain("Budget exhausted");
    expect(provider.requests).toHaveLength(before);
  });

  it("books what was delivered when the caller leaves", async () => {
    const pool = await newPool();
    const stream = anthropic(pool).messages.stream({ model: "slow", messages, max_tokens: 50 });
    stream.on("text", (_, snapshot) => {
      if (snapshot.length > 20) stream.abort();
    });
    await rejection(stream.finalText());
    await expect.poll(async () => (await entry(pool)).held).toBe(0);
    const { consumed } = await entry(pool);
    expect(consumed).toBeGreaterThanOrEqual(21);
    expect(consumed).toBeLessThan(2 * used);
  });
});

describe("the AI SDK", () => {
  const models = {
    openai: () => createOpenAI({ apiKey: "theirs", baseURL: `${provider.url}/v1` }).chat("m"),
    anthropic: () => createAnthropic({ apiKey: "theirs", baseURL: `${provider.url}/v1` })("m"),
  };
  /** A model of the older specification: the newer one's answers fit it. */
  const older = () => {
    const model = models.openai();
    const doGenerate: typeof model.doGenerate = (call) => model.doGenerate(call);
    const doStream: typeof model.doStream = (call) => model.doStream(call);
    return {
      ...model,
      specificationVersion: "v3",
      provider: "p",
      modelId: "m",
      supportedUrls: {},
      doGenerate,
      doStream,
    } as never;
  };
  const wrapped = (pool: Pool, name: keyof typeof models) =>
    wrapLanguageModel({ model: models[name](), middleware: governedModel(pool, "writer") });

  it.each(["openai", "anthropic"] as const)("books text and streams of a model of %s", async (name) => {
    const pool = await newPool();
    const { text } = await generateText({ model: wrapped(pool, name), prompt: "Why?", maxOutputTokens: 40 });
    expect(text).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: used, held: 0, open: 0 });
    const stream = streamText({ model: wrapped(pool, name), prompt: "Why?" });
    expect(await stream.text).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: 2 * used, held: 0, open: 0 });
  });

  it("of the version before, with its own specification, is governed alike", async () => {
    const pool = await newPool();
    const middleware = governedModel(pool, "writer", { specification: "v3" });
    const model = ai6.wrapLanguageModel({ model: older(), middleware });
    const { text } = await ai6.generateText({ model, prompt: "Why?", maxOutputTokens: 40 });
    expect(text).toBe(answer);
    const stream = ai6.streamText({ model, prompt: "Why?" });
    expect(await stream.text).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: 2 * used, held: 0, open: 0 });
    const poor = await newPool(10);
    const refusing = governedModel(poor, "writer", { specification: "v3" });
    const short = ai6.wrapLanguageModel({
      model: older(),
      middleware: refusing,
    });
    expect(await rejection(ai6.generateText({ model: short, prompt: "Why?" }))).toMatchObject({ statusCode: 402 });
  });

  it("is refused with its own error, once, and no request is made", async () => {
    const pool = await newPool(10);
    const before = provider.requests.length;
    const error = await rejection(generateText({ model: wrapped(pool, "openai"), prompt: "Why?" }));
    expect(error).toMatchObject({ name: "AI_APICallError", statusCode: 402, isRetryable: false });
    expect(Object(error).cause).toBeInstanceOf(BudgetExceededError);
    expect(provider.requests).toHaveLength(before);
  });

  it("is governed as a function, too: its stream reports when it ends", async () => {
    const pool = await newPool();
    const stream = await pool.govern("writer", (prompt: string) => streamText({ model: models.openai(), prompt }))(
      "Why?",
    );
    expect(await stream.text).toBe(answer);
    await expect.poll(async () => await entry(pool)).toEqual({ consumed: used, held: 0, open: 0 });
  });
});

describe("LangChain", () => {
  const chat = (pool: Pool) =>
    new ChatOpenAI({
      model: "m",
      apiKey: "theirs",
      configuration: { baseURL: `${provider.url}/v1`, fetch: governedOpenAi(pool, "writer") },
    });

  it("is governed by the same fetch, whole and streamed", async () => {
    const pool = await newPool();
    expect((await chat(pool).invoke("Why?")).content).toBe(answer);
    let text = "";
    for await (const { text: part } of await chat(pool).stream("Why?")) text += part;
    expect(text).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: 2 * used, held: 0, open: 0 });
  });

  it("is refused once", async () => {
    const pool = await newPool(10);
    const before = provider.requests.length;
    expect(String(await rejection(chat(pool).invoke("Why?")))).toContain("Budget exhausted");
    expect(provider.requests).toHaveLength(before);
  });
});

describe("a governed function", () => {
  it("may give back an SDK's stream: it is booked when whoever reads it comes to its end", async () => {
    const pool = await newPool();
    const sdk = new OpenAI({ apiKey: "theirs", baseURL: `${provider.url}/v1` });
    const ask = pool.govern("writer", () =>
      sdk.chat.completions.create({ model: "m", messages, stream: true, stream_options: { include_usage: true } }),
    );
    let text = "";
    for await (const chunk of await ask()) text += chunk.choices[0]?.delta.content ?? "";
    expect(text).toBe(answer);
    expect(await entry(pool)).toEqual({ consumed: used, held: 0, open: 0 });
  });

  it("books a stream in whatever way it is read", async () => {
    const pool = await newPool();
    const sdk = new OpenAI({ apiKey: "theirs", baseURL: `${provider.url}/v1` });
    const ask = pool.govern("writer", () =>
      sdk.chat.completions.create({ model: "m", messages, stream: true, stream_options: { include_usage: true } }),
    );
    const [left] = (await ask()).tee();
    for await (const _ of left);
    const bytes = (await ask()).toReadableStream();
    for await (const _ of bytes);
    const claude = new Anthropic({ apiKey: "theirs", baseURL: provider.url });
    const helper = await pool.govern("writer", () =>
      claude.messages.stream({ model: "m", messages, max_tokens: 50 }),
    )();
    expect(await helper.finalText()).toBe(answer);
    await expect.poll(async () => await entry(pool)).toEqual({ consumed: 3 * used, held: 0, open: 0 });
  });

  it("gives nothing back that it tried to book", async () => {
    const whole = await newPool();
    const failing: typeof fetch = (input, init) =>
      holds(init, '"commit"') ? Promise.reject(new TypeError("cut off")) : fetch(input, init);
    const pool = new Bursar({ url: governor.url, key, fetch: failing, retries: 0 }).pool(whole.name);
    await rejection(
      (async () => {
        await using hold = await pool.reserve("writer", 500);
        await hold.commit(400);
      })(),
    );
    expect(await entry(whole)).toEqual({ consumed: 0, held: 500, open: 1 });
  });

  it("hands a part of its agent's budget down to sub-agents, and gets back what they did not spend", async () => {
    const pool = await newPool(10_000);
    {
      await using sub = await pool.agent("writer").spawn("sub-1", { priority: 1, max_tokens: 4_000, min_reserve: 0 });
      await sub.govern(async () => ({ usage: { prompt_tokens: 500, completion_tokens: 0 } }))();
      expect(await pool.summary()).toEqual({
        writer: { allocated: 6_000, consumed: 0, remaining: 6_000 },
        "sub-1": { allocated: 4_000, consumed: 500, remaining: 3_500 },
      });
    }
    expect(await pool.summary()).toEqual({ writer: { allocated: 10_000, consumed: 500, remaining: 9_500 } });
  });

  it("goes on without the governor only if its caller says so, and says that it did", async () => {
    const dead = new Bursar({ url: "http://127.0.0.1:1", key, retries: 0 }).pool("anywhere");
    let calls = 0;
    const call = async (): Promise<number> => ++calls;
    await rejection(dead.govern("writer", call)());
    expect(calls).toBe(0);
    const told: boolean[] = [];
    const brave = dead.govern("writer", call, {
      on_unreachable: "allow",
      ungoverned: ({ governed }) => told.push(governed),
    });
    expect(await brave()).toBe(1);
    expect(told).toEqual([false]);
  });
});
