import { describe, expect, it } from "vitest";
import { type PlainCommand, record, reserve, Stage } from "./stage.ts";

const total = 1e15;

const fund = (id: string, amount: number) => ({ op: "fund", id, amount }) as const;

describe("configure, the first", () => {
  it("creates a pool with the documented defaults", () => {
    expect(new Stage().does({ op: "configure" })).toMatchObject({
      unit: "tokens",
      budget: null,
      equal_priority_donates: true,
      default_ttl_ms: 120_000,
      journal_refusals: false,
      total: 0,
      unallocated: 0,
    });
  });

  it("takes what it is told", () => {
    const settings = {
      unit: "microusd",
      budget: 500,
      equal_priority_donates: false,
      default_ttl_ms: 5_000,
      journal_refusals: true,
    } as const;
    expect(new Stage().does({ op: "configure", ...settings })).toMatchObject({
      ...settings,
      total: 500,
      unallocated: 500,
    });
  });

  it.each<PlainCommand>([
    fund("f", 1),
    { op: "register", agent: "writer", priority: 1, max: 1 },
    { op: "close", agent: "writer" },
    { op: "reopen", agent: "writer", id: "x" },
    { op: "reset", agent: "writer", id: "x" },
    reserve("writer", 1),
    { op: "commit", id: "a", amount: 1 },
    { op: "release", id: "a" },
    { op: "extend", id: "a", ttl_ms: 1_000 },
    record("writer", 1),
    { op: "reallocate", id: "m", agent: "writer", amount: 1 },
  ])("is what $op needs before it", (command) => {
    expect(new Stage().isRefused(command)).toEqual({ code: "pool_not_found" });
  });
});

describe("configure, again", () => {
  it("changes what it names and keeps the rest", () => {
    const stage = Stage.with({ budget: 500, equal_priority_donates: false });
    expect(stage.does({ op: "configure", default_ttl_ms: 5_000 })).toMatchObject({
      budget: 500,
      equal_priority_donates: false,
      default_ttl_ms: 5_000,
      total: 500,
    });
    expect(stage.does({ op: "configure", equal_priority_donates: true })).toMatchObject({ default_ttl_ms: 5_000 });
  });

  it("is no event when nothing changes", () => {
    const stage = Stage.with({ budget: 500 }, { writer: { max: 300 } });
    stage.does(fund("f", 100));
    const steps = stage.events.length;
    expect(stage.does({ op: "configure", budget: 500, unit: "tokens" })).toMatchObject({
      unallocated: 300,
      total: 600,
    });
    stage.does({ op: "configure" });
    expect(stage.events.length).toBe(steps);
  });

  it("sets a price for models that have none, keeps it, and takes it away", () => {
    const stage = Stage.with({ unit: "microusd", fallback_price: { input: 1, output: 2 } });
    const price = () => stage.pool.settings?.fallback_price;
    expect(price()).toEqual({ input: 1, output: 2 });
    stage.does({ op: "configure", unit: "microusd", default_ttl_ms: 5_000 });
    expect(price()).toEqual({ input: 1, output: 2 });
    stage.does({ op: "configure", unit: "microusd", fallback_price: { input: 3, output: 4 } });
    expect(price()).toEqual({ input: 3, output: 4 });
    stage.does({ op: "configure", unit: "microusd", fallback_price: null });
    expect(price()).toBeNull();
  });

  it("can't change the unit", () => {
    const stage = Stage.with({});
    stage.isRefused({ op: "configure", unit: "microusd" });
    expect(stage.does({ op: "configure" })).toMatchObject({ unit: "tokens" });
  });

  it("can neither add nor remove a budget", () => {
    expect(Stage.with({}).isRefused({ op: "configure", budget: 500 })).toMatchObject({
      code: "contract_conflict",
      field: "budget",
    });
    expect(Stage.with({}).isRefused({ op: "configure", budget: 0 })).toMatchObject({ code: "contract_conflict" });
    expect(Stage.with({ budget: 0 }).isRefused({ op: "configure", budget: null })).toMatchObject({
      code: "contract_conflict",
      field: "budget",
    });
  });

  it("moves the unallocated budget by what the budget changes", () => {
    const stage = Stage.with({ budget: 1_000 }, { writer: { max: 700 } });
    stage.does(fund("f", 200));
    expect(stage.does({ op: "configure", budget: 1_300 })).toMatchObject({ unallocated: 800, total: 1_500 });
    expect(stage.does({ op: "configure", budget: 500 })).toMatchObject({ unallocated: 0, total: 700 });
    expect(stage.isRefused({ op: "configure", budget: 499 })).toMatchObject({
      code: "contract_conflict",
      needed: 1,
      obtainable: 0,
    });
    expect(stage.agent("writer").allocated).toBe(700);
  });
});

