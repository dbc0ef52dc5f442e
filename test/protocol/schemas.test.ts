/** The wire's schemas: nothing passes that a route does not know, and every number has its bounds. */
import { describe, expect, it } from "vitest";
import type * as z from "zod";
import { type Route, routes } from "../../src/http/routes.ts";
import { registerBody } from "../../src/protocol/agent.wire.ts";
import { batchBody, batchCommand, withIds } from "../../src/protocol/batch.wire.ts";
import { listQuery, nameSchema } from "../../src/protocol/common.wire.ts";
import { journalQuery } from "../../src/protocol/journal.wire.ts";
import { parseJson } from "../../src/protocol/json.ts";
import { configureBody, fundBody } from "../../src/protocol/pool.wire.ts";
import { commitBody, extendBody, reserveBody } from "../../src/protocol/reservation.wire.ts";
import { reallocateBody, recordBody } from "../../src/protocol/usage.wire.ts";

type Fields = Readonly<Record<string, unknown>>;

/** What a commit or record may say of its use. */
const booked = {
  usage: {
    provider: "p",
    model: "m",
    input: 5,
    output: 5,
    cache_read: 5,
    cache_write: 5,
    cache_write_1h: 5,
    reasoning: 5,
    estimated: true,
    price: { version: "v", input: 5, output: 5, cache_read: 5, cache_write: 5, cache_write_1h: 5 },
  },
};
/** A body with every field that the route knows; what can't stand together is left out. */
const whole: Readonly<Record<string, Fields>> = {
  "POST /v1/tenants": { id: "t", jurisdiction: "eu" },
  "POST /v1/tenants/:tenant/keys": { label: "l", expires_at: 5 },
  "POST /v1/keys": { scope: "spend", pool: "p", agent: "a", label: "l", expires_at: 5 },
  "PUT /v1/prices/:model": {
    input: 5,
    output: 5,
    cache_read: 5,
    cache_write: 5,
    cache_write_1h: 5,
    tiers: [{ above: 5, input: 5, output: 5, cache_read: 5, cache_write: 5, cache_write_1h: 5 }],
  },
  "POST /v1/webhooks": { url: "https://a.example", types: ["agent.overage"], pool: "p", description: "d" },
  "PUT /v1/webhooks/:webhook": { url: "https://a.example", types: ["agent.overage"], pool: "p", description: "d" },
  "POST /v1/webhooks/:webhook/rotate": {},
  "POST /v1/webhooks/:webhook/enable": {},
  "POST /v1/webhooks/:webhook/ping": {},
  "POST /v1/webhooks/:webhook/redeliver": { message: "msg_1" },
  "PUT /v1/pools/:pool": {
    unit: "tokens",
    budget: 5,
    equal_priority_donates: true,
    default_ttl_ms: 100,
    journal_refusals: true,
    fallback_price: { input: 5, output: 5, cache_read: 5, cache_write: 5, cache_write_1h: 5 },
    location_hint: "weur",
    refill: { every: "week", starts_on: "friday", time_zone: "Europe/Berlin", rollover: "capped", rollover_cap: 5 },
    warn_at: [5, 6],
    journal_days: 5,
  },
  "POST /v1/pools/:pool/funds": { tokens: 5, id: "x" },
  "PUT /v1/pools/:pool/agents/:agent": {
    priority: 1,
    max_tokens: 5,
    min_reserve: 1,
    confidence_threshold: 0.5,
    confidence_path: "/confidence",
    ceiling: 9,
    parent: "p",
    final_reserve: 1,
    max_reserves_per_minute: 5,
    refill: { every: "hours", hours: 5, from: 5 },
  },
  "POST /v1/pools/:pool/reset-period": { id: "x" },
  "POST /v1/pools/:pool/archive": {},
  "POST /v1/pools/:pool/restore": {},
  "POST /v1/pools/:pool/agents/:agent/reopen": { id: "x" },
  "POST /v1/pools/:pool/agents/:agent/pause": {},
  "POST /v1/pools/:pool/agents/:agent/resume": {},
  "POST /v1/pools/:pool/pause": {},
  "POST /v1/pools/:pool/resume": {},
  "POST /v1/pools/:pool/agents/:agent/reset": { id: "x" },
  "POST /v1/pools/:pool/reservations": {
    agent: "a",
    tokens: 5,
    at_least: 1,
    ttl_ms: 100,
    on_expiry: "charge",
    metadata: { k: "v" },
    final: true,
    id: "x",
    wait_ms: 1,
  },
  "POST /v1/pools/:pool/reservations/:id/commit": { tokens: 5, confidence: 0.5, ...booked },
  "POST /v1/pools/:pool/reservations/:id/release": {},
  "POST /v1/pools/:pool/reservations/:id/extend": { ttl_ms: 100, on_expiry: "release" },
  "POST /v1/pools/:pool/usage": { agent: "a", tokens: 5, confidence: 0.5, metadata: { k: "v" }, id: "x", ...booked },
  "POST /v1/pools/:pool/reallocations": { agent: "a", tokens: 5, dry_run: true, id: "x" },
  "POST /v1/pools/:pool/batch": { commands: [{ op: "release", id: "x" }] },
};

