/** Whatever a stranger sends: a clear refusal, an untouched pool, and nothing of theirs in a header. */
import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it } from "vitest";
import { callsOf } from "../pool/stage.ts";
import { api, fieldOf, must, newPool, type Reply } from "./api.ts";
import { type Attack, corpus, padded, shown, streamed } from "./corpus.ts";

const statuses = [400, 401, 402, 404, 405, 409, 410, 413, 415, 422, 429];

/** The only headers a problem may carry, and all that may stand in them. */
const headersOfProblems: Readonly<Record<string, RegExp>> = {
  "content-type": /^application\/problem\+json$/,
  "content-length": /^\d+$/,
  "cache-control": /^no-store$/,
  "content-security-policy": /^default-src 'none'; frame-ancestors 'none'$/,
  "referrer-policy": /^no-referrer$/,
  "strict-transport-security": /^max-age=31536000$/,
  "x-content-type-options": /^nosniff$/,
  "x-frame-options": /^DENY$/,
  "retry-after": /^\d+$/,
  "www-authenticate": /^Bearer$/,
  "x-request-id": /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  allow: /^(GET|PUT|POST|DELETE)(, (GET|PUT|POST|DELETE))*$/,
};

/** More than this would make us an amplifier: the largest answer lists a hundred faults. */
const maxAnswerLength = 20_000;

const prototypes = [Object.prototype, Array.prototype, String.prototype, Function.prototype];
const inheritedNow = (): string => JSON.stringify(prototypes.map((one) => Reflect.ownKeys(one).map(String)));
const inheritedBefore = inheritedNow();

let pool = "";
let before = "";
let reportBefore = "";
let poolsBefore = "";

beforeAll(async () => {
  pool = await newPool({}, { a: {}, b: {} });
  const body = { agent: "a", tokens: 100, id: "held", ttl_ms: 3_600_000 };
  await must(api("POST", `${pool}/reservations`, { body }));
  before = await everythingIn(pool);
  reportBefore = JSON.stringify(await must(api("GET", `${pool}/report`)));
  poolsBefore = JSON.stringify(await must(api("GET", "/v1/pools")));
});

/** The report and the journal, whole. */
async function everythingIn(path: string): Promise<string> {
  const [report, journal] = [await must(api("GET", `${path}/report`)), await must(api("GET", `${path}/journal`))];
  return JSON.stringify([report, journal]);
}

function send({ method, path, headers = [], body }: Attack): Promise<Reply> {
  const at = path.replace("{pool}", pool);
  const all = new Headers();
  for (const [name, value] of headers) all.append(name, value);
  const sent = typeof body === "function" ? body() : body;
  return api(method, at, { headers: all, ...(sent === undefined ? undefined : { body: sent }) });
}

/** What is wrong with the answer to an attack, or with what it left behind. */
async function faultsOf(attack: Attack): Promise<string[]> {
  const reply = await send(attack);
  const { status, headers, body } = reply;
  const faults: string[] = [];
  const must = (holds: boolean, what: string): void => {
    if (!holds) faults.push(`${attack.name}: ${what}; ${JSON.stringify(body).slice(0, 300)}`);
  };
  must(statuses.includes(attack.status) && status === attack.status, `got ${status} and not ${attack.status}`);
  for (const [name, value] of headers) {
    must(headersOfProblems[name]?.test(value) === true, `the header ${name} has no business to be ${value}`);
  }
  if (attack.method !== "HEAD") {
    must(headers.get("content-type") === "application/problem+json", "is no problem document");
    must(body["status"] === status && /^[a-z_]+$/.test(String(body["code"])), "has no status and code of its own");
    must(JSON.stringify(body).length < maxAnswerLength, "gets more back than is decent");
    must(status !== 400 || typeof fieldOf(reply) === "string", "is not told which field it was");
  }
  must(
    attack.field === undefined || fieldOf(reply) === attack.field,
    `names ${fieldOf(reply)} and not ${attack.field}`,
  );
  must(attack.allow === undefined || headers.get("allow") === attack.allow, `allows ${headers.get("allow")}`);
  must(
    JSON.stringify(await api("GET", `${pool}/report`).then((report) => report.body)) === reportBefore,
    "changed the pool",
  );
  must(inheritedNow() === inheritedBefore, "changed a prototype");
  return faults;
}

describe("a stranger's request", () => {
  it.each(Object.keys(corpus))("with %s gets its own clear refusal, and changes nothing", async (kind) => {
    const faults: string[] = [];
    for (const attack of corpus[kind] ?? []) faults.push(...(await faultsOf(attack)));
    expect(faults).toEqual([]);
    expect(await everythingIn(pool)).toBe(before);
  });
});

