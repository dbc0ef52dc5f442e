/** Webhooks end to end, on plain workerd: an address that hears, and a canary on this machine that must not. */
import { createServer, type IncomingMessage, type Server } from "node:http";
import { Webhook } from "standardwebhooks";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bursar } from "../../src/client/index.ts";
import { signKey } from "../../src/http/signature.ts";
import { startWorkerd, type Workerd } from "../support/workerd.ts";
import { hostile } from "../webhooks/hostile.ts";

const secrets = {
  BURSAR_OPERATOR_TOKEN: "operator-token-of-the-webhook-test-0123456789",
  BURSAR_KEY_SECRET: "key-secret-of-the-webhook-test-0123456789abcd",
};
const key = await signKey({ tenant: "acme", key_id: "k", scope: "admin" }, secrets);

type Heard = { readonly headers: IncomingMessage["headers"]; readonly body: string };

const heard: Heard[] = [];
let connections = 0;
let receiver: Server;
let canary: Server;
let workerd: Workerd;

function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("it does not listen");
  return address.port;
}

function listening(server: Server): Promise<Server> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

beforeAll(async () => {
  receiver = await listening(
    createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        heard.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
        // A redirect to the canary, for those who would follow it.
        if (request.url === "/led") response.writeHead(307, { location: `http://127.0.0.1:${portOf(canary)}/` }).end();
        else response.writeHead(204).end();
      });
    }),
  );
  canary = await listening(createServer((_, response) => response.end()));
  canary.on("connection", () => connections++);
  const origins = { BURSAR_WEBHOOK_ORIGINS: `http://127.0.0.1:${portOf(receiver)}` };
  workerd = await startWorkerd(
    { bursar: "PoolObject" },
    { settings: { ...secrets, ...origins, BURSAR_LOG: "none" }, isQuiet: true, reachesThisMachine: true },
  );
}, 60_000);

afterAll(async () => {
  await workerd.stop();
  receiver.close();
  canary.close();
});

async function post(path: string, body: unknown): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${workerd.urls.bursar}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("a webhook", () => {
  it("hears of what happens in a pool, signed, within seconds", async () => {
    const url = `http://127.0.0.1:${portOf(receiver)}/hook`;
    const made = await post("/v1/webhooks", { url, types: ["budget.threshold_reached"] });
    expect(made.status).toBe(201);
    const pool = new Bursar({ url: workerd.urls.bursar, key }).pool("team");
    await pool.configure({ budget: 1_000, warn_at: [90] });
    await pool.register("writer", { priority: 1, max_tokens: 100 });
    await pool.record("writer", 95);
    await expect.poll(() => heard.length, { timeout: 20_000, interval: 50 }).toBeGreaterThan(0);
    const [first] = heard;
    if (first === undefined) throw new Error("nothing was heard");
    const read = new Webhook(String(made.body["secret"])).verify(first.body, first.headers as Record<string, string>);
    expect(read).toMatchObject({
      type: "budget.threshold_reached",
      data: { pool: "team", agent: "writer", percent: 90, consumed: 95, budget: 100 },
    });
  });

  it("follows no redirect, whoever asks for it", async () => {
    const { body } = await post("/v1/webhooks", { url: `http://127.0.0.1:${portOf(receiver)}/led` });
    await post(`/v1/webhooks/${String(body["id"])}/ping`, {});
    const error = async (): Promise<unknown> => {
      const response = await fetch(`${workerd.urls.bursar}/v1/webhooks/${String(body["id"])}`, {
        headers: { authorization: `Bearer ${key}` },
      });
      return ((await response.json()) as Record<string, unknown>)["last_error"];
    };
    await expect.poll(error, { timeout: 20_000, interval: 50 }).toBe("307: redirects are not followed");
    expect(connections).toBe(0);
  });

  it("can't be pointed at this machine, however the address is written", async () => {
    const port = portOf(canary);
    const withPort = hostile
      .filter((url) => /^https:\/\/[^/\\]+\/$/.test(url) && !/:\d+\/$/.test(url))
      .flatMap((url) => [url.replace(/\/$/, `:${port}/`), url.replace("https:", "http:").replace(/\/$/, `:${port}/`)]);
    const { body: good } = await post("/v1/webhooks", { url: "https://hooks.example.com/" });
    for (const url of [...hostile, ...withPort, `http://127.0.0.1:${port}/`, `http://localhost:${port}/`]) {
      const { status, body } = await post("/v1/webhooks", { url });
      expect(status, url).toBe(400);
      expect(body["code"], url).toBe("invalid_request");
    }
    // Nor by changing one that is there.
    const changed = await fetch(`${workerd.urls.bursar}/v1/webhooks/${String(good["id"])}`, {
      method: "PUT",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ url: `http://127.0.0.1:${port}/` }),
    });
    expect(changed.status).toBe(400);
    expect(connections).toBe(0);
  });
});