const wholeQuery: Readonly<Record<string, Fields>> = {
  "GET /v1/tenants": { after: "a", limit: "5" },
  "GET /v1/keys": { after: "a", limit: "5" },
  "GET /v1/prices": { after: "a", limit: "5" },
  "GET /v1/metrics": { after: "a", limit: "5" },
  "GET /v1/pools": { after: "a", limit: "5" },
  "DELETE /v1/pools/:pool": { force: "true" },
  "GET /v1/webhooks/:webhook/deliveries": { before: "a", limit: "5" },
  "GET /v1/pools/:pool/journal/export": { after: "5", until: "5" },
  "GET /v1/pools/:pool/periods": { agent: "a", before: "5", limit: "5" },
  "GET /v1/pools/:pool/journal": { after: "5", limit: "5" },
};

const reserve = { op: "reserve", id: "x", agent: "a", tokens: 5 };

/** Every command of a batch, with every field that it knows. */
const commands: readonly (Fields & { readonly op: string })[] = [
  { ...reserve, at_least: 1, ttl_ms: 100, on_expiry: "charge", metadata: { k: "v" }, final: true },
  { op: "commit", id: "x", tokens: 5, confidence: 0.5, ...booked },
  { op: "release", id: "x" },
  { op: "extend", id: "x", ttl_ms: 100, on_expiry: "charge" },
  { op: "record", id: "x", agent: "a", tokens: 5, confidence: 0.5, metadata: { k: "v" }, ...booked },
  { op: "reallocate", id: "x", agent: "a", tokens: 5, dry_run: false },
  { op: "fund", id: "x", tokens: 5 },
  {
    op: "register",
    agent: "a",
    priority: 1,
    max_tokens: 5,
    min_reserve: 1,
    confidence_threshold: 0.5,
    confidence_path: "/confidence",
    ceiling: 9,
    parent: "p",
    final_reserve: 1,
    max_reserves_per_minute: 5,
    refill: { every: "day", time_zone: "Asia/Tokyo" },
  },
  { op: "reset_period", id: "x" },
  { op: "close", agent: "a" },
  { op: "reopen", agent: "a", id: "x" },
  { op: "reset", agent: "a", id: "x" },
  { op: "pause", agent: "a" },
  { op: "resume", agent: "a" },
];

function nameOf({ method, path }: Route): string {
  return `${method} ${path}`;
}

const withBody = routes.flatMap((route) => (route.body === undefined ? [] : [[nameOf(route), route.body] as const]));
const queries = routes.map((route) => [nameOf(route), route.query] as const);

/** The faults of a value, as paths; none if it is taken. */
function faults(schema: z.ZodType, value: unknown): string[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    const at = issue.path.map((part) => `/${String(part)}`).join("");
    return issue.code === "unrecognized_keys" ? issue.keys.map((key) => `${at}/${key}`) : [at];
  });
}

/** Names that no route may know: new, inherited, another route's, or one of ours misspelt. */
const strangers = ["colour", "op", "Tokens", "tokens ", "amount", "max", "constructor", "prototype", "toString", ""];

function strangersTo(known: Fields): string[] {
  return strangers.filter((key) => !Object.hasOwn(known, key));
}

