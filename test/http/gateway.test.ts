/**
 * The gateway when its pool fails it: no call goes out that was not admitted, whatever is wrong, and no call that went
 * out stays unbooked because of a failure that passes.
 */
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Env, PoolCalls } from "../../src/env.ts";
import { gateway } from "../../src/gateway/gateway.ts";
import type { Command } from "../../src/protocol/commands.ts";
import { api, type Json, keyOf, must, newPool } from "./api.ts";

const path = "/openai/v1/chat/completions";
const answer = { choices: [{ message: { content: "yes" } }], usage: { prompt_tokens: 20, completion_tokens: 5 } };
const overloaded = (): Error => Object.assign(new Error("overloaded"), { overloaded: true });
const notPersisted = (): Error => Object.assign(new Error("nothing was stored"), { name: "NotPersistedError" });

/** What went out, and how it is answered. */
let asked: Request[] = [];
let provider: () => Promise<Response>;

beforeEach(() => {
  asked = [];
  provider = async () => Response.json(answer);
  vi.spyOn(globalThis, "fetch").mockImplementation(async (input, init) => {
    asked.push(new Request(input, init));
    return provider();
  });
});
afterEach(() => vi.restoreAllMocks());

/** Something done to every call of a pool's object: before it, after it, in its place. */
type Around = (method: string, commands: readonly Command[], ask: () => Promise<unknown>) => Promise<unknown>;

/** Bindings whose pools are reached `around`. */
function reached(around: Around, more: Partial<Env> = {}): Env {
  const get = (id: DurableObjectId): PoolCalls =>
    new Proxy<PoolCalls>(env.POOLS.get(id), {
      get: (stub, method: keyof PoolCalls) => {
        const call = Reflect.get(stub, method);
        return (...args: unknown[]) => {
          const [, commands] = args;
          return around(method, Array.isArray(commands) ? commands : [], () => Reflect.apply(call, stub, args));
        };
      },
    });
  const POOLS: Env["POOLS"] = { get, idFromName: (name) => env.POOLS.idFromName(name), jurisdiction: () => POOLS };
  return { ...env, OPENAI_API_KEY: "sk-ours", BURSAR_LOG: "none", POOLS, ...more };
}

/** Bindings whose pools fail where `fault` says so, before they are asked. */
function failing(fault: (method: string, commands: readonly Command[]) => Error | undefined): Env {
  return reached((method, commands, ask) => {
    const error = fault(method, commands);
    return error === undefined ? ask() : Promise.reject(error);
  });
}

/** Whether it is the reservation of a call that is asked for. */
function reserves(method: string, commands: readonly Command[]): boolean {
  return method === "execute" && commands.some(({ op }) => op === "reserve");
}

const sound = failing(() => undefined);

/** A call through the gateway with these bindings; waits for all that it leaves behind. */
async function call(pool: string, bindings: Env): Promise<{ status: number; body: Json }> {
  const key = await keyOf({ scope: "gateway", pool: pool.slice("/v1/pools/".length), agent: "a" });
  const request = new Request(`https://bursar.test${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "m", max_tokens: 50, messages: [{ role: "user", content: "hi" }] }),
  });
  const left: Promise<unknown>[] = [];
  const response = await gateway(request, path, bindings, { waitUntil: (promise) => void left.push(promise) });
  const body: Json = await response.json();
  for (let settled = 0; settled < left.length; settled = left.length) await Promise.all(left);
  return { status: response.status, body };
}

const books = async (pool: string): Promise<Json> => must(api("GET", `${pool}/agents/a`));

describe("a pool that can't be reached", () => {
  it.each([
    ["is overloaded", overloaded],
    ["could not store", notPersisted],
    ["is gone for good", () => new Error("broken")],
  ])("that %s: the provider is asked nothing", async (_, error) => {
    const pool = await newPool({}, { a: {} });
    const { status, body } = await call(
      pool,
      failing((method, commands) => (reserves(method, commands) ? error() : undefined)),
    );
    expect(status).toBeGreaterThanOrEqual(500);
    expect(body).toMatchObject({ error: { message: expect.any(String) } });
    expect(asked).toEqual([]);
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
  });

  it("fails closed where it fails to say what it counts, too", async () => {
    const pool = await newPool({}, { a: {} });
    const { status } = await call(
      pool,
      failing((method) => (method === "query" ? overloaded() : undefined)),
    );
    expect(status).toBe(503);
    expect(asked).toEqual([]);
  });

  it("gets back what it held for a caller that never heard of it", async () => {
    const pool = await newPool({}, { a: {} });
    const lost = reached(async (method, commands, ask) => {
      const result = await ask();
      // It was reserved, and the answer was lost on its way.
      if (reserves(method, commands)) throw new Error("broken");
      return result;
    });
    const { status } = await call(pool, lost);
    expect(status).toBe(500);
    expect(asked).toEqual([]);
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0, open_reservations: 0 });
    const { events } = await must(api("GET", `${pool}/journal`));
    expect((events as { type: string }[]).slice(-2).map(({ type }) => type)).toEqual(["reserved", "released"]);
  });
});

describe("a settlement", () => {
  const settles = (commands: readonly Command[]): boolean =>
    commands.some(({ op }) => op === "commit" || op === "release");

  it.each([
    ["overloaded", overloaded],
    ["unable to store", notPersisted],
  ])("is tried again while the pool is %s, and booked as reported", async (_, error) => {
    const pool = await newPool({}, { a: {} });
    let failures = 2;
    const { status, body } = await call(
      pool,
      failing((_method, commands) => (settles(commands) && failures-- > 0 ? error() : undefined)),
    );
    // The answer is there, and does not wait for the books.
    expect([status, body]).toEqual([200, answer]);
    expect(await books(pool)).toMatchObject({ consumed: 25, held: 0 });
  });

  it("gives back what the provider refused, also after its lease has ended", async () => {
    const pool = await newPool({}, { a: {} });
    provider = async () => Response.json({ error: {} }, { status: 400 });
    let waited = false;
    const late = reached(
      async (_, commands, ask) => {
        if (commands.some(({ op }) => op === "extend")) throw overloaded();
        if (settles(commands) && !waited) {
          waited = true;
          await new Promise((resolve) => setTimeout(resolve, 700));
        }
        return ask();
      },
      { BURSAR_GATEWAY_TTL_MS: "500" },
    );
    expect((await call(pool, late)).status).toBe(400);
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
  });
});

describe("a provider", () => {
  it("that can't be reached costs nothing; one that breaks off after a while costs what went in", async () => {
    const pool = await newPool({}, { a: {} });
    provider = async () => {
      throw new TypeError("Network connection lost.");
    };
    expect((await call(pool, sound)).status).toBe(502);
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
    provider = async () => {
      await new Promise((resolve) => setTimeout(resolve, 2_100));
      throw new TypeError("Network connection lost.");
    };
    expect((await call(pool, sound)).status).toBe(502);
    const { consumed, held } = await books(pool);
    expect(held).toBe(0);
    expect(consumed).toBeGreaterThan(0);
  });

  it.each([401, 403])("that refuses the Worker's own key (%i) is not quoted to the caller", async (status) => {
    const pool = await newPool({}, { a: {} });
    provider = async () => Response.json({ error: { message: "Incorrect API key: sk-ou**rs" } }, { status });
    const refused = await call(pool, sound);
    expect(refused.status).toBe(502);
    expect(JSON.stringify(refused.body)).not.toContain("sk-ou");
    expect(await books(pool)).toMatchObject({ consumed: 0, held: 0 });
  });
});
