/** Every answer that is not a success: its status, its code, the facts that come with it, and when to come back. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import { routes } from "../../src/http/routes.ts";
import { trim } from "../../src/pool/trimming.ts";
import { refusalCodes } from "../../src/protocol/refusals.ts";
import { spendingStopped } from "../../src/protocol/spending-stop.ts";
import { uuid7 } from "../../src/protocol/uuid.ts";
import {
  agentIn,
  api,
  audited,
  type Json,
  keyOf,
  misconfigured,
  must,
  newPath,
  newPool,
  newTenant,
  operatorToken,
  problem,
  type Reply,
  tenantObject,
} from "./api.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const seen = new Set<string>();

/** The facts of a problem, which counts as seen. */
function facts(asked: Promise<Reply>, status: number, code: string): Promise<Json> {
  seen.add(code);
  return problem(asked, status, code);
}

function post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Reply> {
  return api("POST", path, { body, headers });
}

/** Sends a thousand commands; `command` makes the text of each, short enough that they fit a body. */
async function thousand(pool: string, command: (index: number) => string): Promise<Json[]> {
  const body = `{"commands":[${Array.from({ length: 1_000 }, (_, index) => command(index)).join(",")}]}`;
  const { results } = await must(post(`${pool}/batch`, body));
  return Array.isArray(results) ? results : [];
}

describe("a request that is not what the route takes", () => {
  it("is told of every field that failed", async () => {
    const pool = await newPool({}, { a: {} });
    const body = { agent: "a b", tokens: -1, ttl_ms: 5, on_expiry: "keep", colour: "red", size: 1 };
    const { errors, ...rest } = await facts(post(`${pool}/reservations`, body), 400, "invalid_request");
    expect(rest).toEqual({});
    const fields = Array.isArray(errors) ? errors.map(({ field }) => field) : [];
    expect(new Set(fields)).toEqual(new Set(["/agent", "/colour", "/on_expiry", "/size", "/tokens", "/ttl_ms"]));
    for (const error of Array.isArray(errors) ? errors : []) {
      expect(error).toEqual({ field: expect.any(String), message: expect.stringMatching(/\S{2}/) });
    }
  });

  it.each([
    ["POST", "/reservations", { agent: "a" }, "/tokens"],
    ["POST", "/reservations", { agent: "a", tokens: 5, microusd: 5 }, "/tokens"],
    ["POST", "/reservations", { tokens: 5 }, "/agent"],
    ["POST", "/reservations", { agent: "a", tokens: 5, at_least: 6 }, "/at_least"],
    ["POST", "/usage", { agent: "a" }, "/tokens"],
    ["POST", "/reallocations", { agent: "a", tokens: 5, dry_run: "true" }, "/dry_run"],
    ["POST", "/funds", {}, "/tokens"],
    ["POST", "/reservations/r/commit", { confidence: 0.5 }, "/tokens"],
    ["POST", "/reservations/r/extend", {}, "/ttl_ms"],
    ["POST", "/reservations/r/release", { id: "r" }, "/id"],
    ["POST", "/batch", {}, "/commands"],
    ["PUT", "/agents/a", { max_tokens: 5 }, "/priority"],
    ["PUT", "/agents/a", { priority: 1 }, "/max_tokens"],
    ["PUT", "/agents/a", { priority: 1, max_tokens: 5, max_microusd: 5 }, "/max_tokens"],
    ["PUT", "/agents/a", { priority: 1, max_tokens: 5, min_reserve: 6 }, "/min_reserve"],
    ["PUT", "/agents/a", { priority: 1, max_tokens: 5, ceiling: 4 }, "/ceiling"],
    ["PUT", "", { unit: "euro" }, "/unit"],
    ["PUT", "", { location_hint: "moon" }, "/location_hint"],
  ])("%s %s %j names the field", async (method, path, body, field) => {
    const pool = await newPool({}, { a: {} });
    const { errors } = await facts(api(method, pool + path, { body }), 400, "invalid_request");
    expect(errors).toMatchObject([{ field }]);
  });

  it("is 413 when too large, with the limit, and 415 when not JSON", async () => {
    const pool = await newPool({}, { a: {} });
    const large = post(`${pool}/reservations`, `{"agent":"${"a".repeat(65_536)}"}`);
    expect(await facts(large, 413, "body_too_large")).toEqual({ maximum: 65_536 });
    const text = post(`${pool}/reservations`, "agent=a", { "content-type": "text/plain" });
    expect(await facts(text, 415, "unsupported_media_type")).toEqual({});
    const packed = post(`${pool}/reservations`, "{}", { "content-encoding": "gzip" });
    expect(await facts(packed, 415, "unsupported_media_type")).toEqual({});
  });

  it("is 404 where there is no route, and 405 with Allow where the method is another", async () => {
    const pool = await newPool();
    expect(await facts(api("GET", `${pool}/nothing`), 404, "route_not_found")).toEqual({});
    expect(await facts(api("GET", "/"), 404, "route_not_found")).toEqual({});
    for (const template of new Set(routes.map(({ path }) => path))) {
      const taken = routes.filter(({ path }) => path === template).map(({ method }) => method);
      const path = template
        .replace("/v1/pools/:pool", pool)
        .replace(":agent", "a")
        .replace(":id", "r")
        .replace(/:(tenant|key_id)/, "x");
      const asked = api("PATCH", path, { body: {} });
      expect((await asked).headers.get("allow")).toBe(taken.join(", "));
      expect((await asked).body).toMatchObject({ code: "method_not_allowed", status: 405 });
    }
  });

  it("is told which request it was, when its method is another", async () => {
    const pool = await newPool();
    expect(await facts(api("PATCH", pool), 405, "method_not_allowed")).toEqual({});
  });

  it("is 401 without a token", async () => {
    const asked = api("GET", "/v1/pools", { token: null });
    expect(await facts(asked, 401, "unauthorized")).toEqual({});
    expect((await asked).headers.get("www-authenticate")).toBe("Bearer");
  });
});

