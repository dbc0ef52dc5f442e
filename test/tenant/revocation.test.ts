/**
 * A revoked key is dead at the next command, wherever it reaches: in pools that are there, in those made later, after
 * whatever happened to the objects in between, and in those that could not be notified at once.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env, PoolCalls } from "../../src/env.ts";
import { limits } from "../../src/protocol/limits.ts";
import { api, type Json, must, newTenant, operatorToken, problem, type Reply, tenantObject } from "../http/api.ts";
import { randomOf } from "../support/random.ts";

type Key = { readonly key: string; readonly key_id: string };
type Notified = { readonly notified: number; readonly pending: number };

/** A tenant with these pools, each with an agent `a` of 1,000 tokens. */
async function tenantWith(...pools: string[]): Promise<string> {
  const tenant = newTenant();
  for (const pool of pools) await makePool(tenant, pool);
  return tenant;
}

async function makePool(tenant: string, pool: string): Promise<void> {
  await must(api("PUT", `/v1/pools/${pool}`, { tenant, body: {} }));
  const body = { priority: 1, max_tokens: 1_000 };
  await must(api("PUT", `/v1/pools/${pool}/agents/a`, { tenant, body }));
}

async function makeKey(tenant: string, fields: Json = {}): Promise<Key> {
  const { key, key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "spend", ...fields } }));
  return { key: String(key), key_id: String(key_id) };
}

async function revoke(tenant: string, { key_id }: Pick<Key, "key_id">): Promise<Notified> {
  const { pools } = await must(api("DELETE", `/v1/keys/${key_id}`, { tenant }));
  const { notified, pending } = Object(pools);
  return { notified, pending };
}

const look = (pool: string, { key }: Key): Promise<Reply> => api("GET", `/v1/pools/${pool}`, { token: key });

async function mustBeDead(key: Key, ...pools: string[]): Promise<void> {
  for (const pool of pools) await problem(look(pool, key), 401, "key_revoked");
}

async function mustLive(key: Key, ...pools: string[]): Promise<void> {
  for (const pool of pools) expect(await look(pool, key), pool).toMatchObject({ status: 200 });
}

/** The report and the journal of a pool, whole. */
async function everythingIn(tenant: string, pool: string): Promise<string> {
  const [report, journal] = [api("GET", `/v1/pools/${pool}/report`, { tenant }), journalOf(tenant, pool)];
  return JSON.stringify([await must(report), await journal]);
}

const journalOf = (tenant: string, pool: string): Promise<Json> =>
  must(api("GET", `/v1/pools/${pool}/journal`, { tenant }));

const poolObject = (tenant: string, pool: string) => env.POOLS.getByName(`${tenant}/${pool}`);

/** Lets a tenant's object reach its pools only through `wrap`. */
async function reachThrough(tenant: string, wrap: (pool: PoolCalls, name: string) => PoolCalls): Promise<void> {
  await runInDurableObject(tenantObject(tenant), (object) => {
    const { POOLS: objects } = env as Env;
    const get = (id: DurableObjectId): PoolCalls => wrap(objects.get(id), String(id.name).replace(`${tenant}/`, ""));
    const POOLS = { idFromName: (name: string) => objects.idFromName(name), get, jurisdiction: () => POOLS };
    Object.defineProperty(object, "env", { configurable: true, value: { ...env, POOLS } });
  });
}

/** Cuts a tenant's object off from these pools, until they are taken out of the set that is given back. */
async function cutOff(tenant: string, ...pools: string[]): Promise<Set<string>> {
  const away = new Set(pools);
  await reachThrough(tenant, (pool, name) => {
    if (away.has(name)) throw new Error("Network connection lost.");
    return pool;
  });
  return away;
}

/** Resolves once a reservation waits in line: only then does the same id with another amount contradict it. */
async function waitsInLine(tenant: string, pool: string, id: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const body = { agent: "a", tokens: 999, id };
    const { body: answered } = await api("POST", `/v1/pools/${pool}/reservations`, { tenant, body });
    if (answered["code"] === "id_reused") return;
  }
  throw new Error(`${id} never came to wait`);
}

afterEach(() => vi.useRealTimers());

