/** Every route: the status it succeeds with, and the whole of what it answers. Nothing more is in an answer, nothing less. */

import { afterAll, describe, expect, it } from "vitest";
import { evolve, fold } from "../../src/engine/evolve.ts";
import { fromPages, type ImagePage, imageOf } from "../../src/engine/image-pages.ts";
import { toImage } from "../../src/engine/image.ts";
import { routes } from "../../src/http/routes.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import { api, called, type Json, newPath, newPool, newTenant, type Options, operatorToken } from "./api.ts";

const uuid7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const id: unknown = expect.stringMatching(uuid7);

/** A time within a minute of now, and so in milliseconds. */
function near(at: number) {
  return expect.toSatisfy((value: number) => Number.isInteger(value) && Math.abs(value - at) < 60_000);
}

/** What an agent's entry must be: these numbers and, for the rest, what a fresh agent has. */
function entry(numbers: Json = {}): Json {
  const { allocated = 1_000, consumed = 0, held = 0 } = numbers;
  const remaining = Number(allocated) - Number(consumed);
  return {
    priority: 1,
    allocated,
    consumed,
    held,
    remaining,
    available: remaining - Number(held),
    min_reserve: 100,
    overage: 0,
    gate: "open",
    confidence: null,
    ...numbers,
  };
}

const contractOfA = {
  priority: 1,
  max: 1_000,
  min_reserve: 100,
  confidence_threshold: null,
  ceiling: null,
  parent: null,
  confidence_path: null,
  final_reserve: 0,
  max_reserves_per_minute: null,
  refill: null,
};

const detail = {
  closing: false,
  paused: false,
  period: null,
  open_reservations: 0,
  sub_agents: 0,
  contract: contractOfA,
};

const warn_at = [50, 80, 95, 100];

function firstPeriod() {
  return { number: 1, starts_at: near(Date.now()), ends_at: null };
}

