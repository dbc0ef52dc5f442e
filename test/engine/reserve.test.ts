import { describe, expect, it } from "vitest";
import { lacksOnlyBudget } from "../../src/engine/decisions/reservation.ts";
import { record, reserve, Stage } from "./stage.ts";

describe("reserve, from the agent's own budget", () => {
  it("holds what is asked", () => {
    const stage = Stage.with({}, { writer: { max: 1_000 } });
    const held = stage.does(reserve("writer", 400, { id: "a" }));
    expect(held).toMatchObject({
      id: "a",
      state: "held",
      granted: 400,
      transfers: [],
      expires_at: stage.now + 120_000,
    });
    expect(stage.agent("writer")).toMatchObject({
      allocated: 1_000,
      held: 400,
      consumed: 0,
      remaining: 1_000,
      available: 600,
    });
  });

  it("admits exactly what is available, and not one more", () => {
    const stage = Stage.with({}, { writer: { max: 1_000 } });
    expect(stage.isRefused(reserve("writer", 1_001))).toMatchObject({ code: "budget_exceeded", available: 1_000 });
    stage.does(reserve("writer", 1_000));
    expect(stage.isRefused(reserve("writer", 1))).toMatchObject({ code: "budget_exceeded", available: 0 });
  });

  it("grants less, down to at_least, when less is all there is", () => {
    const stage = Stage.with({}, { writer: { max: 1_000 } });
    expect(stage.isRefused(reserve("writer", 5_000, { at_least: 1_001 }))).toMatchObject({ at_least: 1_001 });
    expect(stage.does(reserve("writer", 5_000, { at_least: 1 }))).toMatchObject({ granted: 1_000 });
  });

  it("never admits more than the pool's total, whatever an agent has on paper", () => {
    const stage = Stage.with({ equal_priority_donates: false }, { spender: { max: 100 }, saver: { max: 1_000 } });
    stage.does(record("spender", 600));
    expect(stage.agent("spender")).toMatchObject({ overage: 500, available: -500 });
    expect(stage.isRefused(reserve("saver", 501))).toMatchObject({ available: 1_000, headroom: 500 });
    stage.does(reserve("saver", 500));
  });

  it("cures an overage in the same step that it reserves", () => {
    const stage = Stage.with({ equal_priority_donates: true }, { donor: { priority: 1, max: 1_000 } });
    stage.does({ op: "register", agent: "boss", priority: 5, max: 100 });
    stage.does({ op: "register", agent: "donor", priority: 9, max: 1_000 });
    stage.does(record("boss", 300));
    expect(stage.agent("boss").overage).toBe(200);
    stage.does({ op: "register", agent: "donor", priority: 1, max: 1_000 });
    const held = stage.does(reserve("boss", 50));
    expect(held.transfers).toEqual([{ from: "donor", amount: 250 }]);
    expect(stage.agent("boss")).toMatchObject({ overage: 0, available: 0 });
  });
});

describe("reserve, from unallocated budget and donors", () => {
  it("takes the unallocated budget first, then exactly the shortfall from the least important", () => {
    const stage = Stage.with(
      { budget: 2_500 },
      {
        planner: { priority: 5 },
        critic: { priority: 1 },
      },
    );
    const held = stage.does(reserve("planner", 1_800));
    expect(held.transfers).toEqual([
      { from: null, amount: 500 },
      { from: "critic", amount: 300 },
    ]);
    expect(stage.agent("critic").allocated).toBe(700);
  });

  it("never takes a donor below its minimum reserve of what it has available", () => {
    const stage = Stage.with({}, { planner: { priority: 5 }, critic: { priority: 1, min_reserve: 400 } });
    stage.does(reserve("critic", 300));
    expect(stage.isRefused(reserve("planner", 1_301))).toMatchObject({ transferable: 300 });
    stage.does(reserve("planner", 1_300));
    expect(stage.agent("critic").available).toBe(400);
  });

  it("moves nothing when the donors together don't have enough", () => {
    const stage = Stage.with({}, { planner: { priority: 5 }, critic: { priority: 1 } });
    stage.isRefused(reserve("planner", 1_901));
    expect(stage.agent("critic").allocated).toBe(1_000);
  });

  it("never lets budget flow uphill, nor between equals where the pool says so", () => {
    const stage = Stage.with({ equal_priority_donates: false }, { critic: { priority: 1 }, twin: { priority: 1 } });
    stage.does({ op: "register", agent: "planner", priority: 5, max: 9_000 });
    expect(stage.isRefused(reserve("critic", 1_001))).toMatchObject({ transferable: 0 });
    stage.does({ op: "configure", equal_priority_donates: true });
    expect(stage.does(reserve("critic", 1_001)).transfers).toEqual([{ from: "twin", amount: 1 }]);
  });

  it("does not ask an agent that is closing", () => {
    const stage = Stage.with({}, { planner: { priority: 5 }, critic: { priority: 1 } });
    stage.does(reserve("critic", 10));
    stage.does({ op: "close", agent: "critic" });
    expect(stage.isRefused(reserve("planner", 1_001))).toMatchObject({ transferable: 0 });
  });

  it("stops at the recipient's ceiling", () => {
    const stage = Stage.with({}, { planner: { priority: 5, ceiling: 1_200 }, critic: { priority: 1 } });
    expect(stage.isRefused(reserve("planner", 1_201))).toMatchObject({ transferable: 200 });
    stage.does(reserve("planner", 1_200));
  });

  it("asks donors by priority, gate, use, idleness and name, in that order", () => {
    const contract = { priority: 2, max: 100, min_reserve: 0, confidence_threshold: 0.9 };
    const stage = Stage.with(
      {},
      {
        z: contract,
        idle: contract,
        a: contract,
        used: contract,
        gated: contract,
        lowest: { ...contract, priority: 1 },
        boss: { priority: 9, max: 0 },
      },
    );
    stage.waits(10);
    stage.does(record("z", 0));
    stage.does(record("a", 0));
    stage.does(record("used", 10));
    stage.does(record("gated", 50, { confidence: 0.9 }));
    const held = stage.does(reserve("boss", 540));
    expect(held.transfers.map(({ from }) => from)).toEqual(["lowest", "gated", "idle", "a", "z", "used"]);
  });
});