describe("a key that is revoked", () => {
  it("is refused by every route of every pool that it reached, and nothing changes there", async () => {
    const pools = ["p", "q", "r"];
    const tenant = await tenantWith(...pools);
    const key = await makeKey(tenant);
    await mustLive(key, ...pools);
    for (const pool of pools) {
      const body = { agent: "a", tokens: 10, id: "held" };
      await must(api("POST", `/v1/pools/${pool}/reservations`, { token: key.key, body }));
    }
    const before = await Promise.all(pools.map((pool) => everythingIn(tenant, pool)));

    expect(await revoke(tenant, key)).toEqual({ notified: 3, pending: 0 });
    const requests: readonly (readonly [method: string, path: string, body?: Json])[] = [
      ["GET", ""],
      ["GET", "/report"],
      ["GET", "/journal"],
      ["GET", "/audit"],
      ["GET", "/agents/a"],
      ["GET", "/reservations/held"],
      ["POST", "/reservations", { agent: "a", tokens: 1, id: "new" }],
      ["POST", "/reservations", { agent: "a", tokens: 10, id: "held" }],
      ["POST", "/reservations", { agent: "a", tokens: 900_000, id: "waits", wait_ms: 60_000 }],
      ["POST", "/reservations/held/commit", { tokens: 1 }],
      ["POST", "/reservations/held/release", {}],
      ["POST", "/reservations/held/extend", { ttl_ms: 500_000 }],
      ["POST", "/usage", { agent: "a", tokens: 1 }],
      ["POST", "/reallocations", { agent: "a", tokens: 1 }],
      ["POST", "/reallocations", { agent: "a", tokens: 1, dry_run: true }],
    ];
    for (const pool of pools) {
      for (const [method, path, body] of requests) {
        const asked = api(method, `/v1/pools/${pool}${path}`, { token: key.key, body });
        expect(await problem(asked, 401, "key_revoked"), `${method} ${path}`).toEqual({});
        expect((await asked).headers.get("www-authenticate")).toBe("Bearer");
      }
    }
    expect(await Promise.all(pools.map((pool) => everythingIn(tenant, pool)))).toEqual(before);
  });

  it("is refused for each command of a batch, and none of them has an effect", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    await revoke(tenant, key);
    const before = await everythingIn(tenant, "p");
    const commands = [
      { op: "reserve", id: "r", agent: "a", tokens: 1 },
      { op: "record", id: "u", agent: "a", tokens: 1 },
    ];
    const { body } = await api("POST", "/v1/pools/p/batch", { token: key.key, body: { commands } });
    const refused = { status: 401, problem: expect.objectContaining({ code: "key_revoked" }) };
    // Either the whole is refused, or each of the commands is.
    expect(body["code"] === "key_revoked" ? [refused, refused] : body["results"]).toEqual([refused, refused]);
    expect(await everythingIn(tenant, "p")).toBe(before);
  });

  it("is sent away from the waiting line at once, while others keep their places", async () => {
    const tenant = await tenantWith("p");
    const [doomed, other] = [await makeKey(tenant), await makeKey(tenant)];
    const reserve = ({ key }: Key, id: string) =>
      api("POST", "/v1/pools/p/reservations", { token: key, body: { agent: "a", tokens: 1_000, id, wait_ms: 60_000 } });
    expect(await reserve(other, "all")).toMatchObject({ status: 201 });
    const first = reserve(doomed, "first");
    await waitsInLine(tenant, "p", "first");
    const second = reserve(other, "second");
    await waitsInLine(tenant, "p", "second");

    await revoke(tenant, doomed);
    // Its place is gone by now, so that its id is free for another request.
    const anew = api("POST", "/v1/pools/p/reservations", { tenant, body: { agent: "a", tokens: 999, id: "first" } });
    await problem(anew, 402, "budget_exceeded");
    await problem(first, 401, "key_revoked");
    await must(api("POST", "/v1/pools/p/reservations/all/release", { tenant }));
    expect(await second).toMatchObject({ status: 201, body: { granted: 1_000 } });
  });

  it("gets nothing by waiting in the place of another key, nor takes that place from it", async () => {
    const tenant = await tenantWith("p");
    const keys = [await makeKey(tenant), await makeKey(tenant)];
    for (const [index, doomed] of keys.entries()) {
      const body = { agent: "a", tokens: 1_000, id: `shared-${index}`, wait_ms: 60_000 };
      const full = `full-${index}`;
      await must(api("POST", "/v1/pools/p/reservations", { tenant, body: { agent: "a", tokens: 1_000, id: full } }));
      // Both have sent the same request: one of them is a repeat, which waits in the first one's place.
      const waiting = [];
      for (const { key } of keys) {
        waiting.push(api("POST", "/v1/pools/p/reservations", { token: key, body }));
        await waitsInLine(tenant, "p", body.id);
      }
      // A later request of the same key is answered after the earlier one has found its place.
      for (const key of keys) await mustLive(key, "p");
      await revoke(tenant, doomed);
      await must(api("POST", `/v1/pools/p/reservations/${full}/release`, { tenant }));
      const replies = await Promise.all(waiting);
      expect(replies.map(({ status }) => status)).toEqual(index === 0 ? [401, 201] : [201, 401]);
      await must(api("POST", `/v1/pools/p/reservations/${body.id}/release`, { tenant }));
      keys[index] = await makeKey(tenant);
    }
  });

  it("stays dead when the objects of its pools and of its tenant have been evicted", async () => {
    const tenant = await tenantWith("p", "q");
    const key = await makeKey(tenant, { scope: "admin" });
    await revoke(tenant, key);
    for (const pool of ["p", "q"]) await evictDurableObject(poolObject(tenant, pool));
    await evictDurableObject(tenantObject(tenant));
    await mustBeDead(key, "p", "q");
    await problem(api("GET", "/v1/pools", { token: key.key }), 401, "key_revoked");
    await makePool(tenant, "r");
    await mustBeDead(key, "r");
  });

  it("is dead in a pool that is made after the revocation, from its first command on", async () => {
    const tenant = newTenant();
    const key = await makeKey(tenant);
    expect(await revoke(tenant, key)).toEqual({ notified: 0, pending: 0 });
    for (const pool of ["p", "q"]) {
      await must(api("PUT", `/v1/pools/${pool}`, { tenant, body: {} }));
      await mustBeDead(key, pool);
      await evictDurableObject(poolObject(tenant, pool));
      await mustBeDead(key, pool);
    }
  });

  it("is dead in a pool that is deleted and made again", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    await revoke(tenant, key);
    for (let round = 0; round < 3; round++) {
      await must(api("DELETE", "/v1/pools/p", { tenant }));
      await problem(look("p", key), 404, "pool_not_found");
      await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
      await mustBeDead(key, "p");
      if (round === 1) await evictDurableObject(poolObject(tenant, "p"));
    }
  });

  it("is dead in a pool that is made again after a deletion that got only half way", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    await revoke(tenant, key);
    const remove: PoolCalls["remove"] = async (...given) => {
      await poolObject(tenant, "p").remove(...given);
      throw new Error("the tenant's object died here");
    };
    await reachThrough(
      tenant,
      (pool) => new Proxy(pool, { get: (to, name) => (name === "remove" ? remove : Reflect.get(to, name)) }),
    );
    await problem(api("DELETE", "/v1/pools/p", { tenant }), 500, "internal_error");
    await evictDurableObject(tenantObject(tenant));
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    await mustBeDead(key, "p");
  });

  it("stays dead in a pool whose deletion was refused", async () => {
    const tenant = await tenantWith("p");
    const [key, later] = [await makeKey(tenant), await makeKey(tenant)];
    await revoke(tenant, key);
    await must(api("POST", "/v1/pools/p/reservations", { tenant, body: { agent: "a", tokens: 1 } }));
    await problem(api("DELETE", "/v1/pools/p", { tenant }), 409, "contract_conflict");
    await mustBeDead(key, "p");
    await evictDurableObject(poolObject(tenant, "p"));
    await mustBeDead(key, "p");
    expect(await revoke(tenant, later)).toEqual({ notified: 1, pending: 0 });
    await mustBeDead(later, "p");
  });

  it("that is bound to a pool is notified to that pool alone, there or not", async () => {
    const tenant = await tenantWith("p", "q");
    const bound = await makeKey(tenant, { pool: "p" });
    const unborn = await makeKey(tenant, { pool: "later" });
    expect(await revoke(tenant, bound)).toEqual({ notified: 1, pending: 0 });
    expect(await revoke(tenant, unborn)).toEqual({ notified: 0, pending: 0 });
    await mustBeDead(bound, "p");
    const revokedIn = (pool: string) =>
      runInDurableObject(poolObject(tenant, pool), (_, { storage }) =>
        storage.sql.exec("SELECT key_id FROM revoked_keys").toArray(),
      );
    expect(await revokedIn("p")).toEqual([{ key_id: bound.key_id }]);
    expect(await revokedIn("q")).toEqual([]);
    await must(api("PUT", "/v1/pools/later", { tenant, body: {} }));
    await mustBeDead(unborn, "later");
  });

  it("leaves every other key alive, also those that it made", async () => {
    const tenant = await tenantWith("p");
    const maker = await makeKey(tenant, { scope: "admin" });
    const made = await must(api("POST", "/v1/keys", { token: maker.key, body: { scope: "read" } }));
    const other = await makeKey(tenant);
    await revoke(tenant, maker);
    await mustBeDead(maker, "p");
    await mustLive({ key: String(made["key"]), key_id: "" }, "p");
    await mustLive(other, "p");
  });

  it("means nothing to another tenant that has a pool and a key of the same names", async () => {
    const [mine, yours] = [await tenantWith("p"), await tenantWith("p")];
    const [key, other] = [await makeKey(mine), await makeKey(yours)];
    const asked = api("DELETE", `/v1/keys/${key.key_id}`, { tenant: yours });
    expect(await problem(asked, 404, "key_not_found")).toEqual({ key_id: key.key_id });
    await mustLive(key, "p");
    await revoke(mine, key);
    await mustBeDead(key, "p");
    await mustLive(other, "p");
  });

  it("twice is revoked once: the same time, nothing notified anew", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    const first = await must(api("DELETE", `/v1/keys/${key.key_id}`, { tenant }));
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    expect(await must(api("DELETE", `/v1/keys/${key.key_id}`, { tenant }))).toEqual(first);
    const again = await Promise.all(Array.from({ length: 8 }, () => revoke(tenant, key)));
    expect(again).toEqual(again.map(() => ({ notified: 1, pending: 0 })));
    const numbers = await runInDurableObject(tenantObject(tenant), (_, { storage }) =>
      storage.sql.exec("SELECT revocation FROM keys WHERE revoked_at IS NOT NULL").toArray(),
    );
    expect(numbers).toEqual([{ revocation: 1 }]);
  });

  it("may have been the revoker's own", async () => {
    const tenant = await tenantWith("p");
    const own = await makeKey(tenant, { scope: "admin" });
    await must(api("DELETE", `/v1/keys/${own.key_id}`, { token: own.key }));
    await mustBeDead(own, "p");
    await problem(api("DELETE", `/v1/keys/${own.key_id}`, { token: own.key }), 401, "key_revoked");
  });
});

