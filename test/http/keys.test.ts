/**
 * Keys as the outside meets them: none but those that we signed, to the letter and to the millisecond; none that may
 * more than its maker; none that can be found again in what we keep.
 */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import {
  api,
  fieldOf,
  type Json,
  keyOf,
  must,
  newTenant,
  operatorToken,
  problem,
  type Reply,
  tenantObject,
} from "./api.ts";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Asks the Worker beside the test, for tests that ask a thousand times or change the secrets. */
function withKey(token: string | null, bindings: Partial<Env> = {}): Promise<Reply> {
  return api("GET", "/v1/pools", { token, bindings });
}

const isIn = async (token: string, bindings?: Partial<Env>): Promise<boolean> => {
  const { status, body } = await withKey(token, bindings);
  if (status === 200) return true;
  expect(body).toMatchObject({ status: 401, code: "unauthorized" });
  return false;
};

function partsOf(key: string): { payload: string; signature: string } {
  const [, payload = "", signature = ""] = /^bursar_([^.]+)\.(.+)$/.exec(key) ?? [];
  return { payload, signature };
}

async function makeKey(tenant: string, fields: Json, token?: string): Promise<Json & { key: string; key_id: string }> {
  const made = await must(api("POST", "/v1/keys", { body: fields, ...(token === undefined ? { tenant } : { token }) }));
  return { ...made, key: String(made["key"]), key_id: String(made["key_id"]) };
}

async function hmac(secret: string, text: string): Promise<string> {
  const bytes = (given: string) => new TextEncoder().encode(given);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  return base64Url(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(text))));
}

