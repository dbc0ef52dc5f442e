import { describe, expect, it } from "vitest";
import { limits } from "../../src/protocol/limits.ts";
import { record, reserve, Stage } from "./stage.ts";

const hour = 3_600_000;
const hourly = { every: "hours", hours: 1 } as const;

describe("a pool that is refilled", () => {
  it("begins with its budget again: nobody has consumed anything, and all have what their contracts give", () => {
    const stage = Stage.with({ budget: 1_000, refill: hourly }, { a: { max: 400 }, b: { max: 100 } });
    stage.does(record("a", 700));
    stage.does({ op: "fund", id: "f", amount: 50 });
    stage.waits(hour);
    expect(stage.agent("a")).toMatchObject({ allocated: 400, consumed: 0, available: 400 });
    expect(stage.agent("b")).toMatchObject({ allocated: 100, consumed: 0 });
    expect(stage.pool).toMatchObject({ total: 1_000, unallocated: 500, consumed: 0 });
    expect(stage.pool.period).toEqual({ number: 2, starts_at: 1_000_000 + hour, ends_at: 1_000_000 + 2 * hour });
  });

  it("ends nothing that is open: it is booked to the period in which it commits", () => {
    const stage = Stage.with({ budget: 1_000, refill: hourly }, { a: { max: 400 } });
    stage.does(reserve("a", 400, { id: "r", ttl_ms: 3 * hour }));
    stage.waits(hour);
    expect(stage.agent("a")).toMatchObject({ allocated: 400, held: 400, available: 0 });
    stage.does({ op: "commit", id: "r", amount: 300 });
    expect(stage.agent("a")).toMatchObject({ consumed: 300, available: 100 });
    expect(stage.pool.consumed).toBe(300);
  });

  it("books what expiry charges before its end to the period of then, and a late commit only beyond it", () => {
    const stage = Stage.with({ budget: 1_000, refill: hourly }, { a: { max: 400 } });
    stage.does(reserve("a", 100, { id: "r", ttl_ms: hour, on_expiry: "charge" }));
    stage.waits(hour);
    const order = stage.events.slice(-2).map(({ type }) => type);
    expect(order).toEqual(["expired", "period_started"]);
    expect(stage.events.at(-1)).toMatchObject({ ended: { consumed: 100 } });
    stage.does({ op: "commit", id: "r", amount: 120 });
    expect(stage.agent("a")).toMatchObject({ consumed: 20 });
  });

  it("has one period for those that nobody saw, and none again when the clock steps back", () => {
    const stage = Stage.with({ budget: 1_000, refill: hourly });
    stage.waits(5 * hour + 1);
    expect(stage.pool.period).toMatchObject({ number: 2, starts_at: 1_000_000 + 5 * hour });
    const events = stage.events.length;
    stage.waits(-3 * hour);
    stage.waits(3 * hour);
    expect(stage.events.slice(events)).toMatchObject([{ type: "clock_corrected", by: 3 * hour }]);
    expect(stage.pool.period).toMatchObject({ number: 2, ends_at: 1_000_000 + 6 * hour });
  });

  it.each(["pool", "agent"])(
    "of the %s does not end before it starts, whatever rule follows after a clock was ahead",
    (whose) => {
      const daily = { every: "day" } as const;
      const stage = Stage.with({ budget: 1_000, refill: daily }, { a: { max: 100, refill: daily } });
      const period = () => (whose === "pool" ? stage.pool.period : stage.pool.agents.get("a")?.period);
      stage.waits(5 * 24 * hour);
      stage.waits(-4 * 24 * hour);
      const starts_at = period()?.starts_at ?? 0;
      expect(starts_at).toBeGreaterThan(stage.now);
      stage.does({ op: "configure", refill: hourly });
      stage.does({ op: "register", agent: "a", priority: 1, max: 100, refill: hourly });
      expect(period()).toMatchObject({ starts_at });
      expect(period()?.ends_at ?? 0).toBeGreaterThan(starts_at);
    },
  );

  it("carries what its rollover says, into the unallocated budget", () => {
    const after = (rollover: object): number => {
      const stage = Stage.with({ budget: 1_000, refill: { ...hourly, ...rollover } }, { a: { max: 400 } });
      stage.does(record("a", 100));
      stage.waits(hour);
      expect(stage.pool.total).toBe(stage.pool.unallocated + 400);
      return stage.pool.total;
    };
    expect(after({})).toBe(1_000);
    expect(after({ rollover: "unspent" })).toBe(1_900);
    expect(after({ rollover: "capped", rollover_cap: 250 })).toBe(1_250);
    expect(after({ rollover: "capped", rollover_cap: 5_000 })).toBe(1_900);
  });

  it("issues what contracts give where it has no budget", () => {
    const stage = Stage.with({ refill: { ...hourly, rollover: "unspent" } }, { a: { max: 400 }, b: { max: 100 } });
    stage.does(record("a", 100));
    stage.waits(hour);
    expect(stage.pool).toMatchObject({ total: 900, unallocated: 400, consumed: 0 });
  });

  it("carries no further than a pool may grow", () => {
    const rolling = { ...hourly, rollover: "unspent" } as const;
    const stage = Stage.with({ refill: rolling }, { a: { max: limits.total } });
    stage.waits(hour);
    expect(stage.pool).toMatchObject({ total: limits.total, unallocated: 0 });
  });

  it("gives to the important first where contracts come to more than the budget", () => {
    const stage = Stage.with({ budget: 100, refill: hourly });
    stage.does({ op: "fund", id: "f", amount: 400 });
    for (const [agent, priority] of [["low", 1] as const, ["high", 9] as const]) {
      stage.does({ op: "register", agent, priority, max: 80 });
    }
    stage.waits(hour);
    expect(stage.agent("high").allocated).toBe(80);
    expect(stage.agent("low").allocated).toBe(20);
  });

  it("leaves gates closed and pauses in force: time alone makes no new task", () => {
    const stage = Stage.with({ budget: 2_000, refill: hourly }, { a: { confidence_threshold: 0.8 }, b: {} });
    stage.does(record("a", 1, { confidence: 0.9 }));
    stage.does({ op: "pause", agent: "b" });
    stage.waits(hour);
    expect(stage.isRefused(reserve("a", 1)).code).toBe("confidence_reached");
    expect(stage.isRefused(reserve("b", 1)).code).toBe("paused");
  });

  it("begins a period by command once, however often it is repeated, and keeps the end it had", () => {
    const stage = Stage.with({ budget: 1_000, refill: hourly });
    stage.waits(600_000);
    const { period } = stage.does({ op: "reset_period", id: "p" });
    expect(period).toEqual({ number: 2, starts_at: stage.now, ends_at: 1_000_000 + hour });
    expect(stage.does({ op: "reset_period", id: "p" })).toMatchObject({ replayed: true, period });
    expect(stage.isRefused({ op: "fund", id: "p", amount: 1 })).toMatchObject({ code: "id_reused", field: "op" });
  });

  it("goes on with its numbers when its rule is taken away and set again", () => {
    const stage = Stage.with({ budget: 1_000, refill: hourly });
    stage.waits(hour);
    stage.does({ op: "configure", refill: null });
    stage.waits(5 * hour);
    expect(stage.pool.period).toMatchObject({ number: 2, ends_at: null });
    stage.does({ op: "configure", refill: { every: "hours", hours: 2 } });
    expect(stage.pool.period).toMatchObject({ number: 2, ends_at: stage.now + 2 * hour });
    stage.waits(2 * hour);
    expect(stage.pool.period).toMatchObject({ number: 3 });
  });
});