describe("reserve, refused in order of precedence", () => {
  const build = () =>
    Stage.with({}, { done: { confidence_threshold: 0.8 }, leaving: { max: 100 }, writer: { max: 100 } });

  it("pool_not_found comes first", () => {
    expect(new Stage().isRefused(reserve("nobody", 1, { unit: "microusd" }))).toEqual({ code: "pool_not_found" });
  });

  it("unit_mismatch before id_reused", () => {
    const stage = build();
    stage.does(reserve("writer", 10, { id: "x" }));
    expect(stage.isRefused(reserve("writer", 10, { id: "x", unit: "microusd" }))).toEqual({
      code: "unit_mismatch",
      pool_unit: "tokens",
      given_unit: "microusd",
    });
  });

  it.each([
    ["agent", { agent: "nobody" }],
    ["amount", { amount: 11 }],
    ["at_least", { at_least: 5 }],
    ["ttl_ms", { ttl_ms: 5_000 }],
    ["on_expiry", { on_expiry: "charge" }],
    ["metadata", { metadata: { run: "2" } }],
  ] as const)("id_reused names %s, before agent_not_found", (field, change) => {
    const stage = build();
    const first = reserve("writer", 10, { id: "x" });
    stage.does(first);
    expect(stage.isRefused({ ...first, ...change })).toEqual({ code: "id_reused", id: "x", field });
  });

  it("id_reused names the operation when the id was another one's", () => {
    const stage = build();
    stage.does(record("writer", 1, { id: "x" }));
    expect(stage.isRefused(reserve("writer", 1, { id: "x" }))).toEqual({ code: "id_reused", id: "x", field: "op" });
    stage.does(reserve("writer", 1, { id: "y" }));
    expect(stage.isRefused(record("writer", 1, { id: "y" }))).toEqual({ code: "id_reused", id: "y", field: "op" });
  });

  it("agent_not_found", () => {
    expect(build().isRefused(reserve("nobody", 1))).toEqual({ code: "agent_not_found", agent: "nobody" });
  });

  it("agent_closing before confidence_reached", () => {
    const stage = build();
    stage.does(reserve("done", 1));
    stage.does(record("done", 1, { confidence: 0.8 }));
    expect(stage.isRefused(reserve("done", 1))).toMatchObject({ code: "confidence_reached" });
    stage.does({ op: "close", agent: "done" });
    expect(stage.isRefused(reserve("done", 1))).toEqual({ code: "agent_closing", agent: "done" });
  });

  it("confidence_reached before budget_exceeded, with the facts", () => {
    const stage = build();
    stage.does(record("done", 1, { confidence: 0.85 }));
    expect(stage.isRefused(reserve("done", 1_000_000))).toEqual({
      code: "confidence_reached",
      agent: "done",
      confidence: 0.85,
      confidence_threshold: 0.8,
    });
  });

  it("budget_exceeded says when waiting for a lease can help", () => {
    const stage = Stage.with({ equal_priority_donates: false }, { writer: { max: 100 }, other: { max: 1_000 } });
    stage.does(reserve("writer", 60, { ttl_ms: 5_000 }));
    stage.waits(1_000);
    expect(stage.isRefused(reserve("writer", 90, { at_least: 80 }))).toEqual({
      code: "budget_exceeded",
      unit: "tokens",
      agent: "writer",
      asked: 90,
      at_least: 80,
      available: 40,
      transferable: 0,
      headroom: 1_040,
      potential: 100,
      retry_after_ms: 4_000,
    });
  });
});

describe("a reserve that lacks only budget", () => {
  const lacks = (stage: Stage, amount: number, agent = "writer") =>
    lacksOnlyBudget(stage.pool, { ...reserve(agent, amount), unit: "tokens" }, stage.now);

  it("is worth waiting for; one that is granted, or that budget would not help, is not", () => {
    const stage = Stage.with({}, { writer: { max: 100, min_reserve: 0 } });
    expect(lacks(stage, 101)).toBe(true);
    expect(lacks(stage, 100)).toBe(false);
    expect(lacks(stage, 101, "nobody")).toBe(false);
    stage.does({ op: "pause", agent: "writer" });
    expect(lacks(stage, 101)).toBe(false);
  });
});