describe("after all of it", () => {
  it("has made no pool that nobody asked for", async () => {
    expect(JSON.stringify(await must(api("GET", "/v1/pools")))).toBe(poolsBefore);
  });

  it("has tried more than four hundred different requests", () => {
    const attacks = Object.values(corpus).flat();
    const different = new Set(attacks.map((attack) => JSON.stringify({ ...attack, body: String(attack.body) })));
    expect(different.size).toBeGreaterThan(400);
  });
});

describe("unusual, but well formed", () => {
  it.each(["5", "5.0", "5e0", "0.5e1", "50E-1", "500e-2"])("reserves 5 when asked for %s", async (raw) => {
    const own = await newPool({}, { a: {} });
    const reply = await api("POST", `${own}/reservations`, { body: `{"agent":"a","tokens":${raw}}` });
    expect(reply).toMatchObject({ status: 201, body: { granted: 5, agent: { held: 5, available: 995 } } });
  });

  it.each(["-0", "-0.0", "0e5", "0"])("books nothing when told %s, and takes 0 for its repeat", async (raw) => {
    const own = await newPool({}, { a: {} });
    const first = await must(api("POST", `${own}/usage`, { body: `{"agent":"a","tokens":${raw},"id":"u"}` }));
    expect(first).toMatchObject({ consumed: 0, seq: 3, agent: { consumed: 0, allocated: 1_000 } });
    const again = await must(api("POST", `${own}/usage`, { body: { agent: "a", tokens: 0, id: "u" } }));
    expect(again).toEqual({ ...first, replayed: true });
  });

  it.each([
    [
      "a label in any script, and with any control character, is given back as it came",
      "\u0000\r\n\u202e\ud83d\ude00\u212a",
    ],
    ["half of a surrogate pair is given back as it came", "a\ud800b\udfff"],
    ["a composed letter stays composed", "\u00e9"],
    ["a decomposed letter stays decomposed", "e\u0301"],
    ["SQL is only text", "'; DROP TABLE journal;--"],
    ["HTML is only text", "<script>alert(1)</script>"],
    ["an empty label is one", ""],
  ])("%s, after eviction too", async (_, value) => {
    const own = await newPool({}, { a: {} });
    const body = { agent: "a", tokens: 5, id: "r", metadata: { label: value } };
    await must(api("POST", `${own}/reservations`, { body }));
    const stub = env.POOLS.getByName(`default${own.replace("/v1/pools", "")}`);
    const found = await callsOf(stub).query(
      { key_id: null, agent: null, expires_at: null },
      { about: "reservation", id: "r" },
    );
    expect(found).toMatchObject({ ok: true });
    await evictDurableObject(stub);
    expect(await must(api("GET", `${own}/reservations/r`))).toMatchObject({ metadata: { label: value } });
    expect(await must(api("POST", `${own}/reservations`, { body }))).toMatchObject({ replayed: true });
    const other = { ...body, metadata: { label: `${value}.` } };
    expect(await api("POST", `${own}/reservations`, { body: other })).toMatchObject({
      status: 422,
      body: { code: "id_reused", field: "metadata" },
    });
  });

  it("tells a composed and a decomposed label apart", async () => {
    const own = await newPool({}, { a: {} });
    const body = { agent: "a", tokens: 5, id: "r", metadata: { label: "\u00e9" } };
    await must(api("POST", `${own}/reservations`, { body }));
    const reply = await api("POST", `${own}/reservations`, { body: { ...body, metadata: { label: "e\u0301" } } });
    expect(reply).toMatchObject({ status: 422, body: { code: "id_reused", field: "metadata" } });
  });

  it.each(["__proto__", "constructor", "prototype", "toString"])(
    "keeps a label named %s, never drops it",
    async (key) => {
      const own = await newPool({}, { a: {} });
      const body = `{"agent":"a","tokens":5,"id":"r","metadata":{"${key}":"kept"}}`;
      const { status } = await api("POST", `${own}/reservations`, { body });
      // Refusing it would be as good; only silence is not.
      if (status === 400) return;
      const { metadata } = await must(api("GET", `${own}/reservations/r`));
      expect(JSON.stringify(metadata)).toBe(`{"${key}":"kept"}`);
    },
  );

  it("counts labels named __proto__ among the others, and looks at their values", async () => {
    const own = await newPool({}, { a: {} });
    const reply = await api("POST", `${own}/reservations`, {
      body: '{"agent":"a","tokens":5,"metadata":{"__proto__":{"polluted":true}}}',
    });
    expect(reply.status).toBe(400);
    expect(Object({})).not.toHaveProperty("polluted");
  });

  it.each(["__proto__", "constructor", "hasOwnProperty", "a.b", ":", "-", "x".repeat(128)])(
    "has an agent named %s like any other",
    async (name) => {
      const own = await newPool({}, { [name]: {}, other: {} });
      await must(api("POST", `${own}/usage`, { body: { agent: name, tokens: 7 } }));
      const { agents } = await must(api("GET", `${own}/report`));
      expect(Object.entries(Object(agents))).toMatchObject([
        [name, { consumed: 7, allocated: 1_000 }],
        ["other", { consumed: 0 }],
      ]);
      expect(await must(api("GET", `${own}/audit`))).toMatchObject({ ok: true });
    },
  );

  it.each([".", ".."])("lets nobody hold budget under the id %s, which no URL can carry", async (id) => {
    const own = await newPool({}, { a: {} });
    const reply = await api("POST", `${own}/reservations`, { body: { agent: "a", tokens: 5, id } });
    expect(reply.status === 400 || (await api("GET", `${own}/reservations/${id}`)).status === 200).toBe(true);
  });

  it("keeps apart ids that differ in case only", async () => {
    const own = await newPool({}, { a: {}, A: { max_tokens: 500 } });
    await must(api("POST", `${own}/reservations`, { body: { agent: "a", tokens: 5, id: "call" } }));
    await must(api("POST", `${own}/reservations`, { body: { agent: "A", tokens: 6, id: "CALL" } }));
    expect(await must(api("GET", `${own}/reservations/call`))).toMatchObject({ agent: "a", granted: 5 });
    expect(await must(api("GET", `${own}/reservations/CALL`))).toMatchObject({ agent: "A", granted: 6 });
  });

  it("takes a percent-encoded letter in a path for the letter", async () => {
    expect(await must(api("GET", `${pool}/agents/%61`))).toMatchObject({ name: "a" });
    expect(await must(api("GET", `${pool}/reservations/%68eld`))).toMatchObject({ id: "held" });
  });

  it("takes a body of exactly the limit, in one piece or in many", async () => {
    const own = await newPool({}, { a: {} });
    const body = padded('{"agent":"a","tokens":5}', 65_536);
    expect(await must(api("POST", `${own}/reservations`, { body }))).toMatchObject({ granted: 5, agent: { held: 5 } });
    const again = await must(api("POST", `${own}/reservations`, { body: streamed(body, 4_000) }));
    expect(again).toMatchObject({ granted: 5, agent: { held: 10 } });
  });

  it("answers HEAD as GET without the body, and changes nothing", async () => {
    for (const path of ["", "/report", "/journal", "/agents/a", "/reservations/held"]) {
      const [head, get] = [await api("HEAD", pool + path), await api("GET", pool + path)];
      expect(head.status).toBe(200);
      expect(head.body).toEqual({});
      expect(head.headers.get("content-type")).toBe(get.headers.get("content-type"));
    }
    expect(await everythingIn(pool)).toBe(before);
  });

  it("does not do what a header says in place of the method", async () => {
    for (const name of ["x-http-method-override", "x-http-method", "x-method-override"]) {
      const reply = await api("GET", `${pool}/agents/b`, { headers: { [name]: "DELETE" } });
      expect(reply).toMatchObject({ status: 200, body: { name: "b", closing: false } });
    }
    expect(await everythingIn(pool)).toBe(before);
  });

  it("gives no other origin leave to read", async () => {
    const reply = await api("GET", `${pool}/report`, { headers: { origin: "https://evil.example" } });
    expect([...reply.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
    expect(JSON.stringify([...reply.headers])).not.toContain("evil");
  });

  it("gives every request an id of its own, whatever id it came with", async () => {
    const headers = { "x-request-id": "mine" };
    const ids = [await api("GET", pool, { headers }), await api("GET", pool, { headers })].map((reply) =>
      reply.headers.get("x-request-id"),
    );
    expect(new Set([...ids, "mine"]).size).toBe(3);
  });

  it.each(["/", "/a/b", "~", "a~1b"])("names the unknown field %s as a JSON pointer does", async (key) => {
    const body = { agent: "a", tokens: 5, [key]: 1 };
    const reply = await api("POST", `${pool}/reservations`, { body });
    expect(reply.status).toBe(400);
    expect(fieldOf(reply)).toBe(`/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`);
  });

  it("says in which command of a batch a key came twice", async () => {
    const body = '{"commands":[{"op":"release","id":"x"},{"op":"release","id":"x","id":"held"}]}';
    const reply = await api("POST", `${pool}/batch`, { body });
    expect(reply.status).toBe(400);
    expect(fieldOf(reply), shown(body)).toBe("/commands/1/id");
  });
});