describe("the body of every route", () => {
  it("has an example here", () => {
    expect(withBody.map(([name]) => name).toSorted()).toEqual(Object.keys(whole).toSorted());
  });

  it.each(withBody)("%s is taken with every field that it knows", (name, schema) => {
    expect(faults(schema, whole[name])).toEqual([]);
  });

  it.each(withBody)("%s is refused with any field that it does not know, by the name of that field", (name, schema) => {
    const known = whole[name] ?? {};
    for (const key of strangersTo(known)) expect(faults(schema, { ...known, [key]: 1 })).toEqual([`/${key}`]);
    const inherited = JSON.parse(`{${JSON.stringify(known).slice(1, -1)},"__proto__":1}`.replace("{,", "{"));
    expect(faults(schema, inherited)).toEqual(["/__proto__"]);
  });

  it.each(withBody)("%s is refused with a field of another type", (name, schema) => {
    const known = whole[name] ?? {};
    for (const [key, value] of Object.entries(known)) {
      const others = [typeof value === "string" ? 5 : "5", [value], { value }, Number.NaN, Symbol("x")];
      for (const other of others) expect(faults(schema, { ...known, [key]: other }).length).toBeGreaterThan(0);
    }
  });

  it.each(withBody)("%s is refused when it is no object", (_, schema) => {
    for (const value of [null, [], "", 5, true, undefined]) expect(faults(schema, value)).toEqual([""]);
  });

  it("lacks nothing of what the schemas know: each field left out of an example is one that may be", () => {
    const needed: Record<string, string[]> = {};
    for (const [name, schema] of withBody) {
      const known = whole[name] ?? {};
      for (const key of Object.keys(known)) {
        const { [key]: _, ...rest } = known;
        if (faults(schema, rest).length > 0) (needed[name] ??= []).push(key);
      }
    }
    expect(needed).toEqual({
      "POST /v1/tenants": ["id"],
      "POST /v1/keys": ["scope"],
      "PUT /v1/prices/:model": ["input", "output"],
      "POST /v1/webhooks": ["url"],
      "PUT /v1/webhooks/:webhook": ["url"],
      "POST /v1/webhooks/:webhook/redeliver": ["message"],
      "POST /v1/pools/:pool/funds": ["tokens"],
      "PUT /v1/pools/:pool/agents/:agent": ["priority", "max_tokens"],
      "POST /v1/pools/:pool/reservations": ["agent", "tokens"],
      "POST /v1/pools/:pool/reservations/:id/commit": ["tokens"],
      "POST /v1/pools/:pool/reservations/:id/extend": ["ttl_ms"],
      "POST /v1/pools/:pool/usage": ["agent", "tokens"],
      "POST /v1/pools/:pool/reallocations": ["agent", "tokens"],
      "POST /v1/pools/:pool/batch": ["commands"],
    });
  });
});

describe("the query of every route", () => {
  it.each(queries)("%s is refused with a parameter that it does not know", (name, schema) => {
    const known = wholeQuery[name] ?? {};
    expect(faults(schema, known)).toEqual([]);
    expect(faults(schema, {})).toEqual([]);
    for (const key of strangersTo(known)) expect(faults(schema, { ...known, [key]: "1" })).toEqual([`/${key}`]);
  });

  it("reads whole numbers out of text, and nothing else", () => {
    expect(journalQuery.parse({ after: "007", limit: "1000" })).toEqual({ after: 7, limit: 1_000 });
    expect(journalQuery.parse({ after: "9007199254740991" })).toEqual({ after: Number.MAX_SAFE_INTEGER });
    for (const text of ["", "-1", "1.0", "1e3", " 1", "1 ", "+1", "0x1", "9007199254740992", "\u0661"]) {
      expect(faults(journalQuery, { after: text })).toEqual(["/after"]);
    }
    expect(faults(journalQuery, { limit: "1001" })).toEqual(["/limit"]);
    expect(faults(listQuery, { limit: "1001" })).toEqual(["/limit"]);
  });
});