describe("an admin key that is revoked", () => {
  it.each([["anywhere", {}] as const, ["in its one pool", { pool: "p" }] as const])(
    "can do nothing %s any more, with the tenant's object either",
    async (_, bound) => {
      const tenant = await tenantWith("p");
      const key = await makeKey(tenant, { scope: "admin", ...bound });
      const victim = await makeKey(tenant, { pool: "p" });
      await revoke(tenant, key);
      const state = async () => [
        await must(api("GET", "/v1/keys", { tenant })),
        await must(api("GET", "/v1/pools", { tenant })),
        await everythingIn(tenant, "p"),
      ];
      const before = await state();
      const agent = { priority: 1, max_tokens: 5 };
      const requests: readonly (readonly [method: string, path: string, body?: Json])[] = [
        ["POST", "/v1/keys", { scope: "admin", pool: "p" }],
        ["GET", "/v1/keys"],
        ["DELETE", `/v1/keys/${victim.key_id}`],
        ["DELETE", `/v1/keys/${key.key_id}`],
        ["DELETE", "/v1/keys/no-such-key"],
        ["PUT", "/v1/pools/p", { default_ttl_ms: 1_000 }],
        ["DELETE", "/v1/pools/p"],
        ["DELETE", "/v1/pools/p?force=true"],
        ["POST", "/v1/pools/p/funds", { tokens: 1 }],
        ["PUT", "/v1/pools/p/agents/b", agent],
        ["DELETE", "/v1/pools/p/agents/a"],
        ["POST", "/v1/pools/p/agents/a/reopen"],
        ["POST", "/v1/pools/p/agents/a/reset"],
        ...("pool" in bound
          ? []
          : ([
              ["GET", "/v1/pools"],
              ["PUT", "/v1/pools/new", {}],
            ] as const)),
      ];
      for (const [method, path, body] of requests) {
        const asked = api(method, path, { token: key.key, body });
        expect(await problem(asked, 401, "key_revoked"), `${method} ${path}`).toEqual({});
      }
      expect(await state()).toEqual(before);
      await mustLive(victim, "p");
    },
  );
});