function base64Url(given: Uint8Array | string): string {
  const bytes = typeof given === "string" ? new TextEncoder().encode(given) : given;
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

const fromBase64Url = (text: string): Uint8Array =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

afterEach(() => vi.useRealTimers());

describe("a key that was tampered with", () => {
  it("lets nobody in with any letter of it changed", async () => {
    const key = await keyOf({ tenant: newTenant(), scope: "read" });
    expect(await isIn(key)).toBe(true);
    const passed: string[] = [];
    // The last letter of the signature has a test of its own.
    for (let at = 0; at < key.length - 1; at++) {
      const old = key.charAt(at);
      const index = letters.indexOf(old);
      const swapped = old === old.toUpperCase() ? old.toLowerCase() : old.toUpperCase();
      for (const other of [letters.charAt((index + 1) % 64), letters.charAt((index + 32) % 64), swapped, "."]) {
        if (other === old) continue;
        if (await isIn(key.slice(0, at) + other + key.slice(at + 1))) passed.push(`${at}: ${other}`);
      }
    }
    expect(passed).toEqual([]);
  });

  it("lets nobody in with another last letter, though it carries only four bits", async () => {
    const key = await keyOf({ tenant: newTenant(), scope: "read" });
    const passed: string[] = [];
    for (const letter of letters) if (await isIn(key.slice(0, -1) + letter)) passed.push(letter);
    expect(passed).toEqual([key.slice(-1)]);
  });

  it("lets nobody in with any bit of its payload or signature turned", async () => {
    const { payload, signature } = partsOf(await keyOf({ tenant: newTenant(), scope: "read", pool: "p", agent: "a" }));
    const passed: string[] = [];
    for (const [part, text] of Object.entries({ payload, signature })) {
      const bytes = fromBase64Url(text);
      for (let bit = 0; bit < bytes.length * 8; bit += part === "payload" ? 5 : 1) {
        const turned = bytes.map((byte, at) => (at === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte));
        const parts = { payload, signature, [part]: base64Url(turned) };
        if (await isIn(`bursar_${parts.payload}.${parts.signature}`)) passed.push(`${part}, bit ${bit}`);
      }
    }
    expect(passed).toEqual([]);
  });

  it("lets nobody in with more rights written into it, or another tenant, pool, agent or time", async () => {
    const tenant = newTenant();
    const { payload, signature } = partsOf(
      await keyOf({ tenant, scope: "read", pool: "p", agent: "a", expires_at: Date.now() + 60_000 }),
    );
    const fields: Json = JSON.parse(new TextDecoder().decode(fromBase64Url(payload)));
    const changes: readonly Json[] = [
      { s: "admin" },
      { t: "default" },
      { p: undefined },
      { p: "q" },
      { a: undefined },
      { a: "b" },
      { e: undefined },
      { e: Number.MAX_SAFE_INTEGER },
      { k: "other" },
      { j: "eu" },
      { v: 1, s: ["read", "admin"] },
      { x: 1 },
    ];
    for (const change of changes) {
      const changed = base64Url(JSON.stringify({ ...fields, ...change }));
      expect(await isIn(`bursar_${changed}.${signature}`), JSON.stringify(change)).toBe(false);
    }
  });

  it("lets nobody in with parts of two keys, in whatever order", async () => {
    const tenant = newTenant();
    const [one, two] = [partsOf(await keyOf({ tenant })), partsOf(await keyOf({ tenant, scope: "read" }))];
    const mixed = [
      `bursar_${one.payload}.${two.signature}`,
      `bursar_${two.payload}.${one.signature}`,
      `bursar_${one.signature}.${one.payload}`,
      `bursar_${one.signature}.${one.signature}`,
      `bursar_${one.payload}.${one.payload.slice(0, 43)}`,
      `bursar_${one.payload}${two.payload}.${one.signature}`,
      `bursar_${one.payload}.${one.signature}.${two.signature}`,
      `bursar_${one.payload}.${two.payload}.${one.signature}`,
    ];
    for (const key of mixed) expect(await isIn(key), key).toBe(false);
  });

  it("lets nobody in when it is cut short or goes on, at either end", async () => {
    const key = await keyOf({ tenant: newTenant() });
    for (let length = 0; length < key.length; length++) {
      expect(await isIn(key.slice(0, length))).toBe(false);
      if (length > 0) expect(await isIn(key.slice(length))).toBe(false);
    }
    const { payload, signature } = partsOf(key);
    for (const more of ["A", "AA", "AAAA", "=", "==", ".", "-", "/", "~", `.${signature}`, key]) {
      expect(await isIn(key + more), `…${more}`).toBe(false);
      expect(await isIn(more + key), `${more}…`).toBe(false);
      expect(await isIn(`bursar_${payload}${more}.${signature}`), more).toBe(false);
      expect(await isIn(`bursar_${more}${payload}.${signature}`), more).toBe(false);
    }
  });

  it("lets nobody in when it is written in another base64, or another prefix", async () => {
    // A payload with bytes that the two alphabets write differently.
    const key = await keyOf({ tenant: newTenant(), pool: "~~~", agent: "???>>>" });
    const { payload, signature } = partsOf(key);
    const plain = (text: string) => text.replaceAll("-", "+").replaceAll("_", "/");
    const padded = (text: string) => text + "=".repeat((4 - (text.length % 4)) % 4);
    const hex = [...fromBase64Url(signature)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const variants = [
      `bursar_${payload}.${padded(signature)}`,
      `bursar_${plain(payload)}+.${signature}`,
      `bursar_${payload}.${plain(`${signature.slice(0, -1)}_`)}`,
      `bursar_${payload}.${hex}`,
      `bursar_${payload}.${hex.slice(0, 43)}`,
      `bursar_${payload}~.${signature}`,
      `BURSAR_${payload}.${signature}`,
      `bursar-${payload}.${signature}`,
      `burser_${payload}.${signature}`,
      `bursar_${payload}=.${signature}`,
      `bursar_.${signature}`,
      `bursar_${payload}.`,
      `${payload}.${signature}`,
      `bursar_bursar_${payload}.${signature}`,
      `bursar_${payload}.${base64Url(await hmac(env.BURSAR_KEY_SECRET, payload))}`,
    ].filter((variant) => variant !== key);
    for (const variant of variants) expect(await isIn(variant), variant).toBe(false);
  });

  it.each([[2], [0], ["1"], [null], [true], [undefined]])(
    "lets nobody in when it is of version %s, though we signed it",
    async (version) => {
      const of = async (v: unknown): Promise<string> => {
        const payload = base64Url(JSON.stringify({ v, t: newTenant(), k: "k", s: "admin" }));
        return `bursar_${payload}.${await hmac(env.BURSAR_KEY_SECRET, payload)}`;
      };
      expect(await isIn(await of(1))).toBe(true);
      expect(await isIn(await of(version))).toBe(false);
    },
  );

  it("lets nobody in when it is signed with anything but the secret", async () => {
    const { payload } = partsOf(await keyOf({ tenant: newTenant() }));
    const secret = env.BURSAR_KEY_SECRET;
    const others = [
      secret.slice(1),
      secret.slice(0, -1),
      secret.toUpperCase(),
      ` ${secret}`,
      operatorToken(),
      payload,
      "bursar",
      "undefined",
      "null",
      "\0",
      // HMAC takes a long key by its hash, and pads a short one with zeros.
      `${secret}x`,
    ];
    for (const other of others) {
      expect(await isIn(`bursar_${payload}.${await hmac(other, payload)}`), other).toBe(false);
    }
    expect(await isIn(`bursar_${payload}.${await hmac(secret, `bursar_${payload}`)}`)).toBe(false);
    expect(await isIn(`bursar_${payload}.${await hmac(secret, payload)}`)).toBe(true);
  });
});

describe("a key that expires", () => {
  it.each([
    [-1_000, true],
    [-1, true],
    [0, false],
    [1, false],
    [1_000, false],
    [10 ** 12, false],
  ])("%i ms from then is alive: %s", async (ms, alive) => {
    const expires_at = Date.now() + 60_000;
    const tenant = newTenant();
    const { key } = await makeKey(tenant, { scope: "admin", expires_at });
    expect(await isIn(key)).toBe(true);
    vi.useFakeTimers({ toFake: ["Date"], now: expires_at + ms });
    expect(await isIn(key)).toBe(alive);
    const asked = api("PUT", "/v1/pools/p", { token: key, body: {} });
    if (alive) await must(asked);
    else expect(await problem(asked, 401, "unauthorized")).toEqual({});
  });

  it("looks when it has expired like one that never was", async () => {
    const dead = await withKey(await keyOf({ expires_at: Date.now() - 1 }));
    const none = await withKey(`bursar_${"A".repeat(60)}.${"A".repeat(43)}`);
    expect(dead.body).toEqual(none.body);
    expect([...dead.headers.keys()]).toEqual([...none.headers.keys()]);
  });

  it("is not made when it would be dead at once, by whoever makes it", async () => {
    const now = Date.now();
    vi.useFakeTimers({ toFake: ["Date"], now });
    const tenant = newTenant();
    const token = operatorToken();
    await must(api("POST", "/v1/tenants", { token, body: { id: tenant } }));
    for (const expires_at of [0, 1, now - 1, now]) {
      for (const [path, more] of [
        ["/v1/keys", { tenant, body: { scope: "read", expires_at } }],
        [`/v1/tenants/${tenant}/keys`, { token, body: { expires_at } }],
      ] as const) {
        const reply = await api("POST", path, more);
        expect([path, reply.status, fieldOf(reply)]).toEqual([path, 400, "/expires_at"]);
      }
    }
    expect(await makeKey(tenant, { scope: "read", expires_at: now + 1 })).toMatchObject({ expires_at: now + 1 });
  });
});

describe("a key that makes keys", () => {
  const post = (token: string, body: Json): Promise<Reply> => api("POST", "/v1/keys", { token, body });

  it("makes, when it is bound to a pool, keys for that pool alone", async () => {
    const tenant = newTenant();
    for (const pool of ["p", "q"]) await must(api("PUT", `/v1/pools/${pool}`, { tenant, body: {} }));
    const { key: maker } = await makeKey(tenant, { scope: "admin", pool: "p" });
    for (const scope of ["admin", "spend", "gateway", "read"]) {
      for (const body of [{ scope }, { scope, pool: "p" }]) {
        const made = await must(post(maker, body));
        expect(made).toMatchObject({ scope, pool: "p" });
        const asked = api("GET", "/v1/pools/q", { token: String(made["key"]) });
        if (scope === "gateway") await problem(asked, 403, "forbidden");
        else await problem(asked, 404, "pool_not_found");
      }
      for (const pool of ["q", "P", "p.", "missing"]) {
        const reply = await post(maker, { scope, pool });
        expect([reply.status, fieldOf(reply)]).toEqual([400, "/pool"]);
      }
    }
    const { keys } = await must(api("GET", "/v1/keys", { tenant }));
    expect(keys).toHaveLength(9);
  });

  it("makes no key that outlives it", async () => {
    const expires_at = Date.now() + 60_000;
    const tenant = newTenant();
    const { key: maker } = await makeKey(tenant, { scope: "admin", expires_at });
    expect(await must(post(maker, { scope: "read" }))).toMatchObject({ expires_at });
    expect(await must(post(maker, { scope: "read", expires_at }))).toMatchObject({ expires_at });
    const sooner = expires_at - 1;
    expect(await must(post(maker, { scope: "read", expires_at: sooner }))).toMatchObject({ expires_at: sooner });
    for (const later of [expires_at + 1, Number.MAX_SAFE_INTEGER]) {
      const reply = await post(maker, { scope: "read", expires_at: later });
      expect([reply.status, fieldOf(reply)]).toEqual([400, "/expires_at"]);
    }
    expect((await post(maker, { scope: "read", expires_at: null })).status).toBe(400);
  });

  it("hands its bounds down from key to key, however many there are between", async () => {
    const tenant = newTenant();
    const expires_at = Date.now() + 60_000;
    let { key } = await makeKey(tenant, { scope: "admin", pool: "p", expires_at });
    for (let generation = 0; generation < 8; generation++) {
      const made = await makeKey(tenant, { scope: "admin" }, key);
      expect(made).toMatchObject({ pool: "p", expires_at });
      key = made.key;
    }
  });

  it("makes no admin key that is bound to an agent", async () => {
    const reply = await api("POST", "/v1/keys", { body: { scope: "admin", agent: "a" } });
    expect([reply.status, fieldOf(reply)]).toEqual([400, "/agent"]);
  });

  it.each(["operator", "tenant", "key_id", "scopes", "key", "j", "jurisdiction", "created_at", "revoked_at"])(
    "can't write %s into it",
    async (field) => {
      const reply = await api("POST", "/v1/keys", { body: { scope: "read", [field]: "x" } });
      expect([reply.status, fieldOf(reply)]).toEqual([400, `/${field}`]);
    },
  );

  it("lists and revokes, when it is bound to a pool, that pool's keys alone", async () => {
    const tenant = newTenant();
    for (const pool of ["p", "q"]) await must(api("PUT", `/v1/pools/${pool}`, { tenant, body: {} }));
    const maker = await makeKey(tenant, { scope: "admin", pool: "p" });
    const own = await makeKey(tenant, { scope: "read", pool: "p" });
    const others = [await makeKey(tenant, { scope: "read", pool: "q" }), await makeKey(tenant, { scope: "read" })];
    const { keys } = await must(api("GET", "/v1/keys", { token: maker.key }));
    expect(keys).toMatchObject([{ key_id: maker.key_id }, { key_id: own.key_id }]);
    expect(keys).toHaveLength(2);
    for (const { key_id, key } of others) {
      const asked = api("DELETE", `/v1/keys/${key_id}`, { token: maker.key });
      expect(await problem(asked, 404, "key_not_found")).toEqual({ key_id });
      expect((await api("GET", "/v1/pools/q", { token: key })).status).toBe(200);
    }
    await must(api("DELETE", `/v1/keys/${own.key_id}`, { token: maker.key }));
    await problem(api("GET", "/v1/pools/p", { token: own.key }), 401, "key_revoked");
  });

  it("makes one key when the answer was lost on the way, and the object was asked again", async () => {
    const tenant = newTenant();
    const bindings = { TENANTS: losing((env as Env).TENANTS, "addKey") };
    const reply = await api("POST", "/v1/keys", { tenant, bindings, body: { scope: "read", label: "once" } });
    expect(reply).toMatchObject({ status: 201, body: { label: "once" } });
    expect(await must(api("GET", "/v1/keys", { tenant }))).toMatchObject({ keys: [{ label: "once" }] });
  });

  it("can be made for a tenant whose first one was lost on the way", async () => {
    const body = { id: newTenant() };
    const token = operatorToken();
    const bindings = { DIRECTORY: losing((env as Env).DIRECTORY, "add") };
    const reply = await api("POST", "/v1/tenants", { token, bindings, body });
    // Made by the call that was lost, or not: either way the operator comes to a key.
    const key =
      reply.status === 201
        ? Object(reply.body["key"]).key
        : (await must(api("POST", `/v1/tenants/${body.id}/keys`, { token })))["key"];
    await must(api("GET", "/v1/pools", { token: String(key) }));
  });
});

/** Objects that do what they are asked by `method`; but the first answer is lost, as when a connection breaks. */
function losing<T extends Env["TENANTS"] | Env["DIRECTORY"]>(objects: T, method: string): T {
  let calls = 0;
  const get = (id: DurableObjectId) => {
    const stub = objects.get(id);
    const call = async (...given: unknown[]): Promise<unknown> => {
      const answer = await Reflect.apply(Reflect.get(stub, method), stub, given);
      if (calls++ === 0) throw Object.assign(new Error("Network connection lost."), { retryable: true });
      return answer;
    };
    return new Proxy(stub, { get: (target, name) => (name === method ? call : Reflect.get(target, name)) });
  };
  return { idFromName: (name: string) => objects.idFromName(name), get } as unknown as T;
}

describe("a key that was made", () => {
  it("is shown once, and no part of it is kept in any table", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    await must(api("PUT", "/v1/pools/p/agents/a", { tenant, body: { priority: 1, max_tokens: 1_000 } }));
    const made = [
      await makeKey(tenant, { scope: "admin", label: "one" }),
      await makeKey(tenant, { scope: "spend", pool: "p" }),
      await makeKey(tenant, { scope: "spend", agent: "a", expires_at: Date.now() + 60_000 }),
    ];
    for (const [index, { key: token }] of made.entries()) {
      const body = { agent: "a", tokens: 10, id: `r${index}`, metadata: { note: "x" } };
      await must(api("POST", "/v1/pools/p/reservations", { token, body }));
      await must(api("POST", `/v1/pools/p/reservations/r${index}/commit`, { token, body: { tokens: 5 } }));
      await must(api("DELETE", `/v1/keys/${made[index]?.key_id}`, { tenant }));
    }
    const listed = await must(api("GET", "/v1/keys", { tenant }));
    const dumps = [
      JSON.stringify(listed),
      await runInDurableObject(tenantObject(tenant), (_, { storage }) => tablesOf(storage)),
      await runInDurableObject(env.POOLS.getByName(`${tenant}/p`), (_, { storage }) => tablesOf(storage)),
      JSON.stringify(await must(api("GET", "/v1/pools/p/journal", { tenant }))),
      JSON.stringify(await must(api("GET", "/v1/pools/p/report", { tenant }))),
    ];
    for (const { key, key_id } of made) {
      const [inList = "", inTenant = "", inPool = ""] = dumps;
      for (const dump of [inList, inTenant, inPool]) expect(dump).toContain(key_id);
      const { payload, signature } = partsOf(key);
      for (const part of [payload, signature]) {
        for (let at = 0; at + 10 <= part.length; at++) {
          for (const dump of dumps) expect(dump.includes(part.slice(at, at + 10))).toBe(false);
        }
      }
    }
  });
});

/** Every row of every table, as text. */
function tablesOf({ sql }: DurableObjectStorage): string {
  const tables = sql
    .exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    )
    .toArray();
  expect(tables.length).toBeGreaterThan(1);
  return JSON.stringify(tables.map(({ name }) => [name, sql.exec(`SELECT * FROM "${name}"`).toArray()]));
}