describe("the commands of a batch", () => {
  it.each(commands)("$op is taken with every field that it knows, and refused with any other", (command) => {
    expect(faults(batchCommand, command)).toEqual([]);
    for (const key of [...strangersTo(command), "wait_ms"]) {
      expect(faults(batchCommand, { ...command, [key]: 1 })).toEqual([`/${key}`]);
    }
  });

  it("are all those that a pool knows but configure", () => {
    const known = batchCommand.options.map((option) => JSON.stringify(option.safeParse({}).success));
    expect(known).toHaveLength(commands.length);
    expect(faults(batchCommand, { op: "configure" })).toEqual(["/op"]);
    expect(faults(batchCommand, { id: "x" })).toEqual(["/op"]);
  });

  it.each(commands)("$op needs its agent, and its id where that names a reservation which is there", (command) => {
    const isOfOne = ["commit", "release", "extend"].includes(command.op);
    for (const key of isOfOne ? ["id", "agent"] : ["agent"]) {
      if (!Object.hasOwn(command, key)) continue;
      const { [key]: _, ...rest } = command;
      expect(faults(batchCommand, rest)).toEqual([`/${key}`]);
    }
  });

  it("get an id for their place where they have none, as their routes make one", () => {
    const given = batchBody.parse({
      commands: [
        { op: "record", agent: "a", tokens: 1 },
        { op: "record", agent: "a", tokens: 1, id: "own" },
        { op: "pause", agent: null },
        { op: "register", agent: "a", priority: 1, max_tokens: 1 },
        { op: "close", agent: "a" },
      ],
    });
    const ids = withIds(given.commands, (place) => `made-${place}`).map((one) => ("id" in one ? one.id : null));
    expect(ids).toEqual(["made-0", "own", null, null, "made-4"]);
  });

  it("are one to a thousand", () => {
    const batch = (count: number): Fields => ({ commands: Array.from({ length: count }, () => reserve) });
    expect(faults(batchBody, batch(0))).toEqual(["/commands"]);
    expect(faults(batchBody, batch(1))).toEqual([]);
    expect(faults(batchBody, batch(1_000))).toEqual([]);
    expect(faults(batchBody, batch(1_001))).toEqual(["/commands"]);
  });
});

describe("numbers", () => {
  type Bounded = readonly [field: string, schema: z.ZodType, others: Fields, min: number, max: number];
  const spend = { agent: "a" };
  const contract = { priority: 1, max_tokens: 1 };
  const day = 86_400_000;
  const bounded: readonly Bounded[] = [
    ["tokens", reserveBody, spend, 1, 1e12],
    ["microusd", reserveBody, spend, 1, 1e12],
    ["at_least", reserveBody, { ...spend, tokens: 1e12 }, 1, 1e12],
    ["ttl_ms", reserveBody, { ...spend, tokens: 1 }, 100, day],
    ["wait_ms", reserveBody, { ...spend, tokens: 1 }, 0, 60_000],
    ["tokens", commitBody, {}, 0, 1e12],
    ["ttl_ms", extendBody, {}, 100, day],
    ["tokens", recordBody, spend, 0, 1e12],
    ["tokens", reallocateBody, spend, 1, 1e12],
    ["tokens", fundBody, {}, -1e15, 1e15],
    ["budget", configureBody, {}, 0, 1e15],
    ["default_ttl_ms", configureBody, {}, 100, day],
    ["priority", registerBody, { max_tokens: 1 }, 0, 1_000],
    ["max_tokens", registerBody, { priority: 1 }, 0, 1e12],
    ["max_microusd", registerBody, { priority: 1 }, 0, 1e12],
    ["min_reserve", registerBody, { ...contract, max_tokens: 1e12 }, 0, 1e12],
    ["ceiling", registerBody, { ...contract, max_tokens: 0 }, 0, 1e12],
  ];

  it.each(bounded)("%s is whole and within its bounds, both included", (field, schema, others, min, max) => {
    const at = (value: unknown): string[] => faults(schema, { ...others, [field]: value });
    for (const value of [min, min + 1, max - 1, max]) expect(at(value)).toEqual([]);
    for (const value of [min - 1, max + 1, min + 0.5, Number.MAX_SAFE_INTEGER + 1, Infinity, -Infinity]) {
      expect(at(value)[0]).toBe(`/${field}`);
    }
  });

  it("a confidence is any number from 0 to 1", () => {
    const at = (confidence: unknown): string[] => faults(commitBody, { tokens: 1, confidence });
    for (const value of [0, -0, 5e-324, 0.5, 1]) expect(at(value)).toEqual([]);
    for (const value of [-5e-324, 1 + 2 ** -52, Infinity, null, "0.5"]) expect(at(value)).toEqual(["/confidence"]);
  });
});

