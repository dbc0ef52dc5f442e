/**
 * Every write, its answer lost once after its effect: at the client, and between the Worker and the object that did it.
 * The repeat has no second effect, and is answered as the first time.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { Bursar } from "../../src/client/index.ts";
import type { Env } from "../../src/env.ts";
import { createApp } from "../../src/http/app.ts";
import { adminKey, api, must, newPath, newTenant, operatorToken, problem } from "./api.ts";

type Fetch = (request: Request) => Promise<Response>;

/** Clients of a tenant's admin and of the operator, whose requests go by `fetch`. */
async function clients(tenant: string, fetch: Fetch) {
  const wire: typeof globalThis.fetch = (input, init) => fetch(new Request(input, init));
  const options = { url: "https://bursar.test", fetch: wire, transport: "fetch" } as const;
  return {
    tenant,
    admin: new Bursar({ ...options, key: await adminKey(tenant) }),
    operator: new Bursar({ ...options, key: operatorToken() }),
  };
}

const served: Fetch = async (request) => createApp().fetch(request, env);

/** The keys of a tenant, as one of them sees them. */
async function keysBy(key: string): Promise<readonly unknown[]> {
  const wire: typeof globalThis.fetch = (input, init) => served(new Request(input, init));
  return new Bursar({ url: "https://bursar.test", key, fetch: wire, transport: "fetch" }).keys.list();
}

/** Loses the answer to the first request that changes something. */
function losingAtTheClient(): Fetch {
  let isLost = false;
  return async (request) => {
    const { method } = request;
    const response = await served(request);
    if (isLost || method === "GET") return response;
    isLost = true;
    await response.body?.cancel();
    throw new TypeError("fetch failed");
  };
}

/** Loses the answer to the first call of each object that changes something, as a reset does after the effect. */
function losingAtTheEdge(): Fetch {
  const lost = new Set<string>();
  const losing = <T extends object>(objects: T, name: string): T => {
    const stubOf = (stub: object): object =>
      new Proxy(stub, {
        get: (target, method) => {
          const call: unknown = Reflect.get(target, method);
          if (typeof call !== "function" || typeof method !== "string") return call;
          return async (...args: unknown[]) => {
            const answer: unknown = await Reflect.apply(call, target, args);
            if (lost.has(name) || ["standing", "query", "find", "price"].includes(method)) return answer;
            lost.add(name);
            throw Object.assign(new Error("reset"), { durableObjectReset: true });
          };
        },
      });
    return new Proxy(objects, {
      get: (target, member) => {
        const value: unknown = Reflect.get(target, member);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          const made: unknown = Reflect.apply(value, target, args);
          return member === "get" && typeof made === "object" && made !== null ? stubOf(made) : made;
        };
      },
    });
  };
  const bindings = {
    ...env,
    POOLS: losing(env.POOLS, "pools"),
    TENANTS: losing(env.TENANTS, "tenants"),
    WEBHOOKS: losing(env.WEBHOOKS, "webhooks"),
    DIRECTORY: losing(env.DIRECTORY, "directory"),
  } as unknown as Env;
  return async (request) => createApp().fetch(request, bindings);
}

type Clients = Awaited<ReturnType<typeof clients>>;

/** A write; what it needs is there before, and `left` says what it has left behind. */
type Write = {
  readonly before?: (well: Clients) => Promise<unknown>;
  readonly write: (losing: Clients, made: never) => Promise<unknown>;
  readonly left: (well: Clients, answer: never, made: never) => Promise<unknown>;
  readonly expected: unknown;
};

const hook = { url: "https://hooks.example.com/a" };
const pool = "p";

