/** A pool's figures as a monitor reads them: in Prometheus' text format, and the same that the report gives. */
import { describe, expect, it } from "vitest";
import { api, type Json, must, newPool, newTenant } from "./api.ts";

type Scraped = {
  readonly types: ReadonlyMap<string, string>;
  readonly samples: ReadonlyMap<string, number>;
};

/** Reads the format strictly: every line, help before type before samples, each metric in one group, no sample twice. */
function scrape(text: string): Scraped {
  const types = new Map<string, string>();
  const samples = new Map<string, number>();
  let current = "";
  let helped = "";
  expect(text.endsWith("\n")).toBe(true);
  for (const line of text.slice(0, -1).split("\n")) {
    const [, help] = /^# HELP ([a-z_]+) [^\n\\]+$/.exec(line) ?? [];
    const [, name, kind = ""] = /^# TYPE ([a-z_]+) (counter|gauge)$/.exec(line) ?? [];
    if (help !== undefined) {
      helped = help;
    } else if (name !== undefined) {
      expect(name).toBe(helped);
      expect(types.has(name)).toBe(false);
      expect(name.endsWith("_total") ? kind : "gauge").toBe(kind);
      types.set(name, kind);
      current = name;
    } else {
      const [, of, labels, value] =
        /^([a-z_]+)\{((?:[a-z_]+="[^"\\\n]*",?)*)\} (-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(line) ?? [];
      expect(of, line).toBe(current);
      expect(samples.has(`${of}{${labels}}`), line).toBe(false);
      samples.set(`${of}{${labels}}`, Number(value));
    }
  }
  return { types, samples };
}

async function metrics(pool: string): Promise<Scraped> {
  const reply = await api("GET", `${pool}/metrics`);
  expect(reply.status).toBe(200);
  expect(reply.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(reply.headers.get("cache-control")).toBe("no-store");
  return scrape(String(reply.body["text"]));
}

const reserve = (pool: string, body: Json) => api("POST", `${pool}/reservations`, { body });

describe("metrics of a tenant", () => {
  it("are those of its pools, in pages, whatever they count, and of nobody else's", async () => {
    const tenant = newTenant();
    for (const [name, unit] of [["a", "tokens"] as const, ["b", "microusd"] as const, ["c", "tokens"] as const]) {
      await must(api("PUT", `/v1/pools/${name}`, { tenant, body: { unit, budget: 100 } }));
    }
    const of = async (query: string): Promise<string[]> => {
      const { status, body } = await api("GET", `/v1/metrics${query}`, { tenant });
      expect(status).toBe(200);
      return [...scrape(String(body["text"])).samples.keys()].filter((key) => key.includes("_total_"));
    };
    const [a, b, c] = ["a", "b", "c"].map(
      (pool) => `bursar_pool_total_${pool === "b" ? "microusd" : "tokens"}{pool="${pool}"}`,
    );
    expect(new Set(await of(""))).toEqual(new Set([a, b, c]));
    expect(await of("?limit=1")).toEqual([a]);
    expect(await of("?after=b")).toEqual([c]);
    const none = await api("GET", "/v1/metrics", { tenant: newTenant() });
    expect(none).toMatchObject({ status: 200, body: {} });
  });
});

describe("metrics", () => {
  it("are the figures of the report, and what was refused", async () => {
    const pool = await newPool({ budget: 5_000 }, { a: { priority: 2, confidence_threshold: 0.9 }, "b.c:1": {} });
    const name = pool.split("/").at(-1);
    await must(reserve(pool, { agent: "a", tokens: 700, id: "r" }));
    await must(api("POST", `${pool}/reservations/r/commit`, { body: { tokens: 600, confidence: 0.95 } }));
    await must(reserve(pool, { agent: "b.c:1", tokens: 40, id: "s" }));
    await must(api("POST", `${pool}/usage`, { body: { agent: "b.c:1", tokens: 20_000, id: "u" } }));
    expect((await reserve(pool, { agent: "a", tokens: 1 })).status).toBe(402);
    for (const tokens of [100_000, 200_000]) {
      expect((await reserve(pool, { agent: "b.c:1", tokens })).status).toBe(402);
    }
    // An agent that is not there has no line: strangers' names would pile up.
    expect((await reserve(pool, { agent: "nobody", tokens: 1 })).status).toBe(404);

    const { samples } = await metrics(pool);
    const report = await must(api("GET", `${pool}/report`));
    const of = (figure: string, labels: string) => samples.get(`bursar_${figure}{pool="${name}"${labels}}`);
    expect(of("pool_total_tokens", "")).toBe(report["total"]);
    expect(of("pool_unallocated_tokens", "")).toBe(report["unallocated"]);
    expect(of("pool_events_total", "")).toBe(report["seq"]);
    expect(of("pool_consumed_tokens_total", "")).toBe(20_600);
    expect(of("pool_held_tokens", "")).toBe(40);
    expect(of("pool_open_reservations", "")).toBe(1);
    expect(of("pool_waiting_reserves", "")).toBe(0);
    const agents = Object.entries(report["agents"] as Record<string, Json>);
    expect(agents.map(([agent]) => agent)).toEqual(["a", "b.c:1"]);
    for (const [agent, view] of agents) {
      const labels = `,agent="${agent}"`;
      for (const figure of ["allocated", "held", "available", "min_reserve", "overage"]) {
        expect(of(`agent_${figure}_tokens`, labels), figure).toBe(view[figure]);
      }
      expect(of("agent_consumed_tokens_total", labels)).toBe(view["consumed"]);
      expect(of("agent_gate_closed", labels)).toBe(view["gate"] === "closed" ? 1 : 0);
    }
    expect(of("agent_overage_tokens", ',agent="b.c:1"')).toBeGreaterThan(0);
    expect(of("agent_gate_closed", ',agent="a"')).toBe(1);
    expect(of("agent_refusals_total", ',agent="a",code="confidence_reached"')).toBe(1);
    expect(of("agent_refusals_total", ',agent="b.c:1",code="budget_exceeded"')).toBe(2);
    expect([...samples.keys()].filter((key) => key.includes("nobody"))).toEqual([]);
  });

  it("count dollars under names that say so, and leave out what has no sample", async () => {
    const pool = await newPool({ unit: "microusd", budget: 9_000_000_000_000 });
    const { types, samples } = await metrics(pool);
    const name = pool.split("/").at(-1);
    expect(samples.get(`bursar_pool_total_microusd{pool="${name}"}`)).toBe(9_000_000_000_000);
    expect([...types.keys()].filter((key) => key.includes("tokens") || key.includes("agent"))).toEqual([]);
  });

  it("shows who waits in line, and keeps what an agent that left has consumed", async () => {
    const pool = await newPool({}, { a: { max_tokens: 100, min_reserve: 0 }, gone: {} });
    const name = pool.split("/").at(-1);
    await must(api("POST", `${pool}/usage`, { body: { agent: "gone", tokens: 30, id: "u" } }));
    await must(api("DELETE", `${pool}/agents/gone`));
    const waits = reserve(pool, { agent: "a", tokens: 100_000, wait_ms: 300 });
    let waiting: number | undefined;
    for (let looks = 0; looks < 100 && waiting !== 1; looks += 1) {
      waiting = (await metrics(pool)).samples.get(`bursar_pool_waiting_reserves{pool="${name}"}`);
    }
    expect(waiting).toBe(1);
    expect((await waits).status).toBe(402);
    const { samples } = await metrics(pool);
    expect(samples.get(`bursar_pool_consumed_tokens_total{pool="${name}"}`)).toBe(30);
    expect([...samples.keys()].filter((key) => key.includes('agent="gone"'))).toEqual([]);
  });

  it("of a pool that isn't there are a problem like any other", async () => {
    const reply = await api("GET", "/v1/pools/nowhere/metrics");
    expect(reply).toMatchObject({ status: 404, body: { code: "pool_not_found" } });
  });
});