describe("a pool that can't be reached when a key is revoked", () => {
  it("is pending, and the alarm tells it", async () => {
    const tenant = await tenantWith("p", "q", "r");
    const key = await makeKey(tenant);
    const away = await cutOff(tenant, "q");
    expect(await revoke(tenant, key)).toEqual({ notified: 2, pending: 1 });
    await mustBeDead(key, "p", "r");
    await mustLive(key, "q");
    expect(await revoke(tenant, key)).toEqual({ notified: 2, pending: 1 });

    // While it is away, the alarm comes back for it.
    expect(await runDurableObjectAlarm(tenantObject(tenant))).toBe(true);
    await mustLive(key, "q");
    away.clear();
    expect(await runDurableObjectAlarm(tenantObject(tenant))).toBe(true);
    await mustBeDead(key, "p", "q", "r");
    expect(await runDurableObjectAlarm(tenantObject(tenant))).toBe(false);
    expect(await revoke(tenant, key)).toEqual({ notified: 3, pending: 0 });
  });

  it("is notified by repeating the call, which leaves no alarm behind", async () => {
    const tenant = await tenantWith("p", "q");
    const key = await makeKey(tenant);
    const away = await cutOff(tenant, "p", "q");
    expect(await revoke(tenant, key)).toEqual({ notified: 0, pending: 2 });
    away.delete("p");
    expect(await revoke(tenant, key)).toEqual({ notified: 1, pending: 1 });
    await mustBeDead(key, "p");
    away.clear();
    expect(await revoke(tenant, key)).toEqual({ notified: 2, pending: 0 });
    await mustBeDead(key, "p", "q");
    expect(await runDurableObjectAlarm(tenantObject(tenant))).toBe(false);
  });

  it("is notified by the alarm of a tenant's object that died in between", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    await cutOff(tenant, "p");
    expect(await revoke(tenant, key)).toEqual({ notified: 0, pending: 1 });
    await evictDurableObject(tenantObject(tenant));
    expect(await runDurableObjectAlarm(tenantObject(tenant))).toBe(true);
    await mustBeDead(key, "p");
  });

  it("is notified when its settings are changed, before they are", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    const away = await cutOff(tenant, "p");
    await revoke(tenant, key);
    away.clear();
    await must(api("PUT", "/v1/pools/p", { tenant, body: { default_ttl_ms: 1_000 } }));
    await mustBeDead(key, "p");
    expect(await revoke(tenant, key)).toEqual({ notified: 1, pending: 0 });
  });

  it("is notified of all that were revoked meanwhile, in whatever order", async () => {
    const tenant = await tenantWith("p", "q");
    const keys = [await makeKey(tenant), await makeKey(tenant, { pool: "p" }), await makeKey(tenant)];
    const away = await cutOff(tenant, "p");
    for (const key of keys) await revoke(tenant, key);
    away.clear();
    await runDurableObjectAlarm(tenantObject(tenant));
    for (const key of keys) await mustBeDead(key, "p");
  });

  it("is counted only in the answers about keys that reach it", async () => {
    const tenant = await tenantWith("p", "q", "r");
    const [everywhere, bound] = [await makeKey(tenant), await makeKey(tenant, { pool: "p" })];
    await cutOff(tenant, "q", "r");
    expect(await revoke(tenant, everywhere)).toEqual({ notified: 1, pending: 2 });
    expect(await revoke(tenant, bound)).toEqual({ notified: 1, pending: 0 });
    await mustBeDead(bound, "p");
  });

  it("whose storage fails counts as untold, and refuses the key once it works again", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    const breaks = (broken: boolean) =>
      runInDurableObject(poolObject(tenant, "p"), (_, { storage }) => {
        const fail = (): never => {
          throw new Error("disk I/O error");
        };
        if (broken) Object.defineProperty(storage, "transactionSync", { configurable: true, value: fail });
        else Reflect.deleteProperty(storage, "transactionSync");
      });
    await breaks(true);
    expect(await revoke(tenant, key)).toEqual({ notified: 0, pending: 1 });
    await mustLive(key, "p");
    await breaks(false);
    expect(await runDurableObjectAlarm(tenantObject(tenant))).toBe(true);
    await mustBeDead(key, "p");
  });
});

