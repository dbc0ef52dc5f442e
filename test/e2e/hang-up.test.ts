/**
 * Callers that hang up while they wait in line, on plain workerd and on `wrangler dev`: by TCP, by a session, by the
 * client, and through the gateway. Budget that comes free later is granted to nobody, and no provider is asked.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Bursar } from "../../src/client/index.ts";
import { startGovernor } from "../support/governor.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startWorkerd } from "../support/workerd.ts";

const directory = mkdtempSync(join(tmpdir(), "bursar-hang-up-"));
let provider: Provider;

beforeAll(async () => {
  provider = await startProvider();
});

afterAll(() => {
  provider.stop();
  rmSync(directory, { recursive: true, force: true });
});

type Host = { readonly url: string; readonly token: string; readonly stop: () => Promise<void> };

const hosts: readonly (readonly [string, () => Promise<Host>])[] = [
  [
    "plain workerd",
    async () => {
      const token = "operator-token-of-the-test-0123456789abcdef";
      const secrets = { BURSAR_OPERATOR_TOKEN: token, BURSAR_KEY_SECRET: "key-secret-of-the-test-0123456789abcdef" };
      const upstream = { OPENAI_API_KEY: "sk-of-the-test", OPENAI_UPSTREAM: `${provider.url}/v1` };
      const workerd = await startWorkerd(
        { bursar: "PoolObject" },
        { settings: { ...secrets, ...upstream }, isQuiet: true, reachesThisMachine: true },
      );
      return { token, url: workerd.urls.bursar, stop: () => workerd.stop() };
    },
  ],
  [
    "wrangler dev",
    async () => {
      const settings = { OPENAI_API_KEY: "sk-of-the-test", OPENAI_UPSTREAM: `${provider.url}/v1` };
      const governor = await startGovernor(directory, { settings });
      return { token: governor.operatorToken, url: governor.url, stop: () => governor.stop() };
    },
  ],
];

describe.each(hosts)("a caller that hangs up while it waits, on %s", (on, start) => {
  let host: Host;
  let key = "";
  let pools = 0;

  beforeAll(async () => {
    host = await start();
    key = (await new Bursar({ url: host.url, key: host.token }).tenants.create("acme")).key.key;
  }, 120_000);

  afterAll(() => host.stop());

  /** A pool whose only agent holds all of its budget, and how to wait for some of it and to see who waits. */
  async function exhausted() {
    const name = `p${pools++}`;
    const bursar = new Bursar({ url: host.url, key, transport: "fetch" });
    const pool = bursar.pool(name);
    await pool.configure({ budget: 1_000 });
    await pool.register("a", { priority: 1, max_tokens: 1_000 });
    const hold = await pool.reserve("a", 1_000);
    const waiting = async (): Promise<number> => {
      const path = `${host.url}/v1/pools/${name}/metrics`;
      const text = await (await fetch(path, { headers: { authorization: `Bearer ${key}` } })).text();
      return Number(/^bursar_pool_waiting_reserves\{.*\} (\d+)$/m.exec(text)?.[1]);
    };
    const until = (count: number) => vi.waitUntil(async () => (await waiting()) === count, { timeout: 5_000 });
    /** Frees the budget, and sees that nobody has got it. */
    const isGrantedToNobody = async (): Promise<void> => {
      await until(0);
      await hold.release();
      expect(await pool.ledger()).toMatchObject({ held: 0, consumed: 0, agents: { a: { available: 1_000 } } });
    };
    return { name, pool, until, isGrantedToNobody };
  }

  /** Sends a request and resets its connection once `when` says so, as a proxy does whose own caller has gone. */
  async function sendAndReset(
    path: string,
    headers: Record<string, string>,
    body: object,
    when: () => Promise<unknown>,
  ) {
    const { hostname, port } = new URL(host.url);
    const text = JSON.stringify(body);
    const all = { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers };
    const socket = connect(Number(port), hostname);
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-length: ${text.length}\r\n` +
        `${Object.entries(all)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join("")}\r\n${text}`,
    );
    await when();
    socket.resetAndDestroy();
  }

  // The proxy in front of `wrangler dev` tells the Worker nothing of it; Cloudflare's edge does, as plain workerd.
  it.runIf(on === "plain workerd")("leaves the line at once, by TCP", async () => {
    const { name, until, isGrantedToNobody } = await exhausted();
    const ghost = { agent: "a", tokens: 500, wait_ms: 30_000, on_expiry: "charge", id: "ghost" };
    await sendAndReset(`/v1/pools/${name}/reservations`, {}, ghost, () => until(1));
    await isGrantedToNobody();
  });

  it("leaves it by closing its session, and by closing its client", async () => {
    for (const transport of ["session", "fetch"] as const) {
      const { name, until, isGrantedToNobody } = await exhausted();
      const bursar = new Bursar({ url: host.url, key, transport });
      const asked = bursar.pool(name).reserve("a", 500, { wait_ms: 30_000 });
      const refused = expect(asked).rejects.toThrow();
      await until(1);
      bursar.close();
      await refused;
      await isGrantedToNobody();
    }
  });

  it("leaves it by its signal", async () => {
    for (const transport of ["session", "fetch"] as const) {
      const { name, until, isGrantedToNobody } = await exhausted();
      const bursar = new Bursar({ url: host.url, key, transport });
      const giveUp = new AbortController();
      const asked = bursar.pool(name).reserve("a", 500, { wait_ms: 30_000, signal: giveUp.signal });
      const refused = expect(asked).rejects.toThrow();
      await until(1);
      giveUp.abort();
      await refused;
      await isGrantedToNobody();
      bursar.close();
    }
  });

  it.runIf(on === "plain workerd")("has no provider asked by the gateway", async () => {
    const { name, until, isGrantedToNobody } = await exhausted();
    const before = provider.calls.length;
    const headers = { "x-bursar-pool": name, "x-bursar-agent": "a", "x-bursar-wait-ms": "30000" };
    const call = { model: "stand-in", max_tokens: 100, messages: [{ role: "user", content: "hello" }] };
    await sendAndReset("/openai/v1/chat/completions", headers, call, () => until(1));
    await isGrantedToNobody();
    expect(provider.calls.length).toBe(before);
  });
});