const writes: Readonly<Record<string, Write>> = {
  "a tenant": {
    write: ({ operator }) => operator.tenants.create(`made-once-${crypto.randomUUID()}`),
    left: async (_, { id, key }: { id: string; key: { key: string } }) => {
      return [(await keysBy(key.key)).length, id.startsWith("made-once")];
    },
    expected: [1, true],
  },
  "an operator's key": {
    before: async ({ operator }) => operator.tenants.create(`keyed-${crypto.randomUUID()}`),
    write: ({ operator }, { id }: { id: string }) => operator.tenants.createKey(id),
    left: async (_, { key }: { key: string }) => (await keysBy(key)).length,
    expected: 2,
  },
  "a key": {
    write: ({ admin }) => admin.keys.create({ scope: "read" }),
    left: async ({ admin }, { key_id }: { key_id: string }) =>
      (await admin.keys.list()).map((one) => one.key_id === key_id),
    expected: [true],
  },
  "a revocation": {
    before: ({ admin }) => admin.keys.create({ scope: "read" }),
    write: ({ admin }, { key_id }: { key_id: string }) => admin.keys.revoke(key_id),
    left: async ({ admin }, answer: { revoked_at: number }) =>
      (await admin.keys.list()).map(({ revoked_at }) => revoked_at === answer.revoked_at),
    expected: [true],
  },
  "a webhook": {
    write: ({ admin }) => admin.webhooks.create(hook),
    left: async ({ admin }, { id, secret }: { id: string; secret: string }) => [
      (await admin.webhooks.list()).map((one) => one.id === id),
      secret.startsWith("whsec_"),
    ],
    expected: [[true], true],
  },
  "a changed webhook": {
    before: ({ admin }) => admin.webhooks.create(hook),
    write: ({ admin }, { id }: { id: string }) => admin.webhooks.change(id, { ...hook, description: "changed" }),
    left: async ({ admin }) => (await admin.webhooks.list()).map(({ description }) => description),
    expected: ["changed"],
  },
  "a rotation: the secret of before is still signed with": {
    before: ({ admin }) => admin.webhooks.create(hook),
    write: ({ admin }, { id }: { id: string }) => admin.webhooks.rotate(id),
    left: ({ tenant }, answer: { secret: string }, made: { id: string; secret: string }) =>
      runInDurableObject(env.WEBHOOKS.getByName(tenant), (_, { storage }) => {
        const query = "SELECT secret, previous_secret FROM webhooks WHERE id = ?";
        const { secret, previous_secret } = storage.sql.exec(query, made.id).one();
        return [secret === answer.secret, previous_secret === made.secret];
      }),
    expected: [true, true],
  },
  "a ping": {
    before: ({ admin }) => admin.webhooks.create(hook),
    write: ({ admin }, { id }: { id: string }) => admin.webhooks.ping(id),
    left: async ({ admin }, { message }: { message: string }, { id }: { id: string }) =>
      (await admin.webhooks.deliveries(id)).map((one) => one.message === message),
    expected: [true],
  },
  "a removed webhook": {
    before: ({ admin }) => admin.webhooks.create(hook),
    write: ({ admin }, { id }: { id: string }) => admin.webhooks.remove(id),
    left: async ({ admin }, answer: unknown) => [await admin.webhooks.list(), answer],
    expected: [[], { deleted: true }],
  },
  "a price": {
    write: ({ admin }) => admin.prices.set("m", { input: 1, output: 2 }),
    left: async ({ admin }) => (await admin.prices.get("m")).input,
    expected: 1,
  },
  "a removed price": {
    before: ({ admin }) => admin.prices.set("m", { input: 1, output: 2 }),
    write: ({ admin }) => admin.prices.remove("m"),
    left: async (_, answer: unknown) => answer,
    expected: { deleted: true },
  },
  "a pool": {
    write: ({ admin }) => admin.pool(pool).configure({ budget: 100 }),
    left: async ({ admin }) => (await admin.pool(pool).ledger()).total,
    expected: 100,
  },
  funds: {
    before: ({ admin }) => admin.pool(pool).configure({ budget: 100 }),
    write: ({ admin }) => admin.pool(pool).fund(10),
    left: async ({ admin }) => (await admin.pool(pool).ledger()).total,
    expected: 110,
  },
  "a removed pool": {
    before: ({ admin }) => admin.pool(pool).configure(),
    write: ({ admin }) => admin.pool(pool).delete(),
    left: async ({ admin }, answer: unknown) => [await admin.pools(), answer],
    expected: [[], { deleted: true }],
  },
  "an agent": {
    before: ({ admin }) => admin.pool(pool).configure({ budget: 100 }),
    write: ({ admin }) => admin.pool(pool).register("a", { priority: 1, max_tokens: 50 }),
    left: async ({ admin }) => (await admin.pool(pool).ledger()).agents["a"]?.allocated,
    expected: 50,
  },
  "a closed agent": {
    before: async ({ admin }) => {
      await admin.pool(pool).configure({ budget: 100 });
      await admin.pool(pool).register("a", { priority: 1, max_tokens: 50 });
    },
    write: ({ admin }) => admin.pool(pool).agent("a").close(),
    left: async ({ admin }, { state }: { state: string }) => [
      Object.keys((await admin.pool(pool).ledger()).agents),
      state,
    ],
    expected: [[], "closed"],
  },
  "a reset": {
    before: async ({ admin }) => {
      await admin.pool(pool).configure({ budget: 100 });
      await admin.pool(pool).register("a", { priority: 1, max_tokens: 50 });
    },
    write: ({ admin }) => admin.pool(pool).agent("a").reset(),
    left: async ({ admin }) => (await admin.pool(pool).journal()).events.filter(({ type }) => type === "reset").length,
    expected: 1,
  },
  "a pause": {
    before: ({ admin }) => admin.pool(pool).configure(),
    write: ({ admin }) => admin.pool(pool).pause(),
    left: async ({ admin }) => (await admin.pool(pool).journal()).events.filter(({ type }) => type === "paused").length,
    expected: 1,
  },
  "a new period": {
    before: ({ admin }) => admin.pool(pool).configure(),
    write: ({ admin }) => admin.pool(pool).resetPeriod(),
    left: async (_, { period }: { period: { number: number } }) => period.number,
    expected: 2,
  },
};