describe("the list of a tenant's keys", () => {
  /** Fills the table up to its limit with keys that expire then. */
  const fill = (tenant: string, expiresAt: number | null, revokedAt: number | null = null) =>
    runInDurableObject(tenantObject(tenant), (_, { storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
         INSERT INTO keys (key_id, scope, created_at, expires_at, revoked_at, revocation)
         SELECT 'filler-' || i, 'read', 0, ?2, ?3, iif(?3 IS NULL, NULL, i) FROM n
         WHERE i <= ?1 - (SELECT count(*) FROM keys)`,
        limits.keysPerTenant,
        expiresAt,
        revokedAt,
      );
    });
  const full = { limit: "keysPerTenant", maximum: limits.keysPerTenant };

  it("has an end, and room again for one that is revoked, however many were before", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    await fill(tenant, null);
    const asked = () => api("POST", "/v1/keys", { tenant, body: { scope: "read" } });
    expect(await problem(asked(), 409, "limit_reached")).toEqual(full);
    expect(await revoke(tenant, key)).toEqual({ notified: 1, pending: 0 });
    await mustBeDead(key, "p");
    await must(asked());
    expect(await problem(asked(), 409, "limit_reached")).toEqual(full);
  });

  it("leaves the operator a key for a tenant that has lost its own", async () => {
    const { id } = await must(
      api("POST", "/v1/tenants", { token: operatorToken(), body: { id: `full-${Date.now()}` } }),
    );
    await fill(String(id), null);
    const asked = () => api("POST", `/v1/tenants/${String(id)}/keys`, { token: operatorToken(), body: {} });
    for (let n = 0; n < limits.keysOfOperator; n++) await must(asked());
    const all = limits.keysPerTenant + limits.keysOfOperator;
    expect(await problem(asked(), 409, "limit_reached")).toEqual({ limit: "keysPerTenant", maximum: all });
  });

  it("leaves room for others than the admin of one pool", async () => {
    const tenant = await tenantWith("p");
    const half = limits.keysPerTenant / 2;
    await runInDurableObject(tenantObject(tenant), (_, { storage }) => {
      storage.sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO keys (key_id, scope, pool, created_at) SELECT 'of-p-' || i, 'read', 'p', 0 FROM n`,
        half,
      );
    });
    const body = { scope: "read", pool: "p" };
    const refused = await problem(api("POST", "/v1/keys", { tenant, body }), 409, "limit_reached");
    expect(refused).toEqual({ limit: "keysPerPool", maximum: half });
    await must(api("POST", "/v1/keys", { tenant, body: { scope: "read", pool: "q" } }));
    await must(api("POST", "/v1/keys", { tenant, body: { scope: "read" } }));
  });

  it.each([
    ["of one pool", "p", limits.revokedKeysPerTenant / 2, "revokedKeysPerPool"],
    ["of a tenant", null, limits.revokedKeysPerTenant, "revokedKeysPerTenant"],
  ])("takes no more where too many %s are revoked, and forgets none of them", async (_, pool, most, limit) => {
    const tenant = await tenantWith("p");
    await makeKey(tenant);
    const revokedKeys = (many: number) =>
      runInDurableObject(tenantObject(tenant), (__, { storage }) => {
        storage.sql.exec("DELETE FROM keys WHERE revoked_at IS NOT NULL");
        storage.sql.exec(
          `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
           INSERT INTO keys (key_id, scope, pool, created_at, revoked_at, revocation)
             SELECT 'dead-' || i, 'read', ?2, 0, 1, i FROM n`,
          many,
          pool,
        );
        storage.sql.exec("UPDATE pools SET notified = ?", many);
      });
    const asked = (of: string | null) =>
      api("POST", "/v1/keys", { tenant, body: { scope: "read", ...(of === null ? {} : { pool: of }) } });
    await revokedKeys(most - 1);
    await must(asked(pool));
    await revokedKeys(most);
    expect(await problem(asked(pool), 409, "limit_reached")).toEqual({ limit, maximum: most });
    if (pool !== null) await must(asked("q"));
    const kept = await runInDurableObject(tenantObject(tenant), (__, { storage }) =>
      storage.sql.exec("SELECT count(*) AS n FROM keys WHERE revoked_at IS NOT NULL").one(),
    );
    expect(kept).toEqual({ n: most });
  });

  it("has room again when those in it have expired", async () => {
    const tenant = await tenantWith("p");
    await makeKey(tenant);
    const now = Date.now();
    await fill(tenant, now + 60_000);
    vi.useFakeTimers({ toFake: ["Date"], now: now + 60_000 });
    await mustLive(await makeKey(tenant), "p");
    const { keys } = await must(api("GET", "/v1/keys", { tenant }));
    expect(keys).toHaveLength(2);
  });

  it("full of revoked keys can still be notified to a pool that is new", async () => {
    const tenant = newTenant();
    const key = await makeKey(tenant);
    await revoke(tenant, key);
    await fill(tenant, null, Date.now());
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    await mustBeDead(key, "p");
  });

  it("forgets expired keys, revoked or not, and so does the pool that was notified of them", async () => {
    const tenant = await tenantWith("p");
    const now = Date.now();
    const [short, long] = [await makeKey(tenant, { expires_at: now + 60_000 }), await makeKey(tenant)];
    const other = await makeKey(tenant, { expires_at: now + 60_000 });
    await revoke(tenant, short);
    await mustBeDead(short, "p");
    vi.useFakeTimers({ toFake: ["Date"], now: now + 60_000 });
    for (const key of [short, other]) await problem(look("p", key), 401, "unauthorized");
    vi.setSystemTime(now + 60_000 + limits.revokedKeysKeptMs);
    await makeKey(tenant);
    const { keys } = await must(api("GET", "/v1/keys", { tenant }));
    expect(keys).toMatchObject([{ key_id: long.key_id }, { label: null }]);
    await runInDurableObject(poolObject(tenant, "p"), async (pool, { storage }) => {
      await pool.revoke([]);
      expect(storage.sql.exec("SELECT key_id FROM revoked_keys").toArray()).toEqual([]);
    });
  });

  it("refuses a revoked key after a clock that was days ahead is right again, and tells it to new pools", async () => {
    const tenant = await tenantWith("p");
    const now = Date.now();
    const key = await makeKey(tenant, { expires_at: now + 3_600_000 });
    await revoke(tenant, key);
    vi.useFakeTimers({ toFake: ["Date"], now: now + 3 * 86_400_000 });
    // Both forget here: the tenant when it makes a key, the pool when it learns of a revocation.
    await revoke(tenant, await makeKey(tenant));
    vi.setSystemTime(now + 1_000);
    await mustBeDead(key, "p");
    await must(api("PUT", "/v1/pools/new", { tenant, body: {} }));
    await mustBeDead(key, "new");
  });

  it("numbers no two revocations alike, though the earlier key has expired and is forgotten", async () => {
    const tenant = await tenantWith("p");
    const now = Date.now();
    const [short, long] = [await makeKey(tenant, { expires_at: now + 60_000 }), await makeKey(tenant)];
    await revoke(tenant, short);
    vi.useFakeTimers({ toFake: ["Date"], now: now + 60_000 + limits.revokedKeysKeptMs });
    // Making a key forgets the expired one, and with it the highest number so far.
    await makeKey(tenant);
    expect(await revoke(tenant, long)).toEqual({ notified: 1, pending: 0 });
    await mustBeDead(long, "p");
  });
});

