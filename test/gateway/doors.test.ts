/**
 * The same recorded answer is booked the same whichever way the call is governed: through the gateway, by the `fetch`
 * for OpenAI's and Anthropic's SDKs, and by `govern`. The governor is real; the provider is a server that sends the
 * recorded bytes.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { governed as governedAnthropic } from "../../src/client/anthropic.ts";
import { Bursar, type Pool } from "../../src/client/index.ts";
import { governed as governedOpenAi } from "../../src/client/openai.ts";
import type { BookedUsage } from "../../src/protocol/price.ts";
import { settledAnswers } from "../answers/index.ts";
import { contentTypeOf, type RecordedAnswer, wireOf } from "../answers/recorded.ts";
import { dialectNamed, faultIn } from "../support/requests.ts";
import { key as adminKey, keyFor, startWorkerd, type Workerd } from "../support/workerd.ts";

/** Rates that tell every kind of token from every other. */
const rates = {
  input: 1_000_000,
  output: 10_000_000,
  cache_read: 100_000,
  cache_write: 1_250_000,
  cache_write_1h: 2_000_000,
};
const factors: Readonly<Record<string, number>> = { flex: 0.5, batch: 0.5, us: 1.1 };

type Httpable = RecordedAnswer & { readonly dialect: Exclude<RecordedAnswer["dialect"], "gemini"> };
const answers = settledAnswers.filter(
  (one): one is Httpable =>
    one.dialect !== "gemini" && (one.status ?? 200) === 200 && faultIn(one.dialect, one.request) === undefined,
);

let workerd: Workerd;
let provider: Server;
let bursar: Bursar;
let url = "";

beforeAll(async () => {
  provider = createServer((request, response) => {
    request.resume();
    const answer = answers[Number(request.headers["x-client-request-id"])];
    const type = answer === undefined ? "text/plain" : contentTypeOf(answer);
    response.writeHead(answer === undefined ? 404 : 200, type === undefined ? {} : { "content-type": type });
    response.end(answer === undefined ? "" : wireOf(answer));
  });
  await new Promise<void>((resolve) => {
    provider.listen(0, "127.0.0.1", resolve);
  });
  const upstream = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  workerd = await startWorkerd(
    { bursar: "PoolObject" },
    {
      isQuiet: true,
      reachesThisMachine: true,
      settings: {
        OPENAI_UPSTREAM: `${upstream}/v1`,
        ANTHROPIC_UPSTREAM: upstream,
        OPENAI_API_KEY: "sk-openai",
        ANTHROPIC_API_KEY: "sk-anthropic",
        BURSAR_LOG: "none",
      },
    },
  );
  url = workerd.urls.bursar;
  bursar = new Bursar({ url, key: adminKey, transport: "fetch" });
  for (const model of new Set(answers.map(({ request }) => String(request["model"])))) {
    await bursar.prices.set(model, rates);
  }
}, 90_000);

afterAll(async () => {
  provider.close();
  bursar.close();
  await workerd.stop();
});

/** A pool of dollars with one agent; every model costs the same. */
async function newPool(name: string): Promise<Pool> {
  const pool = bursar.pool(name, { unit: "microusd" });
  await pool.configure();
  await pool.register("writer", { priority: 1, max_microusd: 1_000_000_000 });
  return pool;
}

type Outcome = { readonly amount: number; readonly usage: BookedUsage | undefined };

/** Makes one call for each answer, a few at a time, and says what each was booked at, by the index of its answer. */
async function outcomesOf(pool: Pool, call: (answer: Httpable, index: number) => Promise<string | undefined>) {
  const ids = new Map<string, number>();
  const rest = [...answers.entries()];
  const work = async (): Promise<void> => {
    for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
      const id = await call(next[1], next[0]);
      if (id !== undefined) ids.set(id, next[0]);
    }
  };
  await Promise.all(Array.from({ length: 4 }, work));
  const outcomes = new Map<number, Outcome>();
  for (let after = 0; ;) {
    const { events } = await pool.journal(after);
    for (const event of events) {
      if (event.type === "reserved" && event.metadata?.["answer"] !== undefined) {
        ids.set(event.id, Number(event.metadata["answer"]));
      }
      if (event.type !== "committed" && event.type !== "released") continue;
      const index = ids.get(event.id);
      if (index === undefined) continue;
      outcomes.set(
        index,
        event.type === "released" ? { amount: 0, usage: undefined } : { amount: event.amount, usage: event.usage },
      );
    }
    const last = events.at(-1);
    if (last === undefined) break;
    after = last.seq;
  }
  return outcomes;
}

