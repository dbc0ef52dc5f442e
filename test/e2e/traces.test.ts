/** Traces, as the platform gives them to whoever exports them: a tail worker beside the Worker, on plain workerd. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { signKey } from "../../src/http/signature.ts";
import { cached, input, type Provider, startProvider, words } from "../support/provider.ts";
import { startWorkerd, type Workerd } from "../support/workerd.ts";

const secrets = {
  BURSAR_OPERATOR_TOKEN: "operator-token-of-the-traces-test-0123456789",
  BURSAR_KEY_SECRET: "key-secret-of-the-traces-test-0123456789abcd",
};
const key = await signKey({ tenant: "acme", key_id: "k", scope: "admin" }, secrets);
const prompt = "a prompt that is nobody's business";

let provider: Provider;
let workerd: Workerd;

beforeAll(async () => {
  provider = await startProvider();
  const upstream = { OPENAI_UPSTREAM: `${provider.url}/v1`, OPENAI_API_KEY: "sk-of-the-worker" };
  workerd = await startWorkerd(
    { bursar: "PoolObject" },
    {
      settings: { ...secrets, ...upstream, BURSAR_LOG: "none" },
      isQuiet: true,
      reachesThisMachine: true,
      isTraced: true,
    },
  );
  await ask("PUT", "/v1/pools/team", {});
  await ask("PUT", "/v1/pools/team/agents/writer", { priority: 1, max_tokens: 1_000 });
  await ask("PUT", "/v1/pools/team/agents/poor", { priority: 0, max_tokens: 0 });
}, 60_000);

afterAll(async () => {
  await workerd.stop();
  provider.stop();
});

async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(workerd.urls.bursar + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    ...(body === undefined ? undefined : { body: JSON.stringify(body) }),
  });
  await response.text();
  return response;
}

function chat(more: object = {}, agent = "writer"): Promise<Response> {
  const messages = [{ role: "user", content: prompt }];
  const from = { "x-bursar-pool": "team", "x-bursar-agent": agent };
  return ask("POST", "/openai/v1/chat/completions", { model: "gpt-5", messages, max_tokens: 40, ...more }, from);
}

type Span = { name: string; attributes: Record<string, unknown>; isClosed: boolean; parent: string | undefined };

/** Spans by their ids, put together from the events printed so far. */
function spans(): Span[] {
  const found = new Map<string, Span>();
  for (const line of workerd.said().split("\n")) {
    const { traced } = line.startsWith('{"traced"') ? JSON.parse(line) : {};
    if (traced === undefined) continue;
    const { event, spanContext } = traced;
    const span = found.get(spanContext.spanId);
    if (event.type === "onset")
      found.set(event.spanId, { name: "", attributes: {}, isClosed: false, parent: undefined });
    if (event.type === "spanOpen") {
      found.set(event.spanId, { name: event.name, attributes: {}, isClosed: false, parent: spanContext.spanId });
    }
    if (span === undefined) continue;
    if (event.type === "spanUpdate" && event.info.type === "name") span.name = event.info.name;
    if (event.type === "attributes") for (const { name, value } of event.info) span.attributes[name] = value;
    if (event.type === "spanClose") span.isClosed = true;
  }
  return [...found.values()];
}

/** The last closed span (or the last request) of this name. */
async function spanOf(name: string): Promise<Span> {
  for (let tries = 0; tries < 100; tries++) {
    const span = spans().findLast((one) => one.name === name && (one.isClosed || one.parent === undefined));
    if (span !== undefined) return span;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no span ${name} among ${[...new Set(spans().map((one) => one.name))].join(", ")}`);
}

describe("a request's span", () => {
  it("is named by its route, and says whose it was", async () => {
    const response = await ask("GET", "/v1/pools/team/report");
    const span = await spanOf("GET /v1/pools/:pool/report");
    expect(span.attributes).toMatchObject({
      "http.route": "/v1/pools/:pool/report",
      "bursar.tenant": "acme",
      "bursar.pool": "team",
      "bursar.request.id": response.headers.get("x-request-id"),
    });
    expect(span.attributes).not.toHaveProperty("error.type");
  });

  it("says why it was refused", async () => {
    await ask("POST", "/v1/pools/team/reservations", { agent: "writer", tokens: 5_000 });
    const { attributes } = await spanOf("POST /v1/pools/:pool/reservations");
    expect(attributes["error.type"]).toBe("budget_exceeded");
  });
});

describe("a governed call's span", () => {
  it.each([false, true])("has OpenTelemetry's names for what it asked, used and cost; streamed: %s", async (stream) => {
    const before = spans().length;
    await chat({ stream });
    const { attributes, isClosed } = await spanOf("chat gpt-5");
    expect(spans().length).toBeGreaterThan(before);
    expect(isClosed).toBe(true);
    expect(attributes).toMatchObject({
      "gen_ai.operation.name": "chat",
      "gen_ai.provider.name": "openai",
      "gen_ai.request.model": "gpt-5",
      "gen_ai.request.max_tokens": 40,
      "gen_ai.request.stream": stream,
      "gen_ai.agent.name": "writer",
      "gen_ai.usage.input_tokens": input,
      "gen_ai.usage.output_tokens": words.length,
      "gen_ai.usage.cache_read.input_tokens": cached,
      "bursar.pool": "team",
      "bursar.usage.reported": true,
      "bursar.booked": input + words.length,
      "bursar.unit": "tokens",
    });
    expect(attributes["bursar.reservation.granted"]).toBeGreaterThanOrEqual(input + words.length);
  });

  it("that was refused ends with the reason", async () => {
    await chat({ model: "gpt-5-refused" }, "poor");
    const { attributes } = await spanOf("chat gpt-5-refused");
    expect(attributes["error.type"]).toBe("budget_exceeded");
    expect(attributes).not.toHaveProperty("gen_ai.usage.input_tokens");
  });

  it("that the provider refused ends with its status, and nothing booked", async () => {
    await chat({ model: "gpt-5:broken" });
    const { attributes } = await spanOf("chat gpt-5:broken");
    expect(attributes["error.type"]).toBe("400");
    expect(attributes).not.toHaveProperty("bursar.booked");
  });

  it("says nothing of the prompt, the answer or a key", async () => {
    await chat();
    await spanOf("chat gpt-5");
    const told = JSON.stringify(spans());
    for (const secret of [prompt, words.join(""), key, "sk-of-the-worker", ...Object.values(secrets)]) {
      expect(told).not.toContain(secret);
    }
  });
});