describe("what does not exist", () => {
  it("is 404 pool_not_found on every route of a pool but those that make it", async () => {
    const nowhere = newPath();
    const body: Record<string, unknown> = {
      "/funds": { tokens: 5 },
      "/agents/:agent": { priority: 1, max_tokens: 5 },
      "/reservations": { agent: "a", tokens: 5 },
      "/reservations/:id/commit": { tokens: 5 },
      "/reservations/:id/extend": { ttl_ms: 500 },
      "/usage": { agent: "a", tokens: 5 },
      "/reallocations": { agent: "a", tokens: 5 },
    };
    for (const { method, path } of routes) {
      const rest = path.replace("/v1/pools/:pool", "");
      if (
        !path.startsWith("/v1/pools/") ||
        rest === "/restore" ||
        rest === "/batch" ||
        rest === "/session" ||
        (rest === "" && method === "PUT")
      )
        continue;
      const at = nowhere + rest.replace(":agent", "a").replace(":id", "r");
      const asked = api(method, at, method === "GET" || method === "DELETE" ? {} : { body: body[rest] ?? {} });
      expect(await facts(asked, 404, "pool_not_found")).toEqual({});
    }
    expect((await api("GET", nowhere)).status).toBe(404);
    const { results } = await must(post(`${nowhere}/batch`, { commands: [{ op: "release", id: "r" }] }));
    expect(results).toMatchObject([{ status: 404, problem: { code: "pool_not_found" } }]);
  });

  it("is 404 agent_not_found, naming the agent", async () => {
    const pool = await newPool({}, { a: {} });
    const missing = { agent: "ghost" };
    const spend = { ...missing, tokens: 5 };
    expect(await facts(post(`${pool}/reservations`, spend), 404, "agent_not_found")).toEqual(missing);
    expect(await facts(post(`${pool}/usage`, spend), 404, "agent_not_found")).toEqual(missing);
    expect(await facts(post(`${pool}/reallocations`, spend), 404, "agent_not_found")).toEqual(missing);
    expect(await facts(post(`${pool}/agents/ghost/reopen`, {}), 404, "agent_not_found")).toEqual(missing);
    expect(await facts(post(`${pool}/agents/ghost/reset`, {}), 404, "agent_not_found")).toEqual(missing);
    expect(await facts(api("GET", `${pool}/agents/ghost`), 404, "agent_not_found")).toEqual(missing);
    expect(await facts(api("DELETE", `${pool}/agents/ghost`), 404, "agent_not_found")).toEqual(missing);
    const orphan = api("PUT", `${pool}/agents/b`, { body: { priority: 1, max_tokens: 5, parent: "ghost" } });
    expect(await facts(orphan, 404, "agent_not_found")).toEqual(missing);
  });

  it("is 404 reservation_not_found, naming the id, for an id of usage too", async () => {
    const pool = await newPool({}, { a: {} });
    await must(post(`${pool}/usage`, { agent: "a", tokens: 5, id: "u" }));
    for (const id of ["ghost", "u"]) {
      const at = `${pool}/reservations/${id}`;
      expect(await facts(api("GET", at), 404, "reservation_not_found")).toEqual({ id });
      expect(await facts(post(`${at}/commit`, { tokens: 5 }), 404, "reservation_not_found")).toEqual({ id });
      expect(await facts(post(`${at}/release`, {}), 404, "reservation_not_found")).toEqual({ id });
      expect(await facts(post(`${at}/extend`, { ttl_ms: 500 }), 404, "reservation_not_found")).toEqual({ id });
    }
  });
});