describe("fund", () => {
  it("adds to unallocated budget and total, and takes out again", () => {
    const stage = Stage.with({ budget: 500 });
    expect(stage.does(fund("f1", 200))).toMatchObject({ id: "f1", amount: 200, unallocated: 700, total: 700 });
    expect(stage.does(fund("f2", -650))).toMatchObject({ amount: -650, unallocated: 50, total: 50 });
    expect(stage.does(fund("f3", -50))).toMatchObject({ unallocated: 0, total: 0 });
  });

  it("can't take out more than the unallocated budget", () => {
    const stage = Stage.with({ budget: 500 }, { writer: { max: 400 } });
    expect(stage.isRefused(fund("f", -101))).toMatchObject({
      code: "contract_conflict",
      needed: 101,
      obtainable: 100,
    });
  });

  it("works in a pool without budget, for whoever falls short first", () => {
    const stage = Stage.with({}, { writer: { max: 100 } });
    stage.does(fund("f", 50));
    expect(stage.does(reserve("writer", 120)).transfers).toEqual([{ from: null, amount: 20 }]);
    expect(stage.does({ op: "configure" })).toMatchObject({ unallocated: 30, total: 150 });
  });

  it("runs once for an id, and answers with total and unallocated as of now", () => {
    const stage = Stage.with({ budget: 0 });
    const first = stage.does(fund("f1", 200));
    stage.does(fund("f2", 50));
    expect(stage.does(fund("f1", 200))).toEqual({ ...first, total: 250, unallocated: 250, replayed: true });
  });

  it("is id_reused with another amount, or where the id was another operation's", () => {
    const stage = Stage.with({ budget: 500 }, { writer: { max: 100 } });
    stage.does(fund("f", 200));
    expect(stage.isRefused(fund("f", 201))).toEqual({ code: "id_reused", id: "f", field: "amount" });
    expect(stage.isRefused(fund("f", -900))).toEqual({ code: "id_reused", id: "f", field: "amount" });
    stage.does(record("writer", 200, { id: "u" }));
    expect(stage.isRefused(fund("u", 200))).toEqual({ code: "id_reused", id: "u", field: "op" });
  });
});

describe("a pool's total", () => {
  const limit = { code: "limit_reached", limit: "total", maximum: total };

  it("stops at 10^15 when funded", () => {
    const stage = Stage.with({ budget: total - 100 });
    expect(stage.isRefused(fund("f", 101))).toEqual(limit);
    expect(stage.does(fund("f", 100))).toMatchObject({ total, unallocated: total });
  });

  it("stops at 10^15 when the budget is raised", () => {
    const stage = Stage.with({ budget: 0 });
    expect(stage.isRefused({ op: "configure", budget: total + 1 })).toEqual(limit);
    expect(stage.does({ op: "configure", budget: total })).toMatchObject({ total });
  });

  it("stops at 10^15 when the pool is created", () => {
    expect(new Stage().isRefused({ op: "configure", budget: total + 1 })).toEqual(limit);
    expect(new Stage().does({ op: "configure", budget: total })).toMatchObject({ total });
  });

  it("stops at 10^15 when a contract would issue beyond it", () => {
    const stage = Stage.with({}, { writer: { max: total - 100 } });
    expect(stage.isRefused({ op: "register", agent: "critic", priority: 1, max: 101 })).toEqual(limit);
    stage.does({ op: "register", agent: "critic", priority: 1, max: 100 });
    expect(stage.isRefused({ op: "register", agent: "critic", priority: 1, max: 101 })).toEqual(limit);
  });

  it("stops at 10^15 when a reset would issue beyond it", () => {
    const stage = Stage.with({}, { critic: { max: total / 2 }, planner: { priority: 5, max: total / 2 } });
    stage.does({ op: "reallocate", id: "m", agent: "planner", amount: 100 });
    expect(stage.isRefused({ op: "reset", agent: "critic", id: "x" })).toEqual(limit);
    stage.does({ op: "reset", agent: "planner", id: "y" });
    expect(stage.does({ op: "reset", agent: "critic", id: "x" }).agent).toMatchObject({ allocated: total / 2 });
  });
});

describe("amounts in the other unit", () => {
  it.each<PlainCommand>([
    { op: "fund", id: "x", amount: 1, unit: "microusd" },
    { op: "register", agent: "writer", priority: 1, max: 1_000, unit: "microusd" },
    { op: "register", agent: "new", priority: 1, max: 1, parent: "nobody", unit: "microusd" },
    { op: "reserve", id: "x", agent: "nobody", amount: 1, unit: "microusd" },
    { op: "commit", id: "x", amount: 1, unit: "microusd" },
    { op: "record", id: "x", agent: "nobody", amount: 1, unit: "microusd" },
    { op: "reallocate", id: "x", agent: "nobody", amount: 1, unit: "microusd" },
  ])("are unit_mismatch for $op, before anything else is looked at", (command) => {
    const stage = Stage.with({}, { writer: {} });
    stage.does({ op: "reopen", agent: "writer", id: "x" });
    expect(stage.isRefused(command)).toEqual({
      code: "unit_mismatch",
      pool_unit: "tokens",
      given_unit: "microusd",
    });
  });

  it("are taken by a pool that counts it", () => {
    const stage = Stage.with({ unit: "microusd" });
    stage.does({ op: "register", agent: "writer", priority: 1, max: 100, unit: "microusd" });
    stage.does(reserve("writer", 100, { unit: "microusd" }));
    expect(stage.isRefused(reserve("writer", 1))).toMatchObject({ code: "unit_mismatch", pool_unit: "microusd" });
  });
});

describe("journal_refusals", () => {
  it("writes refusals to the journal, and they change nothing", () => {
    const stage = Stage.with({ journal_refusals: true }, { writer: { max: 100 } });
    const before = stage.agent("writer");
    expect(stage.tries(reserve("writer", 101))).toMatchObject({ ok: false });
    expect(stage.events.at(-1)).toEqual({
      type: "refused",
      at: stage.now,
      op: "reserve",
      agent: "writer",
      code: "budget_exceeded",
    });
    expect(stage.agent("writer")).toEqual(before);
  });

  it("is off unless asked for", () => {
    const stage = Stage.with({}, { writer: { max: 100 } });
    const steps = stage.events.length;
    stage.isRefused(reserve("writer", 101));
    expect(stage.events.length).toBe(steps);
  });
});