describe("fields that must fit together", () => {
  it("an amount is named once, after its unit, and comes out as amount and unit", () => {
    expect(recordBody.parse({ agent: "a", tokens: 0 })).toEqual({ agent: "a", amount: 0, unit: "tokens" });
    expect(recordBody.parse({ agent: "a", microusd: 7 })).toEqual({ agent: "a", amount: 7, unit: "microusd" });
    expect(faults(recordBody, { agent: "a" })).toEqual(["/tokens"]);
    expect(faults(recordBody, { agent: "a", tokens: 5, microusd: 5 })).toEqual(["/tokens"]);
    expect(registerBody.parse({ priority: 1, max_microusd: 0 })).toEqual({
      priority: 1,
      max: 0,
      unit: "microusd",
    });
    expect(faults(registerBody, { priority: 1, max_tokens: 1, max_microusd: 1 })).toEqual(["/max_tokens"]);
  });

  it("the least is not more than the amount", () => {
    expect(faults(reserveBody, { agent: "a", microusd: 5, at_least: 5 })).toEqual([]);
    expect(faults(reserveBody, { agent: "a", microusd: 5, at_least: 6 })).toEqual(["/at_least"]);
    expect(faults(batchCommand, { ...reserve, at_least: 6 })).toEqual(["/at_least"]);
  });

  it("the reserve and the ceiling of a contract lie on either side of its allocation", () => {
    const contract = { priority: 1, max_microusd: 5 };
    expect(faults(registerBody, { ...contract, min_reserve: 5, ceiling: 5 })).toEqual([]);
    expect(faults(registerBody, { ...contract, min_reserve: 6 })).toEqual(["/min_reserve"]);
    expect(faults(registerBody, { ...contract, ceiling: 4 })).toEqual(["/ceiling"]);
    expect(faults(registerBody, { ...contract, ceiling: null, parent: null })).toEqual([]);
  });
});

describe("names and labels", () => {
  it("a name is 1 to 128 of the letters that need no escaping anywhere", () => {
    for (const taken of ["a", "A-Z._:0", "x".repeat(128), "__proto__", "-", ":"]) {
      expect(faults(nameSchema, taken)).toEqual([]);
    }
    const refused = ["", "x".repeat(129), "a b", "a/b", "a\n", "\na", "a%", "\u00e9", "\u0430", "a\u0000", "a@b"];
    for (const name of refused) expect(faults(nameSchema, name)).toEqual([""]);
  });

  it("a name is looked at in a time that does not grow with what a stranger makes of it", () => {
    const started = performance.now();
    for (const text of ["a".repeat(1e6), `${"a".repeat(1e6)}!`, `${"._:-".repeat(250_000)}\n`]) {
      expect(faults(nameSchema, text)).toEqual([""]);
      expect(faults(reserveBody, { agent: "a", tokens: 1, metadata: { [text]: "v" } })).toHaveLength(1);
    }
    expect(performance.now() - started).toBeLessThan(500);
  });

  it("labels are at most sixteen, with short names and short texts", () => {
    const at = (metadata: unknown): string[] => faults(recordBody, { agent: "a", tokens: 1, metadata });
    const labels = (count: number): Fields =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`k${i}`, ""]));
    expect(at(labels(16))).toEqual([]);
    expect(at(labels(17))).toEqual(["/metadata"]);
    expect(at({ ["k".repeat(64)]: "v".repeat(256) })).toEqual([]);
    expect(at({ ["k".repeat(65)]: "v" })).toHaveLength(1);
    expect(at({ k: "v".repeat(257) })).toEqual(["/metadata/k"]);
    for (const value of [5, null, {}, ["v"], true]) expect(at({ k: value })).toEqual(["/metadata/k"]);
    for (const key of ["", "a b", "a/b", "\u00e9", "a\n"]) expect(at({ [key]: "v" })).toHaveLength(1);
  });

  it("a label named __proto__ is never dropped in silence", () => {
    for (const value of ['"kept"', "5", '{"polluted":true}']) {
      const read = parseJson(`{"agent":"a","tokens":1,"metadata":{"__proto__":${value}}}`);
      const taken = read.ok ? recordBody.safeParse(read.value) : undefined;
      if (taken?.success === true) expect(JSON.stringify(taken.data.metadata)).toBe(`{"__proto__":${value}}`);
    }
  });

  it("a name is not . or .., which no URL can carry", () => {
    for (const name of [".", ".."]) expect(faults(nameSchema, name)).toEqual([""]);
    for (const name of ["...", "a.", ".a", "..a"]) expect(faults(nameSchema, name)).toEqual([]);
  });
});