describe("the governor's no, 402", () => {
  it("says what the agent has, what others could give, and when the next lease ends", async () => {
    const pool = await newPool({}, { a: { priority: 2 }, b: { max_tokens: 100 } });
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 900, id: "r", ttl_ms: 60_000 }));
    const asked = post(`${pool}/reservations`, { agent: "a", tokens: 800, at_least: 700 });
    expect(await facts(asked, 402, "budget_exceeded")).toEqual({
      agent: "a",
      unit: "tokens",
      asked: 800,
      at_least: 700,
      available: 100,
      transferable: 90,
      headroom: 200,
      potential: 1_090,
      retry_after_ms: expect.toSatisfy((ms: number) => ms > 50_000 && ms <= 60_000),
    });
    expect((await asked).headers.get("retry-after")).toBeNull();
    expect(await agentIn(pool, "a")).toMatchObject({ held: 900, allocated: 1_000 });
  });

  it.each([
    ["more is asked than all leases together could give back", { tokens: 2_000 }, { on_expiry: "release" }],
    ["the next lease to end books its budget", { tokens: 800 }, { on_expiry: "charge" }],
  ])("does not say when to come back if %s", async (_, ask, lease) => {
    const pool = await newPool({}, { a: {} });
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 900, id: "r", ...lease }));
    const refused = await facts(post(`${pool}/reservations`, { agent: "a", ...ask }), 402, "budget_exceeded");
    expect(refused).not.toHaveProperty("retry_after_ms");
    expect(refused).toMatchObject({ available: 100, headroom: 100, potential: 1_000 });
  });

  it("does not say when to come back if nothing is held", async () => {
    const pool = await newPool({}, { a: {} });
    const refused = await facts(post(`${pool}/reservations`, { agent: "a", tokens: 1_001 }), 402, "budget_exceeded");
    expect(refused).toEqual({
      agent: "a",
      unit: "tokens",
      asked: 1_001,
      at_least: 1_001,
      available: 1_000,
      transferable: 0,
      headroom: 1_000,
      potential: 1_000,
    });
  });

  it("comes after the wait, when waiting did not help", async () => {
    const pool = await newPool({}, { a: {} });
    const asked = post(`${pool}/reservations`, { agent: "a", tokens: 1_001, wait_ms: 1 });
    expect(await facts(asked, 402, "budget_exceeded")).toMatchObject({ asked: 1_001, available: 1_000 });
  });

  it("stops an agent that is confident enough, until its gate is opened", async () => {
    const pool = await newPool({}, { a: { confidence_threshold: 0.8 }, b: {} });
    await must(post(`${pool}/usage`, { agent: "a", tokens: 1, confidence: 0.85 }));
    const why = { agent: "a", confidence: 0.85, confidence_threshold: 0.8 };
    const spend = { agent: "a", tokens: 5 };
    expect(await facts(post(`${pool}/reservations`, spend), 402, "confidence_reached")).toEqual(why);
    expect(await facts(post(`${pool}/reallocations`, spend), 402, "confidence_reached")).toEqual(why);
    await must(post(`${pool}/agents/a/reopen`, {}));
    await must(post(`${pool}/reservations`, spend));
  });

  it("knows no webhook that is another tenant's, and takes no address that is not public", async () => {
    const { id } = await must(api("POST", "/v1/webhooks", { body: { url: "https://hooks.example.com/" } }));
    const theirs = api("GET", `/v1/webhooks/${String(id)}`, { tenant: newTenant() });
    expect(await facts(theirs, 404, "webhook_not_found")).toEqual({ webhook: id });
    const inside = await facts(post("/v1/webhooks", { url: "https://169.254.169.254/" }), 400, "invalid_request");
    expect(inside["errors"]).toEqual([{ field: "/url", message: "must be a name, not an IP address" }]);
  });

  it("has no archive here, and says so; and what is trimmed is gone", async () => {
    const pool = await newPool({}, { a: {} });
    const none = { reason: "this deployment has none (docs/guides/backups.md)" };
    expect(await facts(post(`${pool}/archive`, {}), 404, "archive_not_found")).toEqual(none);
    const [, name = ""] = /pools\/(.+)$/.exec(pool) ?? [];
    await runInDurableObject(env.POOLS.getByName(`default/${name}`), async (_, { storage }) => {
      await trim(storage, Number.MAX_SAFE_INTEGER, 1);
    });
    expect(await facts(api("GET", `${pool}/journal?after=0`), 410, "journal_trimmed")).toEqual({ trimmed: 1 });
    expect(await facts(api("GET", `${pool}/journal/export`), 410, "journal_trimmed")).toEqual({ trimmed: 1 });
    await must(api("GET", `${pool}/journal?after=1`));
  });

  it("stops an agent that reserves more often in a minute than its contract lets it", async () => {
    const pool = await newPool({}, { a: { max_reserves_per_minute: 2 } });
    const spend = { agent: "a", tokens: 5 };
    // A minute of the clock may end in between: two and two are granted then, and the fifth is refused.
    let asked = post(`${pool}/reservations`, spend);
    for (let times = 1; times < 5 && (await asked).status === 201; times++) asked = post(`${pool}/reservations`, spend);
    expect(await facts(asked, 402, "too_many_reserves")).toEqual({
      agent: "a",
      max_reserves_per_minute: 2,
      retry_after_ms: expect.any(Number),
    });
  });

  it("keeps the last of an agent's budget for its final call", async () => {
    const pool = await newPool({}, { a: { max_tokens: 100, final_reserve: 20 } });
    const refused = await facts(post(`${pool}/reservations`, { agent: "a", tokens: 81 }), 402, "budget_exceeded");
    expect(refused).toMatchObject({ available: 80, potential: 80, final_reserve: 20 });
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 80 }));
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 20, final: true }));
  });

  it("says when a refill will help whom the budget does not reach for, and is silent where it won't", async () => {
    const refill = { every: "day", time_zone: "UTC" };
    const pool = await newPool({ budget: 1_000, refill, warn_at: [] }, { a: {} });
    await must(post(`${pool}/usage`, { agent: "a", tokens: 600 }));
    const midnight = Math.ceil((Date.now() + 1) / 86_400_000) * 86_400_000;
    const asked = await facts(post(`${pool}/reservations`, { agent: "a", tokens: 900 }), 402, "budget_exceeded");
    expect(asked).toMatchObject({ resets_at: midnight });
    expect(Math.abs(Number(asked["retry_after_ms"]) - (midnight - Date.now()))).toBeLessThan(60_000);
    const tooMuch = await facts(post(`${pool}/reservations`, { agent: "a", tokens: 1_001 }), 402, "budget_exceeded");
    expect(tooMuch).not.toHaveProperty("resets_at");
    expect(tooMuch).not.toHaveProperty("retry_after_ms");
  });

  it("stops whom somebody paused, but settles and books what is under way", async () => {
    const pool = await newPool({}, { a: {}, "a.1": { parent: "a", max_tokens: 300 }, b: {} });
    const spend = { agent: "a", tokens: 5 };
    await must(post(`${pool}/reservations`, { ...spend, id: "r" }));
    expect(await must(post(`${pool}/agents/a/pause`, {}))).toMatchObject({ paused: true, agent: { paused: true } });
    for (const agent of ["a", "a.1"]) {
      const why = { agent: "a" };
      expect(await facts(post(`${pool}/reservations`, { agent, tokens: 5 }), 402, "paused")).toEqual(why);
      expect(await facts(post(`${pool}/reallocations`, { agent, tokens: 5 }), 402, "paused")).toEqual(why);
    }
    await must(post(`${pool}/reservations`, { agent: "b", tokens: 5 }));
    await must(post(`${pool}/reservations/r/commit`, { tokens: 5 }));
    await must(post(`${pool}/usage`, spend));
    // Whoever puts the contract again, as programs do when they start, does not end the pause.
    await must(api("PUT", `${pool}/agents/a`, { body: { priority: 2, max_tokens: 1_000 } }));
    await facts(post(`${pool}/reservations`, spend), 402, "paused");

    expect(await must(post(`${pool}/pause`, {}))).toMatchObject({ paused: true, agent: null });
    expect(await must(api("GET", pool))).toMatchObject({ paused: true });
    expect(await facts(post(`${pool}/reservations`, { agent: "b", tokens: 5 }), 402, "paused")).toEqual({
      agent: null,
    });
    await must(post(`${pool}/resume`, {}));
    await must(post(`${pool}/reservations`, { agent: "b", tokens: 5 }));
    await facts(post(`${pool}/reservations`, spend), 402, "paused");
    const before = await must(api("GET", `${pool}/report`));
    expect(await must(post(`${pool}/agents/b/resume`, {}))).toMatchObject({ paused: false, seq: before["seq"] });
    await must(post(`${pool}/agents/a/resume`, {}));
    await must(post(`${pool}/reservations`, spend));
    await facts(post(`${pool}/agents/ghost/pause`, {}), 404, "agent_not_found");
  });

  it("stops an agent that is closing, but books what it has used", async () => {
    const pool = await newPool({}, { a: {} });
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 5, id: "r" }));
    await must(api("DELETE", `${pool}/agents/a`));
    const spend = { agent: "a", tokens: 5 };
    const closing = { agent: "a" };
    expect(await facts(post(`${pool}/reservations`, spend), 402, "agent_closing")).toEqual(closing);
    expect(await facts(post(`${pool}/reallocations`, spend), 402, "agent_closing")).toEqual(closing);
    expect(await facts(post(`${pool}/agents/a/reset`, {}), 402, "agent_closing")).toEqual(closing);
    expect(await facts(post(`${pool}/agents/a/reopen`, {}), 402, "agent_closing")).toEqual(closing);
    const again = api("PUT", `${pool}/agents/a`, { body: { priority: 2, max_tokens: 1_000 } });
    expect(await facts(again, 402, "agent_closing")).toEqual(closing);
    expect(await must(post(`${pool}/usage`, spend))).toMatchObject({ consumed: 5 });
    expect(await must(post(`${pool}/reservations/r/commit`, { tokens: 5 }))).toMatchObject({ consumed: 5 });
  });
});