describe("revoking while other things happen", () => {
  it.each(["made", "made again", "configured"])("finds a pool that is being %s", async (how) => {
    const tenant = newTenant();
    for (let round = 0; round < 12; round++) {
      const key = await makeKey(tenant);
      const pool = how === "made" ? `p${round}` : "p";
      const steps: (() => Promise<unknown>)[] = [
        () => revoke(tenant, key),
        () => must(api("PUT", `/v1/pools/${pool}`, { tenant, body: { default_ttl_ms: 1_000 + round } })),
      ];
      if (how === "made again") steps.push(() => api("DELETE", `/v1/pools/${pool}`, { tenant }));
      const from = round % steps.length;
      const turned = [...steps.slice(from), ...steps.slice(0, from)];
      await Promise.all(turned.map((step) => step()));
      await must(api("PUT", `/v1/pools/${pool}`, { tenant, body: {} }));
      await mustBeDead(key, pool);
    }
  });

  it("finds every pool for each of many keys revoked at once", async () => {
    const pools = ["p", "q", "r"];
    const tenant = await tenantWith(...pools);
    const keys = await Promise.all(Array.from({ length: 16 }, () => makeKey(tenant)));
    const answers = await Promise.all(keys.map((key) => revoke(tenant, key)));
    expect(answers).toEqual(keys.map(() => ({ notified: 3, pending: 0 })));
    for (const key of keys) await mustBeDead(key, ...pools);
  });

  it("lets no reservation through once it is answered, however many are on their way", async () => {
    const tenant = await tenantWith("p");
    const key = await makeKey(tenant);
    const reserve = (id: string) =>
      api("POST", "/v1/pools/p/reservations", { token: key.key, body: { agent: "a", tokens: 1, id } });
    let revoked = false;
    const late: Reply[] = [];
    const keepOn = async (worker: number): Promise<void> => {
      for (let n = 0; n < 60; n++) {
        const sentAfter = revoked;
        const reply = await reserve(`w${worker}-${n}`);
        expect([201, 401]).toContain(reply.status);
        if (sentAfter) late.push(reply);
        if (late.length > 40) return;
      }
    };
    const workers = [0, 1, 2, 3].map(keepOn);
    await revoke(tenant, key);
    revoked = true;
    await Promise.all(workers);
    expect(late.length).toBeGreaterThan(0);
    for (const { status } of late) expect(status).toBe(401);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "leaves no key alive that is dead in a plain list of what was done, seed %i",
    async (seed) => {
      const random = randomOf(seed);
      const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)];
      const tenant = newTenant();
      const names = ["p", "q", "r"];
      const keys: (Key & { pool?: string | undefined; expiresAt?: number | undefined; revoked?: boolean })[] = [];
      const pools = new Set<string>();
      let now = Date.now();
      vi.useFakeTimers({ toFake: ["Date"], now });

      const steps: Readonly<Record<string, () => Promise<unknown>>> = {
        "make a key": async () => {
          const pool = random() < 0.3 ? pick(names) : undefined;
          const expiresAt = random() < 0.5 ? now + 1_000 + Math.floor(random() * 30_000) : undefined;
          keys.push({ ...(await makeKey(tenant, { pool, expires_at: expiresAt })), pool, expiresAt });
        },
        "revoke one": async () => {
          const key = pick(keys.filter(({ expiresAt = now + 1 }) => expiresAt > now));
          if (key === undefined) return;
          await revoke(tenant, key);
          key.revoked = true;
        },
        "make a pool": async () => {
          const pool = pick(names) ?? "p";
          await must(api("PUT", `/v1/pools/${pool}`, { tenant, body: {} }));
          pools.add(pool);
        },
        "delete a pool": async () => {
          const pool = pick([...pools]);
          if (pool === undefined) return;
          await must(api("DELETE", `/v1/pools/${pool}`, { tenant }));
          pools.delete(pool);
        },
        "let time pass": async () => vi.setSystemTime((now += Math.floor(random() * 10_000))),
        "evict an object": async () => {
          const pool = pick([...pools]);
          await evictDurableObject(pool === undefined ? tenantObject(tenant) : poolObject(tenant, pool)).catch(
            () => undefined,
          );
        },
      };
      await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
      pools.add("p");
      for (let step = 0; step < 40; step++) {
        const [what, take] = pick(Object.entries(steps)) ?? [];
        await take?.();
        for (const { key, pool: bound, expiresAt = Number.POSITIVE_INFINITY, revoked = false } of keys) {
          for (const pool of pools) {
            const { status, body } = await api("GET", `/v1/pools/${pool}`, { token: key });
            const got = body["code"] ?? status;
            const foreign = bound !== undefined && bound !== pool;
            const live = foreign ? "pool_not_found" : revoked ? "key_revoked" : 200;
            expect(got, `step ${step}, ${what}`).toBe(expiresAt <= now ? "unauthorized" : live);
          }
        }
      }
    },
  );
});