describe("an agent with periods of its own", () => {
  it("is refilled out of the pool's budget, which still bounds the sum", () => {
    const stage = Stage.with({ budget: 1_000 }, { a: { max: 400, refill: hourly } });
    for (const unallocated of [600, 200, 0, 0]) {
      expect(stage.pool.unallocated).toBe(unallocated);
      const { available } = stage.agent("a");
      if (available > 0) stage.does(record("a", available));
      stage.waits(hour);
    }
    // 400, 400, and the 200 that were left: a thousand, and not one token more.
    expect(stage.pool.consumed).toBe(1_000);
    expect(stage.isRefused(reserve("a", 1)).code).toBe("budget_exceeded");
  });

  it("gives back at its end what it was lent and did not use", () => {
    const stage = Stage.with({ budget: 1_000 }, { a: { max: 100, refill: hourly }, b: { max: 300, min_reserve: 0 } });
    stage.does({ op: "reallocate", id: "m", agent: "a", amount: 700 });
    stage.waits(hour);
    expect(stage.agent("a").allocated).toBe(100);
    expect(stage.pool.total).toBe(1_000);
  });

  it("books what a sub-agent used to its parent", () => {
    const stage = Stage.with({}, { boss: { max: 1_000 }, sub: { max: 100, parent: "boss", refill: hourly } });
    stage.does(record("sub", 60));
    stage.waits(hour);
    expect(stage.agent("sub")).toMatchObject({ allocated: 100, consumed: 0 });
    expect(stage.agent("boss")).toMatchObject({ allocated: 900, consumed: 60 });
  });

  it("is filled no further than its parent has left, once that has taken over what nothing paid for", () => {
    const stage = Stage.with(
      {},
      { boss: { max: 150, priority: 5 }, sub: { max: 100, parent: "boss", refill: hourly } },
    );
    stage.does(record("sub", 130));
    stage.waits(hour);
    expect(stage.agent("sub")).toMatchObject({ allocated: 20, consumed: 0 });
    expect(stage.agent("boss")).toMatchObject({ allocated: 130, consumed: 130, available: 0 });
  });

  it("is filled no further than a pool may grow", () => {
    const stage = Stage.with({}, { a: { max: limits.total, refill: hourly } });
    stage.does(record("a", 60));
    stage.waits(hour);
    expect(stage.agent("a")).toMatchObject({ allocated: limits.total - 60, consumed: 0 });
    expect(stage.pool.total).toBe(limits.total);
  });

  it("has in its journal what the period came to that ended", () => {
    const stage = Stage.with({}, { a: { max: 100, refill: hourly } });
    stage.does(record("a", 60));
    stage.does(reserve("a", 30, { ttl_ms: 2 * hour }));
    stage.waits(hour);
    expect(stage.events.at(-1)).toEqual({
      type: "agent_period_started",
      at: 1_000_000 + hour,
      agent: "a",
      number: 2,
      starts_at: 1_000_000 + hour,
      ends_at: 1_000_000 + 2 * hour,
      allocated: 60,
      source: "issued",
      ended: {
        number: 1,
        starts_at: 1_000_000,
        ended_at: 1_000_000 + hour,
        allocated: 100,
        consumed: 60,
        held: 30,
      },
    });
  });

  it("takes its periods with it when it leaves", () => {
    const stage = Stage.with({}, { a: { refill: hourly } });
    stage.does({ op: "close", agent: "a" });
    expect(stage.pool.periodsEndAt).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("a refusal", () => {
  it("says when a refill will help, be it the agent's or the pool's", () => {
    const refill = { every: "hours", hours: 5 } as const;
    const stage = Stage.with({ budget: 1_000, refill }, { a: { max: 100, refill: hourly, ceiling: 500 } });
    stage.does(record("a", 500));
    // Its own refill brings 100 and what may be lent up to its ceiling; the pool has 500 left by then.
    expect(stage.isRefused(reserve("a", 100))).toMatchObject({ resets_at: 1_000_000 + hour, retry_after_ms: hour });
    stage.does(record("a", 400));
    expect(stage.isRefused(reserve("a", 300))).toMatchObject({ resets_at: 1_000_000 + 5 * hour });
    expect(stage.isRefused(reserve("a", 501))).not.toHaveProperty("resets_at");
  });

  it("reckons with what an agent's refill takes out of the unallocated budget", () => {
    const stage = Stage.with({ budget: 1_000 }, { a: { max: 400, refill: hourly } });
    stage.does(record("a", 300));
    stage.does(reserve("a", 100, { ttl_ms: 2 * hour }));
    // By then it has its 400 again, and 300 of the unallocated budget's 600 are left.
    expect(stage.isRefused(reserve("a", 700))).toMatchObject({ resets_at: 1_000_000 + hour });
    expect(stage.isRefused(reserve("a", 701))).not.toHaveProperty("resets_at");
  });

  it("reckons with what a sub-agent's refill takes out of its parent's, and books to it", () => {
    const contracts = { boss: { max: 1_000, min_reserve: 0 }, sub: { max: 100, parent: "boss", refill: hourly } };
    const stage = Stage.with({}, contracts);
    stage.does(record("sub", 60));
    stage.does(reserve("sub", 40, { ttl_ms: 2 * hour }));
    // By then it has its 100 again, and its parent 900 less the 60.
    expect(stage.isRefused(reserve("sub", 940))).toMatchObject({ resets_at: 1_000_000 + hour });
    expect(stage.isRefused(reserve("sub", 941))).not.toHaveProperty("resets_at");
  });

  it("names the lease rather than the refill where that comes first and helps", () => {
    const stage = Stage.with({ budget: 100, refill: hourly }, { a: { max: 100 } });
    stage.does(reserve("a", 100, { ttl_ms: 1_000 }));
    expect(stage.isRefused(reserve("a", 50))).toMatchObject({ retry_after_ms: 1_000, resets_at: 1_000_000 + hour });
  });
});

describe("a final reserve", () => {
  it("is for a reserve that says it is final, and for no donor's recipient", () => {
    const stage = Stage.with({}, { a: { max: 100, final_reserve: 30, min_reserve: 10 }, b: { max: 10, priority: 5 } });
    expect(stage.isRefused(reserve("b", 81))).toMatchObject({ transferable: 70 });
    stage.does(reserve("a", 70));
    expect(stage.isRefused(reserve("a", 1))).toMatchObject({ available: 0, final_reserve: 30 });
    stage.does(reserve("a", 30, { final: true }));
  });

  it("is restored by transfers before anything else is granted, when a commit has used of it", () => {
    const stage = Stage.with({ budget: 1_000 }, { a: { max: 100, final_reserve: 30 } });
    stage.does(record("a", 90));
    stage.does(reserve("a", 10));
    expect(stage.agent("a").available).toBe(30);
  });

  it("is part of what an id stands for", () => {
    const stage = Stage.with({}, { a: {} });
    stage.does(reserve("a", 10, { id: "r", final: true }));
    expect(stage.isRefused(reserve("a", 10, { id: "r" }))).toMatchObject({ code: "id_reused", field: "final" });
  });
});

describe("a bound on reserves a minute", () => {
  it("counts what was granted in this minute of the clock, and nothing else", () => {
    const stage = Stage.with({}, { a: { max: 100, max_reserves_per_minute: 2, min_reserve: 0 } });
    stage.now = 60_000_000 + 15_000;
    stage.isRefused(reserve("a", 101));
    stage.does(reserve("a", 1, { id: "r" }));
    stage.does(reserve("a", 1));
    const refusal = { code: "too_many_reserves", max_reserves_per_minute: 2, retry_after_ms: 45_000 };
    expect(stage.isRefused(reserve("a", 1))).toMatchObject(refusal);
    // A repeat is answered as before; it is no new reserve.
    stage.does(reserve("a", 1, { id: "r" }));
    stage.waits(45_000);
    stage.does(reserve("a", 1));
  });
});