describe("the state's no, 409", () => {
  it("says how a reservation was settled, and with what", async () => {
    const pool = await newPool({}, { a: {} });
    const at = (id: string): string => `${pool}/reservations/${id}`;
    for (const id of ["c", "r"]) await must(post(`${pool}/reservations`, { agent: "a", tokens: 50, id }));
    await must(post(`${at("c")}/commit`, { tokens: 40, confidence: 0.5 }));
    await must(post(`${at("r")}/release`, {}));

    const committed = { id: "c", state: "committed", consumed: 40 };
    for (const other of [{ tokens: 41, confidence: 0.5 }, { tokens: 40 }, { tokens: 40, confidence: 0.6 }]) {
      expect(await facts(post(`${at("c")}/commit`, other), 409, "reservation_settled")).toEqual(committed);
    }
    expect(await facts(post(`${at("c")}/release`, {}), 409, "reservation_settled")).toEqual(committed);
    expect(await facts(post(`${at("c")}/extend`, { ttl_ms: 500 }), 409, "reservation_settled")).toEqual(committed);

    const released = { id: "r", state: "released", consumed: 0 };
    expect(await facts(post(`${at("r")}/commit`, { tokens: 40 }), 409, "reservation_settled")).toEqual(released);
    expect(await facts(post(`${at("r")}/extend`, { ttl_ms: 500 }), 409, "reservation_settled")).toEqual(released);
  });

  it("says that a lease is over, but takes its late commit once", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const pool = await newPool({}, { a: {} });
    const body = { agent: "a", tokens: 50, id: "r", ttl_ms: 1_000, on_expiry: "charge" };
    await must(post(`${pool}/reservations`, body));
    vi.setSystemTime(Date.now() + 1_000);
    const at = `${pool}/reservations/r`;
    const over = { id: "r", state: "expired", consumed: 50 };
    expect(await facts(post(`${at}/extend`, { ttl_ms: 500 }), 409, "reservation_settled")).toEqual(over);
    expect(await must(post(`${at}/release`, {}))).toMatchObject({ state: "expired", consumed: 50 });
    expect(await must(post(`${at}/commit`, { tokens: 30 }))).toMatchObject({ late: true, consumed: 30 });
    const booked = { id: "r", state: "committed", consumed: 30 };
    expect(await facts(post(`${at}/commit`, { tokens: 31 }), 409, "reservation_settled")).toEqual(booked);
  });

  it("says what a contract would need, and what there is", async () => {
    const pool = await newPool({ budget: 1_500 }, { a: {} });
    const put = (path: string, body: Json): Promise<Reply> => api("PUT", pool + path, { body });
    const reason: unknown = expect.stringMatching(/^\S.{10,}[^.]$/);
    const conflict = (asked: Promise<Reply>): Promise<Json> => facts(asked, 409, "contract_conflict");

    const growth = put("/agents/a", { priority: 1, max_tokens: 2_000 });
    expect(await conflict(growth)).toEqual({ field: "max", reason, needed: 1_000, obtainable: 500 });
    await must(post(`${pool}/usage`, { agent: "a", tokens: 300 }));
    const shrinking = put("/agents/a", { priority: 1, max_tokens: 0 });
    expect(await conflict(shrinking)).toEqual({ field: "max", reason, needed: 1_000, obtainable: 700 });
    expect(await conflict(put("", { budget: 900 }))).toEqual({ field: "budget", reason, needed: 600, obtainable: 500 });
    expect(await conflict(put("", { budget: null }))).toEqual({ field: "budget", reason });
    const drain = post(`${pool}/funds`, { tokens: -501 });
    expect(await conflict(drain)).toEqual({ field: "tokens", reason, needed: 501, obtainable: 500 });
    const child = put("/agents/child", { priority: 1, max_tokens: 701, parent: "a" });
    expect(await conflict(child)).toEqual({ field: "max", reason, needed: 701, obtainable: 700 });
    await must(put("/agents/b", { priority: 1, max_tokens: 5 }));
    const adopted = put("/agents/b", { priority: 1, max_tokens: 5, parent: "a" });
    expect(await conflict(adopted)).toEqual({ field: "parent", reason });
    const unbudgeted = api("PUT", await newPool(), { body: { budget: 5 } });
    expect(await conflict(unbudgeted)).toEqual({ field: "budget", reason });
  });

  it("keeps a pool under whose reservations calls are running", async () => {
    const pool = await newPool({}, { a: {} });
    for (const tokens of [1, 2]) await must(post(`${pool}/reservations`, { agent: "a", tokens }));
    const refused = await facts(api("DELETE", pool), 409, "contract_conflict");
    expect(refused).toEqual({ field: "open_reservations", reason: expect.any(String), needed: 2 });
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({ seq: 4 });
  });
});