const paths = {
  "openai-chat": "/openai/v1/chat/completions",
  "openai-responses": "/openai/v1/responses",
  "openai-embeddings": "/openai/v1/embeddings",
  "anthropic-messages": "/anthropic/v1/messages",
} as const;

/** Through the gateway, as an SDK would. */
async function throughGateway(pool: Pool): Promise<Map<number, Outcome>> {
  const key = await keyFor({ scope: "gateway", pool: pool.name, agent: "writer" });
  return outcomesOf(pool, async ({ dialect, request }, index) => {
    const response = await fetch(url + paths[dialect], {
      method: "POST",
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "x-client-request-id": String(index),
      },
      body: JSON.stringify(request),
    });
    await response.text();
    return response.headers.get("x-bursar-reservation") ?? undefined;
  });
}

/** By the `fetch` that an SDK is given; the provider's bytes come from the same recording. */
function throughFetch(pool: Pool): Promise<Map<number, Outcome>> {
  return outcomesOf(pool, async (answer, index) => {
    const make = answer.dialect === "anthropic-messages" ? governedAnthropic : governedOpenAi;
    const type = contentTypeOf(answer);
    const send: typeof fetch = async () =>
      new Response(
        new TextEncoder().encode(wireOf(answer)),
        type === undefined ? {} : { headers: { "content-type": type } },
      );
    const governed = make(pool, "writer", { fetch: send, metadata: { answer: String(index) } });
    const address = `https://provider.example/v1${dialectNamed(answer.dialect).path}`;
    const response = await governed(address, { method: "POST", body: JSON.stringify(answer.request) });
    await response.text();
    return undefined;
  });
}

/** By `govern`, whose function gives back the answer as an SDK has parsed it. */
function throughGovern(pool: Pool): Promise<Map<number, Outcome>> {
  return outcomesOf(pool, async (answer, index) => {
    if (answer.body === undefined || !("usage" in answer.booked)) return undefined;
    const result: unknown = JSON.parse(answer.body);
    const ask = pool.govern("writer", async (_request: object) => result, { metadata: { answer: String(index) } });
    await ask(answer.request);
    return undefined;
  });
}

/** What is right for an answer that reports its use: each kind of token at its rate, in the tier that served it. */
function costOf({ booked }: RecordedAnswer): number | undefined {
  if (!("usage" in booked) || (booked.tier !== undefined && factors[booked.tier] === undefined)) return undefined;
  const { input, output, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0 } = booked.usage;
  // $10 per 1,000 searches.
  const fees = 10_000 * (booked.toolUses?.["web_search"] ?? 0);
  const factor = factors[booked.tier ?? ""] ?? 1;
  const millionths =
    (input - cacheRead - cacheWrite) * Math.ceil(rates.input * factor) +
    cacheRead * Math.ceil(rates.cache_read * factor) +
    (cacheWrite - cacheWrite1h) * Math.ceil(rates.cache_write * factor) +
    cacheWrite1h * Math.ceil(rates.cache_write_1h * factor) +
    output * Math.ceil(rates.output * factor);
  return fees + Math.ceil(millionths / 1_000_000);
}

describe("every recorded answer", () => {
  it("is booked at what is right to the microusd, and the same by every door", async () => {
    const [gateway, byFetch, byGovern] = await Promise.all([
      newPool("by-gateway").then(throughGateway),
      newPool("by-fetch").then(throughFetch),
      newPool("by-govern").then(throughGovern),
    ]);
    const wrong: unknown[] = [];
    for (const [index, answer] of answers.entries()) {
      const { name, booked } = answer;
      const [one, other, third] = [gateway.get(index), byFetch.get(index), byGovern.get(index)];
      const amounts = [one?.amount, other?.amount, ...(third === undefined ? [] : [third.amount])];
      if ("free" in booked) {
        if (amounts.some((amount) => amount !== 0)) wrong.push([name, "free", amounts]);
        continue;
      }
      if ("estimated" in booked) {
        // The time that a machine under load takes is estimated, too: only what went in is the same to the token.
        const inputs = [one?.usage?.input, other?.usage?.input];
        const marks = [one?.usage?.estimated, other?.usage?.estimated];
        if (inputs[0] === undefined || inputs[0] !== inputs[1] || marks.some((mark) => mark !== true)) {
          wrong.push([name, "estimated", inputs, marks]);
        }
        continue;
      }
      const cost = costOf(answer) ?? one?.amount;
      if (amounts.some((amount) => amount !== cost)) wrong.push([name, cost, amounts]);
    }
    expect(wrong.map((one) => JSON.stringify(one))).toEqual([]);
    expect(byGovern.size).toBeGreaterThan(60);
    expect(answers.length).toBeGreaterThan(280);
  });
});