/** The body of an answer that must have exactly this status, and the headers of every success. */
async function answer(status: number, method: string, path: string, options: Options = {}): Promise<Json> {
  const reply = await api(method, path, options);
  expect(reply.status, JSON.stringify(reply.body)).toBe(status);
  expect(reply.headers.get("content-type")).toBe("application/json");
  expect(reply.headers.get("cache-control")).toBe("no-store");
  expect(reply.headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
  return reply.body;
}

describe("tenants", () => {
  const token = operatorToken();

  it("POST creates one, and shows its first admin key once", async () => {
    const id = newTenant();
    const made = await answer(201, "POST", "/v1/tenants", { token, body: { id } });
    expect(made).toEqual({
      id,
      jurisdiction: null,
      created_at: expect.any(Number),
      key: {
        key: expect.stringMatching(/^bursar_[\w-]+\.[\w-]{43}$/),
        key_id: expect.any(String),
        scope: "admin",
        pool: null,
        agent: null,
        label: "first admin key",
        created_at: expect.any(Number),
        expires_at: null,
        revoked_at: null,
      },
    });
    const first = String(Object(made["key"]).key);
    expect(await answer(200, "PUT", "/v1/pools/p", { token: first, body: {} })).toMatchObject({ seq: 1 });
    expect(await api("POST", "/v1/tenants", { token, body: { id } })).toMatchObject({
      status: 409,
      body: { code: "contract_conflict", field: "id" },
    });
  });

  it("GET lists them by id, in pages", async () => {
    const ids = ["z-2", "z-1", "z-3"];
    for (const id of ids) await answer(201, "POST", "/v1/tenants", { token, body: { id } });
    const one = (id: string) => ({ id, jurisdiction: null, created_at: expect.any(Number) });
    const page = await answer(200, "GET", "/v1/tenants?after=z-1&limit=2", { token });
    expect(page).toEqual({ tenants: [one("z-2"), one("z-3")] });
  });

  it("POST …/keys makes an admin key for one that has lost its own", async () => {
    const id = newTenant();
    await answer(201, "POST", "/v1/tenants", { token, body: { id, jurisdiction: "eu" } });
    const made = await answer(201, "POST", `/v1/tenants/${id}/keys`, { token, body: { label: "found again" } });
    expect(made).toMatchObject({ scope: "admin", label: "found again", pool: null });
    await answer(200, "GET", "/v1/pools", { token: String(made["key"]) });
  });
});

describe("keys", () => {
  it("POST makes one, GET lists it without showing it, DELETE revokes it and says where it was told", async () => {
    const tenant = newTenant();
    await answer(200, "PUT", "/v1/pools/p", { tenant, body: {} });
    const expires_at = Date.now() + 60_000;
    const fields = { scope: "spend", pool: "p", agent: "a", label: "worker", expires_at } as const;
    const { key, ...view } = await answer(201, "POST", "/v1/keys", { tenant, body: fields });
    expect(view).toEqual({ ...fields, key_id: expect.any(String), created_at: expect.any(Number), revoked_at: null });
    expect(key).toMatch(/^bursar_/);
    expect(await answer(200, "GET", "/v1/keys", { tenant })).toEqual({ keys: [view] });
    const key_id = String(view["key_id"]);
    expect(await answer(200, "GET", `/v1/keys?after=${key_id}&limit=5`, { tenant })).toEqual({ keys: [] });
    expect(await answer(200, "DELETE", `/v1/keys/${key_id}`, { tenant })).toEqual({
      key_id,
      revoked_at: expect.any(Number),
      pools: { notified: 1, pending: 0 },
    });
    const revoked = { ...view, revoked_at: expect.any(Number) };
    expect(await answer(200, "GET", "/v1/keys", { tenant })).toEqual({ keys: [revoked] });
  });
});

describe("prices", () => {
  const fields = { input: 3_000_000, output: 15_000_000, tiers: [{ above: 200_000, input: 6_000_000, output: 1 }] };
  const model = "org%2Fsome-model:v1";

  it("PUT sets the tenant's own, GET shows the one in force, DELETE takes it away", async () => {
    const tenant = newTenant();
    const set = await answer(200, "PUT", `/v1/prices/${model}`, { tenant, body: fields });
    expect(set).toEqual({
      ...fields,
      model: "org/some-model:v1",
      source: "tenant",
      version: `tenant@${String(set["as_of"])}`,
      as_of: expect.stringMatching(/^2\d{3}-.*Z$/),
    });
    expect(await answer(200, "PUT", `/v1/prices/${model}`, { tenant, body: fields })).toEqual(set);
    expect(await answer(200, "GET", `/v1/prices/${model}`, { tenant })).toEqual(set);
    expect(await answer(200, "GET", "/v1/prices?after=org&limit=1", { tenant })).toEqual({ prices: [set] });
    expect(await answer(200, "DELETE", `/v1/prices/${model}`, { tenant })).toEqual({ deleted: true });
    expect((await api("GET", `/v1/prices/${model}`, { tenant })).status).toBe(404);
  });

  it("GET knows what the providers' models cost, and from where that is known", async () => {
    const tenant = newTenant();
    const known = await answer(200, "GET", "/v1/prices/gpt-4o-2024-08-06", { tenant });
    expect(known).toEqual({
      model: "gpt-4o-2024-08-06",
      input: 2_500_000,
      output: 10_000_000,
      cache_read: 1_250_000,
      source: expect.stringMatching(/^https:\/\//),
      version: expect.stringMatching(/^genai-prices@\d/),
      as_of: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
    const { prices } = await answer(200, "GET", "/v1/prices?limit=1000", { tenant });
    expect((prices as unknown[]).length).toBeGreaterThan(90);
  });

  it("PUT takes the place of a known price, for its tenant alone", async () => {
    const [tenant, other] = [newTenant(), newTenant()];
    await answer(200, "PUT", "/v1/prices/gpt-4o", { tenant, body: { input: 1, output: 2 } });
    const inForce = async (of: string) => (await answer(200, "GET", "/v1/prices/gpt-4o", { tenant: of }))["input"];
    expect([await inForce(tenant), await inForce(other)]).toEqual([1, 2_500_000]);
  });
});

describe("webhooks", () => {
  const url = "https://hooks.example.com/bursar";
  const shown = {
    url,
    types: [],
    pool: null,
    description: null,
    id: expect.any(String),
    created_at: near(Date.now()),
    state: "enabled",
    disabled_reason: null,
    previous_secret_until: null,
    failures: 0,
    last_success_at: null,
    last_failure_at: null,
    last_error: null,
    pending: 0,
  };

  it("POST makes one and shows its secret once; GET and PUT never do; DELETE ends it", async () => {
    const tenant = newTenant();
    const { secret, ...view } = await answer(201, "POST", "/v1/webhooks", { tenant, body: { url } });
    expect(view).toEqual(shown);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const path = `/v1/webhooks/${String(view["id"])}`;
    expect(await answer(200, "GET", "/v1/webhooks", { tenant })).toEqual({ webhooks: [view] });
    expect(await answer(200, "GET", path, { tenant })).toEqual(view);
    const fields = { url: `${url}/2`, types: ["agent.overage"], pool: "p", description: "for the team" };
    expect(await answer(200, "PUT", path, { tenant, body: fields })).toEqual({ ...view, ...fields });
    expect(await answer(200, "DELETE", path, { tenant })).toEqual({ deleted: true });
    expect(await answer(200, "GET", "/v1/webhooks", { tenant })).toEqual({ webhooks: [] });
  });

  it("POST rotate, enable, ping and redeliver, and GET deliveries", async () => {
    const tenant = newTenant();
    const { secret, ...view } = await answer(201, "POST", "/v1/webhooks", { tenant, body: { url } });
    const path = `/v1/webhooks/${String(view["id"])}`;
    const rotated = await answer(200, "POST", `${path}/rotate`, { tenant });
    expect(rotated["secret"]).not.toBe(secret);
    expect(rotated["previous_secret_until"]).toEqual(near(Date.now() + 24 * 3_600_000));
    expect(await answer(200, "POST", `${path}/enable`, { tenant })).toMatchObject({ state: "enabled" });
    const { message } = await answer(200, "POST", `${path}/ping`, { tenant });
    const delivery = { message, type: "ping", pool: null, seq: null, at: near(Date.now()) };
    const { deliveries } = await answer(200, "GET", `${path}/deliveries`, { tenant });
    expect(deliveries).toMatchObject([delivery]);
    const body = { message };
    expect(await answer(200, "POST", `${path}/redeliver`, { tenant, body })).toEqual({ redelivering: 1 });
    expect(await answer(200, "GET", `${path}/deliveries?before=${String(message)}`, { tenant })).toEqual({
      deliveries: [],
    });
  });
});

describe("pools", () => {
  it("PUT creates a pool with its defaults", async () => {
    expect(await answer(200, "PUT", newPath())).toEqual({
      unit: "tokens",
      budget: null,
      equal_priority_donates: true,
      default_ttl_ms: 120_000,
      journal_refusals: false,
      fallback_price: null,
      refill: null,
      warn_at,
      journal_days: null,
      unknown_fields: "pass",
      paused: false,
      period: firstPeriod(),
      seq: 1,
      total: 0,
      unallocated: 0,
    });
  });

  it("PUT creates a pool with every setting, and changes only what is named later", async () => {
    const path = newPath();
    const settings = {
      unit: "microusd",
      budget: 5_000,
      equal_priority_donates: false,
      default_ttl_ms: 1_000,
      journal_refusals: true,
      fallback_price: { input: 5, output: 7, cache_read: 1 },
      refill: {
        every: "week",
        starts_on: "sunday",
        time_zone: "Asia/Tokyo",
        rollover: "capped",
        rollover_cap: 100,
      },
      warn_at: [90],
      journal_days: 30,
      unknown_fields: "refuse",
    };
    const period = { number: 1, starts_at: near(Date.now()), ends_at: expect.any(Number) };
    const created = await answer(200, "PUT", path, { body: { ...settings, location_hint: "weur" } });
    expect(created).toEqual({ ...settings, paused: false, period, seq: 1, total: 5_000, unallocated: 5_000 });
    const changed = await answer(200, "PUT", path, { body: { budget: 6_000 } });
    expect(changed).toEqual({
      ...settings,
      budget: 6_000,
      paused: false,
      period,
      seq: 2,
      total: 6_000,
      unallocated: 6_000,
    });
    expect(await answer(200, "PUT", path, { body: { budget: 6_000 } })).toEqual(changed);
    expect(await answer(200, "GET", path)).toEqual(changed);
  });

  it("GET lists a tenant's pools by name, in pages", async () => {
    const tenant = newTenant();
    expect(await answer(200, "GET", "/v1/pools", { tenant })).toEqual({ pools: [] });
    for (const name of ["b", "a", "c"]) await answer(200, "PUT", `/v1/pools/${name}`, { tenant, body: {} });
    await answer(200, "PUT", "/v1/pools/a", { tenant, body: { default_ttl_ms: 1_000 } });
    const [a, b, c] = ["a", "b", "c"].map((name) => ({ name, created_at: near(Date.now()) }));
    expect(await answer(200, "GET", "/v1/pools", { tenant })).toEqual({ pools: [a, b, c] });
    expect(await answer(200, "GET", "/v1/pools?limit=2", { tenant })).toEqual({ pools: [a, b] });
    expect(await answer(200, "GET", "/v1/pools?after=b", { tenant })).toEqual({ pools: [c] });
    expect(await answer(200, "GET", "/v1/pools?after=a&limit=1", { tenant })).toEqual({ pools: [b] });
  });

  it("DELETE removes a pool, its journal and its place in the list", async () => {
    const tenant = newTenant();
    await answer(200, "PUT", "/v1/pools/a", { tenant, body: {} });
    expect(await answer(200, "DELETE", "/v1/pools/a", { tenant })).toEqual({ deleted: true });
    expect(await answer(200, "GET", "/v1/pools", { tenant })).toEqual({ pools: [] });
    expect(await answer(200, "PUT", "/v1/pools/a", { tenant, body: {} })).toMatchObject({ seq: 1, total: 0 });
  });

  it("DELETE removes a pool with open reservations when it is forced to", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 1 } });
    expect(await answer(200, "DELETE", `${pool}?force=true`)).toEqual({ deleted: true });
  });

  it("POST funds grows and shrinks the budget", async () => {
    const pool = await newPool({ budget: 1_000 });
    const grown = { id, amount: 500, seq: 2, total: 1_500, unallocated: 1_500 };
    expect(await answer(201, "POST", `${pool}/funds`, { body: { tokens: 500 } })).toEqual(grown);
    const shrunk = { id: "f", amount: -1_200, seq: 3, total: 300, unallocated: 300 };
    expect(await answer(201, "POST", `${pool}/funds`, { body: { tokens: -1_200, id: "f" } })).toEqual(shrunk);
    const again = await answer(201, "POST", `${pool}/funds`, { body: { tokens: -1_200, id: "f" } });
    expect(again).toEqual({ ...shrunk, replayed: true });
  });

  it("GET report shows the pool and every agent", async () => {
    const pool = await newPool({ budget: 5_000 }, { a: {}, b: { priority: 7, max_tokens: 50, min_reserve: 0 } });
    await answer(201, "POST", `${pool}/usage`, { body: { agent: "b", tokens: 30 } });
    expect(await answer(200, "GET", `${pool}/report`)).toEqual({
      pool: pool.replace("/v1/pools/", ""),
      unit: "tokens",
      // Its last event is the warning that b has used half of its budget.
      seq: 5,
      total: 5_000,
      unallocated: 3_950,
      consumed: 30,
      held: 0,
      period: firstPeriod(),
      agents: { a: entry(), b: entry({ priority: 7, allocated: 50, consumed: 30, min_reserve: 0 }) },
    });
  });

  it("GET /v1/metrics gives text too", async () => {
    const tenant = newTenant();
    await answer(200, "PUT", "/v1/pools/a", { tenant, body: {} });
    expect((await api("GET", "/v1/metrics", { tenant })).body["text"]).toContain(
      'bursar_pool_total_tokens{pool="a"} 0',
    );
  });

  it("GET metrics gives text (metrics.test.ts says which)", async () => {
    const { status, body } = await api("GET", `${await newPool({ budget: 5_000 })}/metrics`);
    expect(status).toBe(200);
    expect(body["text"]).toContain('bursar_pool_total_tokens{pool="');
  });

  it("GET snapshot gives the state that the journal folds to", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 5, id: "r" } });
    const snapshot = await answer(200, "GET", `${pool}/snapshot`);
    const { events } = await answer(200, "GET", `${pool}/journal`);
    const image = imageOf([snapshot]);
    expect(image).toEqual(JSON.parse(JSON.stringify(toImage(fold(events as PoolEvent[])))));
    expect(snapshot).toMatchObject({ seq: (events as unknown[]).length, next: null });
  });

  it("GET snapshot gives a large state in pages, from which the journal leads on to the state as it is", async () => {
    const pool = await newPool({}, { a: { max_tokens: 1e9 } });
    const metadata = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`label-${i}`, "x".repeat(250)]));
    for (let batch = 0; batch < 60; batch++) {
      const commands = Array.from({ length: 15 }, (_, i) => {
        return { op: "record", id: `${batch}-${i}`, agent: "a", tokens: 1, metadata };
      });
      await answer(200, "POST", `${pool}/batch`, { body: { commands } });
    }
    const pages: Json[] = [];
    for (let query: string | null = ""; query !== null;) {
      const found: Json = await answer(200, "GET", `${pool}/snapshot${query}`);
      expect(found["seq"]).toBe(pages[0]?.["seq"] ?? found["seq"]);
      pages.push(found);
      query = found["next"] === null ? null : `?page=${found["next"] as string}`;
    }
    expect(pages.length).toBeGreaterThan(3);
    const state = fromPages(pages as ImagePage[]);
    const { events } = await answer(200, "GET", `${pool}/journal?after=${state.seq}`);
    for (const event of events as PoolEvent[]) evolve(state, event);
    expect(await answer(200, "GET", `${pool}/report`)).toMatchObject({ seq: state.seq, consumed: state.consumed });
    // One that another has taken the place of begins again, and says so.
    expect(await answer(200, "GET", `${pool}/snapshot?page=1.3`)).toMatchObject({ seq: pages[0]?.["seq"] });
    const wrong = await api("GET", `${pool}/snapshot?page=next`);
    expect([wrong.status, wrong.body["errors"]]).toMatchObject([400, [{ field: "/page" }]]);
  });

  it("GET journal pages through every event", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 5, id: "r" } });
    await answer(200, "POST", `${pool}/reservations/r/release`);
    const at = near(Date.now());
    const settings = {
      unit: "tokens",
      budget: null,
      equal_priority_donates: true,
      default_ttl_ms: 120_000,
      journal_refusals: false,
      fallback_price: null,
      refill: null,
      warn_at,
      journal_days: null,
      unknown_fields: "pass",
    };
    const events = [
      { seq: 1, at, type: "configured", settings, unallocated: 0, period: firstPeriod() },
      { seq: 2, at, type: "registered", agent: "a", contract: contractOfA, allocated: 1_000, source: "issued" },
      {
        seq: 3,
        at,
        type: "reserved",
        id: "r",
        agent: "a",
        asked: 5,
        granted: 5,
        expires_at: near(Date.now() + 120_000),
        on_expiry: "release",
        transfers: [],
      },
      { seq: 4, at, type: "released", id: "r" },
    ];
    expect(await answer(200, "GET", `${pool}/journal`)).toEqual({ events, next: 4 });
    expect(await answer(200, "GET", `${pool}/journal?limit=2`)).toEqual({ events: events.slice(0, 2), next: 2 });
    expect(await answer(200, "GET", `${pool}/journal?after=2&limit=1`)).toEqual({ events: [events[2]], next: 3 });
    expect(await answer(200, "GET", `${pool}/journal?after=4`)).toEqual({ events: [], next: 4 });
    expect(await answer(200, "GET", `${pool}/journal?limit=0`)).toEqual({ events: [], next: 0 });
  });

  it("GET journal has the refusals where the pool wants them", async () => {
    const pool = await newPool({ journal_refusals: true }, { a: {} });
    await api("POST", `${pool}/reservations`, { body: { agent: "a", tokens: 5_000 } });
    const { events } = await answer(200, "GET", `${pool}/journal?after=2`);
    const refused = {
      seq: 3,
      at: near(Date.now()),
      type: "refused",
      op: "reserve",
      agent: "a",
      code: "budget_exceeded",
    };
    expect(events).toEqual([refused]);
  });

  it("GET journal/export gives a file (test/archive says which), GET archive what is where", async () => {
    const pool = await newPool({}, { a: {} });
    const { status, body } = await api("GET", `${pool}/journal/export`);
    expect(status).toBe(200);
    expect(body["text"]).toMatch(/^\{"bursar":"segment","version":1,"tenant":"default",/);
    const here = { archive: false, seq: 2, shipped: 0, trimmed: 0 };
    expect(await answer(200, "GET", `${pool}/archive`)).toEqual(here);
    expect((await api("POST", `${pool}/archive`, { body: {} })).status).toBe(404);
    expect((await api("POST", `${pool}/restore`, { body: {} })).status).toBe(404);
  });

  it("GET audit folds the journal and finds nothing", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/usage`, { body: { agent: "a", tokens: 30 } });
    expect(await answer(200, "GET", `${pool}/audit`)).toEqual({ ok: true, seq: 3, rows: 3, findings: [] });
  });

  it("POST batch runs commands in order, each with the status of its own route", async () => {
    const pool = await newPool({ budget: 5_000 });
    const body = {
      commands: [
        { op: "register", agent: "a", priority: 1, max_tokens: 1_000 },
        { op: "reserve", id: "r", agent: "a", tokens: 100 },
        { op: "commit", id: "r", tokens: 60 },
        { op: "reserve", id: "s", agent: "a", tokens: 10 },
        { op: "extend", id: "s", ttl_ms: 500_000 },
        { op: "release", id: "s" },
        { op: "record", id: "u", agent: "a", tokens: 5 },
        { op: "reallocate", id: "m", agent: "a", tokens: 7 },
        { op: "fund", id: "f", tokens: 1 },
        { op: "reopen", agent: "a", id: "o" },
        { op: "reset", agent: "a", id: "x" },
        { op: "reserve", id: "t", agent: "nobody", tokens: 1 },
        { op: "close", agent: "a" },
      ],
    };
    const { results } = await answer(200, "POST", `${pool}/batch`, { body });
    const afterReserve = entry({ held: 100 });
    expect(results).toEqual([
      { status: 200, result: { seq: 2, agent: { name: "a", ...entry(), ...detail } } },
      {
        status: 201,
        result: {
          id: "r",
          state: "held",
          granted: 100,
          expires_at: near(Date.now() + 120_000),
          on_expiry: "release",
          transfers: [],
          seq: 3,
          agent: { name: "a", ...afterReserve },
        },
      },
      { status: 200, result: expect.objectContaining({ id: "r", state: "committed", consumed: 60, seq: 4 }) },
      { status: 201, result: expect.objectContaining({ id: "s", state: "held", seq: 5 }) },
      { status: 200, result: expect.objectContaining({ id: "s", expires_at: near(Date.now() + 500_000), seq: 6 }) },
      { status: 200, result: expect.objectContaining({ id: "s", state: "released", seq: 7 }) },
      { status: 201, result: expect.objectContaining({ id: "u", consumed: 5, seq: 8 }) },
      { status: 200, result: expect.objectContaining({ id: "m", moved: 7, seq: 9 }) },
      { status: 201, result: { id: "f", amount: 1, seq: 10, total: 5_001, unallocated: 3_994 } },
      { status: 200, result: expect.objectContaining({ id: "o", seq: 11 }) },
      { status: 200, result: { id: "x", seq: 12, agent: { name: "a", ...entry() } } },
      {
        status: 404,
        problem: {
          type: "urn:bursar:problem:agent_not_found",
          title: "agent not found",
          status: 404,
          detail: expect.stringContaining("nobody"),
          code: "agent_not_found",
          agent: "nobody",
        },
      },
      { status: 200, result: { seq: 14, state: "closed", agent: null } },
    ]);
  });
});

describe("agents", () => {
  it("PUT registers an agent, and changes its contract without touching what it spent", async () => {
    const pool = await newPool();
    const agent = `${pool}/agents/a`;
    const registered = { name: "a", ...entry(), ...detail };
    const body = { priority: 1, max_tokens: 1_000 };
    expect(await answer(200, "PUT", agent, { body })).toEqual({ seq: 2, agent: registered });
    await answer(201, "POST", `${pool}/usage`, { body: { agent: "a", tokens: 200 } });
    const whole = {
      priority: 3,
      max_tokens: 1_500,
      min_reserve: 7,
      confidence_threshold: 0.9,
      ceiling: 9_000,
      confidence_path: "/confidence",
      parent: null,
      final_reserve: 50,
      max_reserves_per_minute: 9,
    };
    const { max_tokens: max, ...rest } = whole;
    const changed = {
      name: "a",
      ...entry({ priority: 3, allocated: 1_500, consumed: 200, min_reserve: 7 }),
      ...detail,
      contract: { ...rest, max, refill: null },
    };
    expect(await answer(200, "PUT", agent, { body: whole })).toEqual({ seq: 4, agent: changed });
    expect(await answer(200, "GET", agent)).toEqual(changed);
  });

  it("PUT registers a sub-agent out of its parent's budget, in microusd too", async () => {
    const pool = await newPool({ unit: "microusd" });
    await answer(200, "PUT", `${pool}/agents/boss`, { body: { priority: 5, max_microusd: 1_000 } });
    const body = { priority: 1, max_microusd: 400, parent: "boss" };
    const child = { ...entry({ allocated: 400, min_reserve: 40 }), ...detail };
    const contract = { ...contractOfA, max: 400, min_reserve: 40, parent: "boss" };
    expect(await answer(200, "PUT", `${pool}/agents/child`, { body })).toEqual({
      seq: 3,
      agent: { name: "child", ...child, contract },
    });
    expect(await answer(200, "GET", `${pool}/agents/boss`)).toMatchObject({ allocated: 600, sub_agents: 1 });
  });

  it("DELETE closes an agent, which leaves once its reservations are settled", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 100, id: "r" } });
    const closing = { name: "a", ...entry({ held: 100 }), ...detail, closing: true, open_reservations: 1 };
    expect(await answer(200, "DELETE", `${pool}/agents/a`)).toEqual({ seq: 4, state: "closing", agent: closing });
    const last = await answer(200, "POST", `${pool}/reservations/r/commit`, { body: { tokens: 100 } });
    expect(last).toMatchObject({ state: "committed", consumed: 100, agent: null });
    expect((await api("GET", `${pool}/agents/a`)).status).toBe(404);
  });

  it("DELETE of an agent that holds nothing closes it at once", async () => {
    const pool = await newPool({}, { a: {} });
    expect(await answer(200, "DELETE", `${pool}/agents/a`)).toEqual({ seq: 4, state: "closed", agent: null });
  });

  it("POST reopen opens a closed gate", async () => {
    const pool = await newPool({}, { a: { confidence_threshold: 0.8 } });
    const body = { agent: "a", tokens: 30, confidence: 0.9 };
    const gated = await answer(201, "POST", `${pool}/usage`, { body });
    expect(gated).toMatchObject({ agent: { gate: "closed", confidence: 0.9 } });
    const opened = { id: "o", seq: 5, agent: { name: "a", ...entry({ consumed: 30 }) } };
    expect(await answer(200, "POST", `${pool}/agents/a/reopen`, { body: { id: "o" } })).toEqual(opened);
    const again = await answer(200, "POST", `${pool}/agents/a/reopen`, { body: { id: "o" } });
    expect(again).toEqual({ ...opened, replayed: true });
    expect(await answer(200, "POST", `${pool}/agents/a/reopen`)).toEqual({ ...opened, id, seq: 6 });
  });

  it("POST pause and resume stop an agent or the pool, and say so", async () => {
    const pool = await newPool({}, { a: {} });
    const agent = { name: "a", ...entry(), ...detail };
    const post = (path: string) => answer(200, "POST", `${pool}${path}`, { body: {} });
    expect(await post("/agents/a/pause")).toEqual({ seq: 3, paused: true, agent: { ...agent, paused: true } });
    expect(await post("/agents/a/pause")).toMatchObject({ seq: 3, paused: true });
    expect(await post("/agents/a/resume")).toEqual({ seq: 4, paused: false, agent });
    expect(await post("/pause")).toEqual({ seq: 5, paused: true, agent: null });
    expect(await post("/resume")).toEqual({ seq: 6, paused: false, agent: null });
    const { events } = await answer(200, "GET", `${pool}/journal?after=2`);
    const written = [
      ["paused", "a"],
      ["resumed", "a"],
      ["paused", null],
      ["resumed", null],
    ];
    expect((events as Json[]).map(({ type, agent: who }) => [type, who])).toEqual(written);
  });

  it("POST reset starts an agent again", async () => {
    const pool = await newPool({ warn_at: [] }, { a: {} });
    await answer(201, "POST", `${pool}/usage`, { body: { agent: "a", tokens: 1_300 } });
    const fresh = { id: "x", seq: 5, agent: { name: "a", ...entry() } };
    expect(await answer(200, "POST", `${pool}/agents/a/reset`, { body: { id: "x" } })).toEqual(fresh);
    const again = await answer(200, "POST", `${pool}/agents/a/reset`, { body: { id: "x" } });
    expect(again).toEqual({ ...fresh, replayed: true });
    expect(await answer(200, "POST", `${pool}/agents/a/reset`)).toEqual({ ...fresh, id, seq: 6 });
  });
});

describe("periods", () => {
  it("POST reset-period begins one, GET periods reports those that are over, and a repeat begins none", async () => {
    const pool = await newPool({ budget: 5_000, warn_at: [] }, { a: {} });
    await answer(201, "POST", `${pool}/usage`, { body: { agent: "a", tokens: 30 } });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 7 } });
    const period = { number: 2, starts_at: near(Date.now()), ends_at: null };
    const begun = { id: "p2", seq: 5, period };
    expect(await answer(200, "POST", `${pool}/reset-period`, { body: { id: "p2" } })).toEqual(begun);
    const again = await answer(200, "POST", `${pool}/reset-period`, { body: { id: "p2" } });
    expect(again).toEqual({ ...begun, replayed: true });
    const { agents, ...sums } = await answer(200, "GET", `${pool}/report`);
    expect(sums).toMatchObject({ total: 5_000, unallocated: 4_000, consumed: 0, held: 7, period });
    expect(agents).toEqual({ a: entry({ held: 7 }) });
    const first = {
      agent: null,
      number: 1,
      starts_at: near(Date.now()),
      ended_at: near(Date.now()),
      budget: 5_000,
      consumed: 30,
      held: 7,
      agents: { a: { allocated: 1_000, consumed: 30, held: 7 } },
    };
    expect(await answer(200, "GET", `${pool}/periods`)).toEqual({ periods: [first] });
    await answer(200, "POST", `${pool}/reset-period`);
    const second = { ...first, number: 2, consumed: 0, agents: { a: { allocated: 1_000, consumed: 0, held: 7 } } };
    expect(await answer(200, "GET", `${pool}/periods`)).toEqual({ periods: [second, first] });
    expect(await answer(200, "GET", `${pool}/periods?before=2&limit=1`)).toEqual({ periods: [first] });
    expect(await answer(200, "GET", `${pool}/periods?agent=a`)).toEqual({ periods: [] });
  });

  it("PUT sets them for a pool and for an agent, and takes them away", async () => {
    const pool = await newPool({ budget: 5_000 });
    const refill = { every: "day", time_zone: "Europe/Berlin", rollover: "unspent" };
    const daily = await answer(200, "PUT", pool, { body: { refill } });
    const period = { number: 1, starts_at: near(Date.now()), ends_at: expect.any(Number) };
    expect(daily).toMatchObject({ refill, period });
    const { ends_at } = Object(daily["period"]);
    expect(ends_at - Date.now()).toBeLessThanOrEqual(25 * 3_600_000);
    const body = { priority: 1, max_tokens: 100, refill: { every: "hours", hours: 5 } };
    const { agent } = await answer(200, "PUT", `${pool}/agents/a`, { body });
    const from = near(Date.now());
    expect(agent).toMatchObject({ contract: { refill: { every: "hours", hours: 5, from } }, period });
    // What was shown may be put again, and changes nothing.
    const shown = { ...body, refill: Object(agent).contract.refill };
    const { seq } = await answer(200, "PUT", `${pool}/agents/a`, { body: shown });
    expect(await answer(200, "PUT", `${pool}/agents/a`, { body })).toMatchObject({ seq });
    expect(await answer(200, "PUT", pool, { body: { refill: null } })).toMatchObject({
      refill: null,
      period: { number: 1, ends_at: null },
    });
  });
});

describe("reservations", () => {
  it("POST holds budget and says until when, and for what it took from whom", async () => {
    const pool = await newPool({}, { a: { priority: 2 }, b: {} });
    const body = {
      agent: "a",
      tokens: 1_500,
      at_least: 1_200,
      ttl_ms: 5_000_000,
      on_expiry: "charge",
      metadata: { model: "m", "x-team": "1" },
      id: "r",
    };
    const transfers = [{ from: "b", amount: 500 }];
    const held = {
      id: "r",
      state: "held",
      granted: 1_500,
      expires_at: near(Date.now() + 5_000_000),
      on_expiry: "charge",
      transfers,
      seq: 4,
      agent: { name: "a", ...entry({ priority: 2, allocated: 1_500, held: 1_500 }) },
    };
    expect(await answer(201, "POST", `${pool}/reservations`, { body })).toEqual(held);
    expect(await answer(201, "POST", `${pool}/reservations`, { body })).toEqual({ ...held, replayed: true });
    expect(await answer(200, "GET", `${pool}/reservations/r`)).toEqual({
      id: "r",
      agent: "a",
      state: "held",
      asked: 1_500,
      granted: 1_500,
      consumed: 0,
      overage: 0,
      late: false,
      created_at: near(Date.now()),
      expires_at: near(Date.now() + 5_000_000),
      on_expiry: "charge",
      transfers,
      metadata: { model: "m", "x-team": "1" },
    });
  });

  it("POST makes a UUIDv7 for a caller that names no id", async () => {
    const pool = await newPool({}, { a: {} });
    const held = await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 1 } });
    expect(held).toMatchObject({ id });
  });

  it("POST with at_least takes what there is", async () => {
    const pool = await newPool({}, { a: {} });
    const body = { agent: "a", tokens: 5_000, at_least: 1 };
    expect(await answer(201, "POST", `${pool}/reservations`, { body })).toMatchObject({ granted: 1_000 });
  });

  it("POST with wait_ms is granted the moment budget comes free", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 1_000, id: "r" } });
    const body = { agent: "a", tokens: 600, id: "s", wait_ms: 60_000 };
    const waiting = answer(201, "POST", `${pool}/reservations`, { body });
    await answer(200, "POST", `${pool}/reservations/r/commit`, { body: { tokens: 400 } });
    expect(await waiting).toMatchObject({ id: "s", state: "held", granted: 600, agent: { held: 600, consumed: 400 } });
  });

  it("POST commit books what was used, and returns the rest", async () => {
    const pool = await newPool({}, { a: { confidence_threshold: 0.5 } });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 100, id: "r" } });
    const committed = {
      id: "r",
      state: "committed",
      granted: 100,
      consumed: 60,
      overage: 0,
      transfers: [],
      late: false,
      seq: 4,
      agent: { name: "a", ...entry({ consumed: 60, gate: "closed", confidence: 0.7 }) },
    };
    const commit = `${pool}/reservations/r/commit`;
    const body = { tokens: 60, confidence: 0.7 };
    expect(await answer(200, "POST", commit, { body })).toEqual(committed);
    expect(await answer(200, "POST", commit, { body })).toEqual({ ...committed, replayed: true });
    expect(await answer(200, "GET", `${pool}/reservations/r`)).toMatchObject({ state: "committed", consumed: 60 });
  });

  it("POST commit takes an excess out of the agent's own, out of others, and owes the rest", async () => {
    const pool = await newPool({}, { a: { priority: 2 }, b: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 100, id: "r" } });
    expect(await answer(200, "POST", `${pool}/reservations/r/commit`, { body: { tokens: 2_000 } })).toEqual({
      id: "r",
      state: "committed",
      granted: 100,
      consumed: 2_000,
      overage: 100,
      transfers: [{ from: "b", amount: 900 }],
      late: false,
      seq: 5,
      agent: { name: "a", ...entry({ priority: 2, allocated: 1_900, consumed: 2_000, overage: 100 }) },
    });
  });

  it("POST release gives a hold back", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 100, id: "r" } });
    const released = {
      id: "r",
      state: "released",
      granted: 100,
      consumed: 0,
      overage: 0,
      transfers: [],
      late: false,
      seq: 4,
      agent: { name: "a", ...entry() },
    };
    expect(await answer(200, "POST", `${pool}/reservations/r/release`)).toEqual(released);
    const again = await answer(200, "POST", `${pool}/reservations/r/release`, { body: {} });
    expect(again).toEqual({ ...released, replayed: true });
  });

  it("POST extend moves the end of a lease", async () => {
    const pool = await newPool({}, { a: {} });
    await answer(201, "POST", `${pool}/reservations`, { body: { agent: "a", tokens: 100, id: "r" } });
    const body = { ttl_ms: 3_600_000, on_expiry: "charge" };
    expect(await answer(200, "POST", `${pool}/reservations/r/extend`, { body })).toEqual({
      id: "r",
      state: "held",
      granted: 100,
      expires_at: near(Date.now() + 3_600_000),
      on_expiry: "charge",
      transfers: [],
      seq: 4,
      agent: { name: "a", ...entry({ held: 100 }) },
    });
  });
});

describe("usage and reallocations", () => {
  it("POST usage books spend without a reservation, even beyond everything", async () => {
    const pool = await newPool({}, { a: { priority: 2 }, b: {} });
    const body = { agent: "a", tokens: 2_000, confidence: 0.4, metadata: { k: "v" }, id: "u" };
    const booked = {
      id: "u",
      consumed: 2_000,
      overage: 100,
      transfers: [{ from: "b", amount: 900 }],
      seq: 4,
      agent: {
        name: "a",
        ...entry({ priority: 2, allocated: 1_900, consumed: 2_000, overage: 100, confidence: 0.4 }),
      },
    };
    expect(await answer(201, "POST", `${pool}/usage`, { body })).toEqual(booked);
    expect(await answer(201, "POST", `${pool}/usage`, { body })).toEqual({ ...booked, replayed: true });
    const unnamed = await answer(201, "POST", `${pool}/usage`, { body: { agent: "b", tokens: 0 } });
    expect(unnamed).toMatchObject({ id, consumed: 0 });
  });

  it("POST reallocations plans with dry_run, then moves, and says who was asked", async () => {
    const pool = await newPool({}, { a: { priority: 2 }, b: {} });
    const before = entry({ priority: 2 });
    const donor = { agent: "b", priority: 1, gate: "open", available: 1_000, min_reserve: 100, could_give: 900 };
    const plan = {
      asked: 950,
      moved: 900,
      shortfall: 50,
      transfers: [{ from: "b", amount: 900 }],
      donors: [{ ...donor, gives: 900 }],
    };
    const reallocations = `${pool}/reallocations`;
    const planned = await answer(200, "POST", reallocations, { body: { agent: "a", tokens: 950, dry_run: true } });
    expect(planned).toEqual({ id, ...plan, dry_run: true, seq: 3, agent: { name: "a", ...before } });
    const moved = { id: "m", ...plan, dry_run: false, seq: 4, agent: { name: "a", ...before, allocated: 1_900 } };
    const now = { ...moved, agent: { ...moved.agent, remaining: 1_900, available: 1_900 } };
    const body = { agent: "a", tokens: 950, id: "m" };
    expect(await answer(200, "POST", reallocations, { body })).toEqual(now);
    expect(await answer(200, "POST", reallocations, { body })).toEqual({ ...now, replayed: true });
  });
});

it("says that it is up, at /healthz", async () => {
  expect(await answer(200, "GET", "/healthz")).toEqual({ status: "ok" });
});

describe("sessions", () => {
  it("GET opens one, and tells whoever asks without an upgrade what it takes", async () => {
    const pool = await newPool();
    const asked = await api("GET", `${pool}/session`);
    expect(asked).toMatchObject({ status: 400, body: { errors: [{ field: "Upgrade" }] } });
  });
});

describe("the registry of routes", () => {
  it("has every route called by a test above", () => {
    const forgotten = routes.filter(({ method, path }) => {
      const pattern = new RegExp(`^${path.replaceAll(/:[a-z_]+/g, "[^/]+")}$`);
      return !called.some((one) => one.method === method && pattern.test(one.path));
    });
    expect(forgotten.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
  });

  it("lists each route once, with a summary that a reader can use", () => {
    const names = routes.map(({ method, path }) => `${method} ${path}`);
    expect(new Set(names).size).toBe(names.length);
    for (const { summary } of routes) expect(summary).toMatch(/^[A-Z].{8,}$/);
  });
});

afterAll(() => void called.splice(0));