describe("an amount in the other unit, 422", () => {
  it("is never converted, on any route that takes one", async () => {
    const pool = await newPool({ unit: "microusd" });
    await must(api("PUT", `${pool}/agents/a`, { body: { priority: 1, max_microusd: 100 } }));
    const why = { pool_unit: "microusd", given_unit: "tokens" };
    const spend = { agent: "a", tokens: 5 };
    const asked = [
      post(`${pool}/reservations`, spend),
      post(`${pool}/usage`, spend),
      post(`${pool}/reallocations`, spend),
      post(`${pool}/reservations/r/commit`, { tokens: 5 }),
      post(`${pool}/funds`, { tokens: 5 }),
      api("PUT", `${pool}/agents/a`, { body: { priority: 1, max_tokens: 100 } }),
      api("PUT", pool, { body: { unit: "tokens" } }),
    ];
    for (const one of asked) expect(await facts(one, 422, "unit_mismatch")).toEqual(why);
    expect(await must(api("GET", pool))).toMatchObject({ seq: 2 });
  });
});

describe("an id that was used before", () => {
  const first = { agent: "a", tokens: 50, ttl_ms: 5_000, metadata: { k: "v" }, id: "x" };

  it.each([
    ["agent", "agent", { agent: "b" }],
    ["tokens", "amount", { tokens: 51 }],
    ["at_least", "at_least", { at_least: 5 }],
    ["ttl_ms", "ttl_ms", { ttl_ms: 5_001 }],
    ["on_expiry", "on_expiry", { on_expiry: "charge" }],
    ["metadata", "metadata", { metadata: { k: "w" } }],
  ])("is 422 with another %s", async (_, field, change) => {
    const pool = await newPool({}, { a: {}, b: {} });
    await must(post(`${pool}/reservations`, first));
    const asked = post(`${pool}/reservations`, { ...first, ...change });
    expect(await facts(asked, 422, "id_reused")).toEqual({ id: "x", field });
    expect(await must(post(`${pool}/reservations`, first))).toMatchObject({ replayed: true });
  });

  it.each([
    ["on_expiry", { on_expiry: "charge" }],
    ["metadata", { metadata: { k: "w" } }],
    ["agent", { agent: "b" }],
  ])("is 422 with another %s while the first one waits in line", async (field, change) => {
    const pool = await newPool({}, { a: {}, b: {} });
    const waiting = { ...first, tokens: 5_000, wait_ms: 60_000 };
    const [held, other] = [
      post(`${pool}/reservations`, waiting),
      post(`${pool}/reservations`, { ...waiting, ...change }),
    ];
    const more = { ...waiting, id: "last", wait_ms: 0 };
    // Both have arrived once this one, sent after them, has been refused.
    await facts(post(`${pool}/reservations`, more), 402, "budget_exceeded");
    await must(api("DELETE", pool));
    expect((await held).body).toMatchObject({ code: "pool_not_found" });
    expect(await facts(other, 422, "id_reused")).toEqual({ id: "x", field });
  });

  it("is 422 for another kind of request", async () => {
    const pool = await newPool({}, { a: {}, b: {} });
    await must(post(`${pool}/usage`, { agent: "a", tokens: 50, id: "x" }));
    const why = { id: "x", field: "op" };
    expect(await facts(post(`${pool}/reservations`, { agent: "a", tokens: 50, id: "x" }), 422, "id_reused")).toEqual(
      why,
    );
    expect(await facts(post(`${pool}/reallocations`, { agent: "a", tokens: 50, id: "x" }), 422, "id_reused")).toEqual(
      why,
    );
    expect(await facts(post(`${pool}/funds`, { tokens: 50, id: "x" }), 422, "id_reused")).toEqual(why);
    expect(await facts(post(`${pool}/agents/a/reset`, { id: "x" }), 422, "id_reused")).toEqual(why);
    expect(await facts(post(`${pool}/agents/a/reopen`, { id: "x" }), 422, "id_reused")).toEqual(why);
  });

  it("may be used for the first time after a refusal, which is not remembered", async () => {
    const pool = await newPool({}, { a: {} });
    const body = { agent: "a", tokens: 1_500, id: "x" };
    await facts(post(`${pool}/reservations`, body), 402, "budget_exceeded");
    await must(api("PUT", `${pool}/agents/a`, { body: { priority: 1, max_tokens: 2_000 } }));
    expect(await must(post(`${pool}/reservations`, body))).not.toHaveProperty("replayed");
  });

  it("is 410 once it is too old to be known, and so may have run already", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const pool = await newPool({}, { a: {} });
    const id = uuid7();
    const body = { agent: "a", tokens: 1, id };
    await must(post(`${pool}/usage`, body));
    for (let batch = 0; batch < 10; batch++) {
      await thousand(pool, (i) => `{"op":"record","id":"${batch}-${i}","agent":"a","tokens":0}`);
    }
    expect(await must(post(`${pool}/usage`, body))).toMatchObject({ replayed: true });
    vi.setSystemTime(Date.now() + 10 * 60_000 + 1);
    await must(post(`${pool}/usage`, { agent: "a", tokens: 0 }));
    expect(await facts(post(`${pool}/usage`, body), 410, "id_too_old")).toEqual({ id });
    expect(await facts(post(`${pool}/reservations`, body), 410, "id_too_old")).toEqual({ id });
    expect(await facts(post(`${pool}/reservations/${id}/commit`, { tokens: 1 }), 410, "id_too_old")).toEqual({ id });
    expect(await agentIn(pool, "a")).toMatchObject({ consumed: 1 });
    await must(post(`${pool}/usage`, { ...body, id: uuid7() }));
  });
});

