/** Gemini's own API, through the gateway: whole, streamed as events and as a list, refused, and booked as reported. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bursar, type Pool } from "../../src/client/index.ts";
import { settledAnswers } from "../answers/index.ts";
import { contentTypeOf, type RecordedAnswer, wireOf } from "../answers/recorded.ts";
import { key as adminKey, keyFor, startWorkerd, type Workerd } from "../support/workerd.ts";

const answers = settledAnswers.filter(({ dialect, status = 200 }) => dialect === "gemini" && status === 200);
let workerd: Workerd;
let provider: Server;
let bursar: Bursar;
let asked: { path: string; key: string | undefined; body: Record<string, unknown> } | undefined;
let pools = 0;

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const key = request.headers["x-goog-api-key"]?.toString();
  asked = { path: request.url ?? "", key, body: text === "" ? {} : JSON.parse(text) };
  const answer = answers[Number(request.headers["x-client-request-id"])];
  const type = answer === undefined ? "application/json" : contentTypeOf(answer);
  response.writeHead(200, type === undefined ? {} : { "content-type": type });
  response.end(answer === undefined ? '{"totalTokens":5}' : wireOf(answer));
}

beforeAll(async () => {
  provider = createServer((request, response) => void respond(request, response));
  await new Promise<void>((resolve) => {
    provider.listen(0, "127.0.0.1", resolve);
  });
  const { port } = provider.address() as AddressInfo;
  workerd = await startWorkerd(
    { bursar: "PoolObject" },
    {
      isQuiet: true,
      reachesThisMachine: true,
      settings: { GEMINI_UPSTREAM: `http://127.0.0.1:${port}`, GEMINI_API_KEY: "the-workers-own", BURSAR_LOG: "none" },
    },
  );
  bursar = new Bursar({ url: workerd.urls.bursar, key: adminKey, transport: "fetch" });
}, 90_000);

afterAll(async () => {
  provider.close();
  bursar.close();
  await workerd.stop();
});

async function newPool(max_tokens = 1_000_000): Promise<{ pool: Pool; key: string }> {
  const pool = bursar.pool(`gemini-${pools++}`);
  await pool.configure();
  await pool.register("writer", { priority: 1, max_tokens });
  return { pool, key: await keyFor({ scope: "gateway", pool: pool.name, agent: "writer" }) };
}

/** A call as Google's SDK makes it. */
function call(key: string, path: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${workerd.urls.bursar}/gemini/${path}`, {
    method: "POST",
    headers: { "x-goog-api-key": key, "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
}

const hello = { contents: [{ role: "user", parts: [{ text: "Say hello." }] }] };

/** The path that an answer was recorded at, or the usual one of its kind. */
function pathOf({ path, events }: RecordedAnswer): string {
  const method = events === undefined ? "generateContent" : "streamGenerateContent?alt=sse";
  return `v1beta/${path ?? `models/gemini-3-flash-preview:${method}`}`;
}

describe("Gemini's API", () => {
  it("books every recorded answer at what is right for it", async () => {
    const wrong: unknown[] = [];
    for (const [index, answer] of answers.entries()) {
      const { pool, key } = await newPool();
      await (await call(key, pathOf(answer), answer.request, { "x-client-request-id": String(index) })).text();
      const { consumed, held } = await pool.agent("writer").view();
      const { booked } = answer;
      const right = "usage" in booked ? booked.usage.input + booked.usage.output : "free" in booked ? 0 : undefined;
      if (held !== 0 || (right !== undefined && consumed !== right)) wrong.push([answer.name, right, consumed, held]);
    }
    expect(wrong).toEqual([]);
    expect(answers.length).toBeGreaterThan(20);
  });

  it("is called with the Worker's key, the caller's model and a limit within the grant", async () => {
    const { key } = await newPool(2_000);
    const body = { ...hello, generationConfig: { temperature: 0.5, maxOutputTokens: 50_000 } };
    const response = await call(key, "v1/models/gemini-3-pro:generateContent", body, { "x-client-request-id": "0" });
    expect(response.status).toBe(200);
    expect(asked).toMatchObject({ path: "/v1/models/gemini-3-pro:generateContent", key: "the-workers-own" });
    expect(asked?.body).not.toHaveProperty("model");
    expect(asked?.body).not.toHaveProperty("stream");
    const { maxOutputTokens } = (asked?.body["generationConfig"] ?? {}) as { maxOutputTokens?: number };
    expect(maxOutputTokens).toBeGreaterThan(16);
    expect(maxOutputTokens).toBeLessThan(2_000);
  });

  it("refuses in Google's shape, and answers free questions", async () => {
    const { key } = await newPool(5);
    const refused = await call(key, "v1beta/models/gemini-3-pro:generateContent", hello);
    expect(refused.status).toBe(402);
    expect(await refused.json()).toMatchObject({
      error: { code: 402, status: "FAILED_PRECONDITION", bursar: { code: "budget_exceeded", agent: "writer" } },
    });
    const missing = await call(key, "v1beta/files", {});
    expect([missing.status, await missing.json()]).toMatchObject([404, { error: { status: "NOT_FOUND" } }]);
    const counted = await call(key, "v1beta/models/gemini-3-pro:countTokens", hello);
    expect(await counted.json()).toEqual({ totalTokens: 5 });
  });
});