describe("the secret that signs keys", () => {
  const old = { BURSAR_KEY_SECRET: env.BURSAR_KEY_SECRET };
  const next = { BURSAR_KEY_SECRET: "the-next-secret-of-the-test-suite-0123456789" };
  const rotating = { ...next, BURSAR_KEY_SECRET_PREVIOUS: env.BURSAR_KEY_SECRET };
  const made = async (tenant: string, bindings: Partial<Env>): Promise<string> =>
    String(
      (await must(api("POST", "/v1/keys", { token: await keyOf({ tenant }), bindings, body: { scope: "read" } })))[
        "key"
      ],
    );

  it("is rotated without a key failing: the old lives until the previous secret is dropped", async () => {
    const tenant = newTenant();
    const before = await made(tenant, old);
    expect(await isIn(before, old)).toBe(true);

    const during = await made(tenant, rotating);
    expect([await isIn(before, rotating), await isIn(during, rotating)]).toEqual([true, true]);
    // What is made now is signed with the new secret alone.
    expect([await isIn(during, next), await isIn(during, old)]).toEqual([true, false]);

    expect([await isIn(before, next), await isIn(during, next)]).toEqual([false, true]);
  });

  it("is rotated without reviving a key that was revoked", async () => {
    const tenant = newTenant();
    const { key, key_id } = await makeKey(tenant, { scope: "admin" });
    await must(api("DELETE", `/v1/keys/${key_id}`, { tenant }));
    await problem(api("GET", "/v1/pools", { token: key, bindings: rotating }), 401, "key_revoked");
  });

  it("is not rotated into by a key that only the previous one could have verified in part", async () => {
    const { payload } = partsOf(await keyOf({ tenant: newTenant() }));
    const [first, second] = [await hmac(old.BURSAR_KEY_SECRET, payload), await hmac(next.BURSAR_KEY_SECRET, payload)];
    const halves = `${first.slice(0, 21)}${second.slice(21)}`;
    expect(await isIn(`bursar_${payload}.${halves}`, rotating)).toBe(false);
    expect(await isIn(`bursar_${payload}.${first}`, rotating)).toBe(true);
    expect(await isIn(`bursar_${payload}.${second}`, rotating)).toBe(true);
  });

  it.each(["", "short", "x".repeat(31)])(
    "verifies nothing as the previous one if it could be guessed: %s",
    async (weak) => {
      const { payload } = partsOf(await keyOf({ tenant: newTenant() }));
      const bindings = { BURSAR_KEY_SECRET_PREVIOUS: weak };
      // No HMAC has an empty key; what it stands for is one of zeros.
      const forged = await hmac(weak === "" ? "\0" : weak, payload);
      expect(await isIn(`bursar_${payload}.${forged}`, bindings)).toBe(false);
      expect(await isIn(await keyOf({ tenant: newTenant() }), bindings)).toBe(true);
    },
  );
});