describe("a limit of ours", () => {
  /** The limit that was met: 429, with when to come back, where waiting helps; 409 where it does not. */
  async function limitMet(asked: Promise<Reply>, status: 409 | 429 = 409): Promise<Json> {
    const met = await facts(asked, status, "limit_reached");
    expect((await asked).headers.get("retry-after")).toBe(status === 429 ? "1" : null);
    return met;
  }

  it("is met by a pool whose total would pass 10^15", async () => {
    const pool = await newPool({ budget: 1e15 });
    const total = { limit: "total", maximum: 1e15 };
    expect(await limitMet(post(`${pool}/funds`, { tokens: 1 }))).toEqual(total);
    await must(post(`${pool}/funds`, { tokens: -1 }));
    await must(post(`${pool}/funds`, { tokens: 1 }));
  });

  it("is met by an agent nine levels deep", async () => {
    const pool = await newPool({}, { a1: {} });
    const below = (level: number): Promise<Reply> =>
      api("PUT", `${pool}/agents/a${level}`, { body: { priority: 1, max_tokens: 1, parent: `a${level - 1}` } });
    for (let level = 2; level <= 8; level++) await must(below(level));
    expect(await limitMet(below(9))).toEqual({ limit: "agentDepth", maximum: 8 });
  });

  it("is met by the agent after the thousandth", async () => {
    const pool = await newPool();
    const put = (index: number): string => `{"op":"register","agent":"${index}","priority":1,"max_tokens":1}`;
    await thousand(pool, put);
    const one = { priority: 1, max_tokens: 1 };
    expect(await limitMet(api("PUT", `${pool}/agents/x`, { body: one }))).toEqual({ limit: "agents", maximum: 1_000 });
    await must(api("PUT", `${pool}/agents/999`, { body: { ...one, priority: 2 } }));
    await must(api("DELETE", `${pool}/agents/0`));
    await must(api("PUT", `${pool}/agents/x`, { body: one }));
  });

  it("is met by an agent with ten thousand open reservations", async () => {
    const pool = await newPool({}, { a: { max_tokens: 100_000 }, b: {} });
    for (let batch = 0; batch < 10; batch++) {
      await thousand(pool, (i) => `{"op":"reserve","id":"${batch}-${i}","agent":"a","tokens":1}`);
    }
    const met = await limitMet(post(`${pool}/reservations`, { agent: "a", tokens: 1 }), 429);
    expect(met).toEqual({ limit: "openReservationsPerAgent", maximum: 10_000 });
    await must(post(`${pool}/reservations`, { agent: "b", tokens: 1 }));
    // Half of what the other leaves.
    await must(post(`${pool}/reservations/0-0/release`, {}));
    await must(post(`${pool}/reservations/0-1/release`, {}));
    await must(post(`${pool}/reservations`, { agent: "a", tokens: 1 }));
  });

  it("is met by spend beyond 8·10^15, and books no half of it", async () => {
    const pool = await newPool({}, { a: {} });
    for (let batch = 0; batch < 8; batch++) {
      await thousand(pool, (i) => `{"op":"record","id":"${batch}-${i}","agent":"a","tokens":1e12}`);
    }
    const met = await limitMet(post(`${pool}/usage`, { agent: "a", tokens: 1 }));
    expect(met).toEqual({ limit: "spend", maximum: 8e15 });
    expect(await agentIn(pool, "a")).toMatchObject({ consumed: 8e15, overage: 8e15 - 1_000 });
    await audited(pool);
  });

  it("is met by an agent that has half of the line, and by the line as a whole", async () => {
    const pool = await newPool({}, { a: {} });
    const wait = (): Promise<Reply> => post(`${pool}/reservations`, { agent: "a", tokens: 5_000, wait_ms: 60_000 });
    const line = Array.from({ length: 500 }, wait);
    expect(await limitMet(wait(), 429)).toEqual({ limit: "waitersPerAgent", maximum: 500 });
    await must(api("DELETE", pool));
    expect(new Set((await Promise.all(line)).map(({ status }) => status))).toEqual(new Set([404]));
  });

  it("is met by the pool after a tenant's hundred thousandth", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/first", { tenant, body: {} }));
    await runInDurableObject(tenantObject(tenant), (_, { storage }) => {
      storage.sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99999)
        INSERT INTO pools (name, created_at) SELECT 'p' || i, 0 FROM n`);
    });
    const met = await limitMet(api("PUT", "/v1/pools/one-more", { tenant, body: {} }));
    expect(met).toEqual({ limit: "poolsPerTenant", maximum: 100_000 });
    await facts(api("GET", "/v1/pools/one-more", { tenant }), 404, "pool_not_found");
    await must(api("PUT", "/v1/pools/first", { tenant, body: { default_ttl_ms: 500 } }));
    await must(api("DELETE", "/v1/pools/first", { tenant }));
    await must(api("PUT", "/v1/pools/one-more", { tenant, body: {} }));
  });
});

describe("when it is Bursar that fails", () => {
  /** A namespace all of whose objects answer every call with this error. */
  function failingWith(error: unknown): Env["POOLS"] {
    const call = async (): Promise<never> => {
      throw error;
    };
    const stub = { execute: call, query: call };
    return { idFromName: () => ({}), get: () => stub } as unknown as Env["POOLS"];
  }

  const ask = (error: unknown): Promise<Reply> =>
    api("GET", "/v1/pools/p", { bindings: { POOLS: failingWith(error) } });

  it("is 503 until its secret is set", async () => {
    const asked = api("GET", "/v1/pools", { bindings: misconfigured });
    const errors = [{ field: "BURSAR_OPERATOR_TOKEN", message: "must have at least 32 characters" }];
    expect(await facts(asked, 503, "misconfigured")).toEqual({ errors });
    expect((await asked).headers.get("retry-after")).toBe("1");
  });

  it("is 500 damaged where what is stored is not what was written, and says where", async () => {
    const pool = await newPool({}, { a: {} });
    const name = `default/${pool.replace("/v1/pools/", "")}`;
    await runInDurableObject(env.POOLS.getByName(name), (_, { storage }) => {
      storage.sql.exec("UPDATE journal SET events = replace(events, 'priority', 'prioritx') WHERE first_seq = 2");
    });
    await evictDurableObject(env.POOLS.getByName(name));
    const reason = "it was changed: its hash is another";
    expect(await facts(api("GET", pool), 500, "damaged")).toEqual({ where: "journal row 2", reason });
  });

  it("is 503 overloaded when the pool gets more than it can take, at once", async () => {
    const asked = ask(Object.assign(new Error("too much"), { overloaded: true, retryable: true }));
    expect(await facts(asked, 503, "overloaded")).toEqual({});
    expect((await asked).headers.get("retry-after")).toBe("1");
  });

  it("is 503 unavailable when nothing could be stored", async () => {
    const asked = ask(Object.assign(new Error("disk"), { name: "NotPersistedError" }));
    expect(await facts(asked, 503, "unavailable")).toEqual({});
    expect((await asked).headers.get("retry-after")).toBe("1");
  });

  it("is 503 and says so when the account's spending limit stops the platform, and the pool goes on after it", async () => {
    const stopped = new Error("Exceeded the account's spending cap for Durable Objects.");
    const asked = ask(stopped);
    await facts(asked, 503, "unavailable");
    expect((await asked).body["detail"]).toBe(spendingStopped);
    // Inside of the object it is SQL that is refused.
    const pool = await newPool({}, { a: {} });
    const stub = env.POOLS.getByName(`default/${pool.replace("/v1/pools/", "")}`);
    await runInDurableObject(stub, (_, { storage }) => {
      vi.spyOn(storage.sql, "exec").mockImplementation(() => {
        throw stopped;
      });
    });
    const refused = api("POST", `${pool}/usage`, { body: { agent: "a", tokens: 1 } });
    await facts(refused, 503, "unavailable");
    expect((await refused).body["detail"]).toBe(spendingStopped);
    vi.restoreAllMocks();
    expect(await must(api("GET", `${pool}/agents/a`))).toMatchObject({ consumed: 0 });
  });

  it("is 500 for a defect, which is logged under the request's id and told to nobody", async () => {
    const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
    const asked = ask(new TypeError("a secret of the inside"));
    expect(await facts(asked, 500, "internal_error")).toEqual({});
    const { body } = await asked;
    expect(JSON.stringify(body)).not.toMatch(/secret|TypeError|\.ts|stack/);
    expect(log).toHaveBeenCalledOnce();
    const line: Json = JSON.parse(String(log.mock.calls[0]?.[0]));
    const request_id = (await asked).headers.get("x-request-id");
    expect(line).toMatchObject({ event: "internal_error", request_id, route: "/v1/pools/:pool", error: "TypeError" });
    expect(line["stack"]).toContain("problems.test.ts");
    expect(String(log.mock.calls[0]?.[0])).not.toContain("a secret of the inside");
  });
});

describe("the Idempotency-Key header", () => {
  const writes: readonly (readonly [path: string, body: Json])[] = [
    ["/funds", { tokens: 5 }],
    ["/agents/a/reopen", {}],
    ["/agents/a/reset", {}],
    ["/reservations", { agent: "a", tokens: 5 }],
    ["/usage", { agent: "a", tokens: 5 }],
    ["/reallocations", { agent: "a", tokens: 5 }],
  ];

  it.each(writes)("is another name for the id of POST %s, bare or quoted", async (path, body) => {
    const pool = await newPool({ budget: 9_000 }, { a: {} });
    const first = await must(post(pool + path, body, { "idempotency-key": "key-1" }));
    expect(first).toMatchObject({ id: "key-1" });
    expect(first).not.toHaveProperty("replayed");
    const repeats = [
      post(pool + path, body, { "idempotency-key": '"key-1"' }),
      post(pool + path, { ...body, id: "key-1" }, { "idempotency-key": "key-1" }),
      post(pool + path, { ...body, id: "key-1" }, { "idempotency-key": '"key-1"' }),
      post(pool + path, { ...body, id: "key-1" }),
    ];
    for (const repeat of repeats) expect(await must(repeat)).toEqual({ ...first, replayed: true });
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({ seq: first["seq"] });
  });

  it.each(writes)("must not differ from the id in the body of POST %s", async (path, body) => {
    const pool = await newPool({ budget: 9_000 }, { a: {} });
    const asked = post(pool + path, { ...body, id: "key-1" }, { "idempotency-key": "key-2" });
    const { errors } = await facts(asked, 400, "invalid_request");
    expect(errors).toEqual([{ field: "/id", message: "differs from the Idempotency-Key header" }]);
    expect(await must(api("GET", `${pool}/report`))).toMatchObject({ seq: 2 });
  });

  it("is refused where it is no id", async () => {
    const pool = await newPool({}, { a: {} });
    const asked = post(`${pool}/usage`, { agent: "a", tokens: 5 }, { "idempotency-key": "not an id" });
    expect(await facts(asked, 400, "invalid_request")).toMatchObject({ errors: [{ field: "Idempotency-Key" }] });
  });
});

describe("of several reasons to refuse", () => {
  it("the first in the documented order is given", async () => {
    const pool = await newPool({}, { a: { confidence_threshold: 0.5 } });
    await must(post(`${pool}/usage`, { agent: "a", tokens: 1, confidence: 1, id: "u" }));
    const usd = { agent: "ghost", microusd: 5, id: "u" };
    await facts(post(`${newPath()}/reservations`, usd), 404, "pool_not_found");
    await facts(post(`${pool}/reservations`, usd), 422, "unit_mismatch");
    await facts(post(`${pool}/reservations`, { agent: "ghost", tokens: 5, id: "u" }), 422, "id_reused");
    await facts(post(`${pool}/reservations`, { agent: "ghost", tokens: 5 }), 404, "agent_not_found");
    await facts(post(`${pool}/reservations`, { agent: "a", tokens: 5_000 }), 402, "confidence_reached");
  });
});

describe("keys", () => {
  it("are 403 forbidden where their scope, pool or agent does not reach", async () => {
    const pool = await newPool({}, { a: {} });
    const token = await keyOf({ scope: "read" });
    expect(await facts(api("DELETE", pool, { token }), 403, "forbidden")).toEqual({});
    await facts(api("GET", "/v1/tenants"), 403, "forbidden");
    await facts(api("GET", pool, { token: operatorToken() }), 403, "forbidden");
  });

  it("are 401 key_revoked once they are revoked", async () => {
    const tenant = newTenant();
    await must(api("PUT", "/v1/pools/p", { tenant, body: {} }));
    const { key, key_id } = await must(api("POST", "/v1/keys", { tenant, body: { scope: "read" } }));
    await must(api("GET", "/v1/pools/p", { token: String(key) }));
    await must(api("DELETE", `/v1/keys/${String(key_id)}`, { tenant }));
    const asked = api("GET", "/v1/pools/p", { token: String(key) });
    expect(await facts(asked, 401, "key_revoked")).toEqual({});
  });

  it("and tenants are 404 where there are none by that name", async () => {
    expect(await facts(api("DELETE", "/v1/keys/none"), 404, "key_not_found")).toEqual({ key_id: "none" });
    expect(await facts(api("GET", "/v1/prices/none"), 404, "price_not_found")).toEqual({ model: "none" });
    const asked = api("POST", "/v1/tenants/nobody/keys", { token: operatorToken(), body: {} });
    expect(await facts(asked, 404, "tenant_not_found")).toEqual({ tenant: "nobody" });
  });

  it("are 429 rate_limited when they hurry, with when to come back, and no object is asked", async () => {
    const asked: string[] = [];
    const bindings: Partial<Env> = {
      KEY_RATE: { limit: async ({ key }) => ({ success: asked.push(key) < 2 }) },
    };
    const pool = await newPool();
    await must(api("GET", pool, { bindings }));
    const refused = api("GET", pool, { bindings });
    expect(await facts(refused, 429, "rate_limited")).toEqual({});
    expect((await refused).headers.get("retry-after")).toBe("10");
    expect(asked).toEqual(["key-of-the-tests", "key-of-the-tests"]);
  });

  it("are answered when the shield against haste is broken", async () => {
    const limit = async (): Promise<never> => {
      throw new SyntaxError("Unexpected end of JSON input");
    };
    await must(api("GET", await newPool(), { bindings: { KEY_RATE: { limit } } }));
  });
});

describe("all of the above", () => {
  it("has shown every code that a caller can meet", () => {
    const door = [
      ["invalid_request", "unauthorized", "route_not_found", "method_not_allowed", "body_too_large"],
      ["unsupported_media_type", "misconfigured", "unavailable", "overloaded", "internal_error"],
      ["forbidden", "rate_limited"],
    ].flat();
    // The gateway's own are shown where the gateway is tested, and a key that expires in line where waiting is.
    const here = refusalCodes.filter((code) => code !== "model_not_priced" && code !== "key_expired");
    expect([...seen].toSorted()).toEqual([...here, ...door].toSorted());
  });
});