describe.each([
  ["the client", losingAtTheClient],
  ["the edge", losingAtTheEdge],
])("an answer that is lost on its way to %s", (_, losing) => {
  it.each(Object.entries(writes))("is given again, and nothing happens twice: %s", async (__, one) => {
    const tenant = newTenant();
    const well = await clients(tenant, served);
    const made = (await one.before?.(well)) as never;
    const answer = (await one.write(await clients(tenant, losing()), made)) as never;
    expect(await one.left(well, answer, made)).toEqual(one.expected);
  });
});

describe("an Idempotency-Key", () => {
  it("of a batch leaves room for the places of its commands, or is refused: no two are taken for one", async () => {
    const pool = newPath();
    await must(api("PUT", pool, { body: {} }));
    await must(api("PUT", `${pool}/agents/a`, { body: { priority: 1, max_tokens: 1_000 } }));
    const batch = (key: string) =>
      api("POST", `${pool}/batch`, {
        headers: named(key),
        body: { commands: [{ op: "record", agent: "a", tokens: 100 }] },
      });
    for (const last of ["1", "2"]) await must(batch(`${"k".repeat(123)}${last}`));
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({ consumed: 200 });
    const refused = await batch("k".repeat(125));
    expect([refused.status, refused.body["detail"]]).toEqual([
      400,
      expect.stringContaining("Idempotency-Key must have at most 124 characters for a batch"),
    ]);
  });

  const named = (key: string) => ({ "idempotency-key": key });

  it("shows a key's text again to a repeat, and nothing to another caller or another request", async () => {
    const tenant = newTenant();
    const body = { scope: "spend", pool: "p", agent: "a" };
    const first = await must(api("POST", "/v1/keys", { tenant, body, headers: named("once") }));
    expect(await must(api("POST", "/v1/keys", { tenant, body, headers: named("once") }))).toEqual(first);
    const other = { ...body, agent: "b" };
    await problem(api("POST", "/v1/keys", { tenant, body: other, headers: named("once") }), 422, "id_reused");
    const { key } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "admin" }, headers: named("admin") }));
    const theirs = await must(api("POST", "/v1/keys", { token: String(key), body, headers: named("once") }));
    expect(theirs["key"]).not.toBe(first["key"]);
    expect((await must(api("GET", "/v1/keys", { tenant })))["keys"]).toHaveLength(3);
  });

  it("does not show the text of a key again that is revoked", async () => {
    const tenant = newTenant();
    const make = () => api("POST", "/v1/keys", { tenant, body: { scope: "read" }, headers: named("once") });
    const { key_id } = await must(make());
    await must(api("DELETE", `/v1/keys/${String(key_id)}`, { tenant }));
    await problem(make(), 404, "key_not_found");
  });

  it("names the commands of a batch that come without an id, as their routes may", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    await must(api("PUT", "/v1/pools/p/agents/a", { tenant, body: { priority: 1, max_tokens: 1_000 } }));
    const commands = [
      { op: "record", agent: "a", tokens: 10 },
      { op: "reserve", agent: "a", tokens: 5 },
      { op: "fund", tokens: 7 },
    ];
    const send = (headers?: Record<string, string>) =>
      must(api("POST", "/v1/pools/p/batch", { tenant, body: { commands }, ...(headers && { headers }) }));
    await send(named("batch"));
    await send(named("batch"));
    expect(await must(api("GET", "/v1/pools/p/report", { tenant }))).toMatchObject({ consumed: 10, held: 5 });
    await send();
    expect(await must(api("GET", "/v1/pools/p/report", { tenant }))).toMatchObject({ consumed: 20, held: 10 });
  });
});
