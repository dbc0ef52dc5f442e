import { describe, expect, it } from "vitest";
import type { RegisterCommand } from "../../src/protocol/agent.ts";
import { record, reserve, Stage } from "./stage.ts";

const register = (agent: string, max: number, more: Partial<RegisterCommand> = {}) =>
  ({ op: "register", agent, priority: 1, max, ...more }) as const;
const close = (agent: string) => ({ op: "close", agent }) as const;
const commit = (id: string, amount: number, more: { confidence?: number } = {}) =>
  ({ op: "commit", id, amount, ...more }) as const;
const reset = (agent: string, id = `reset ${agent}`) => ({ op: "reset", agent, id }) as const;
const fund = (id: string, amount: number) => ({ op: "fund", id, amount }) as const;
const charged = { ttl_ms: 5_000, on_expiry: "charge" } as const;

/** What the pool as a whole has: its total and its unallocated budget. */
const books = (stage: Stage) => {
  const { total, unallocated } = stage.does({ op: "configure" });
  return { total, unallocated };
};

describe("register", () => {
  it("allocates out of the unallocated budget in a pool with a budget, and no more than it has", () => {
    const stage = Stage.with({ budget: 1_500 });
    expect(stage.does(register("writer", 1_009)).agent).toMatchObject({ allocated: 1_009, min_reserve: 100 });
    expect(books(stage)).toEqual({ total: 1_500, unallocated: 491 });
    expect(stage.isRefused(register("critic", 492))).toMatchObject({ code: "contract_conflict", obtainable: 491 });
    stage.does(register("critic", 491));
  });

  it("issues in a pool without a budget", () => {
    expect(books(Stage.with({}, { writer: { max: 1_000 }, critic: { max: 500 } }))).toEqual({
      total: 1_500,
      unallocated: 0,
    });
  });

  it("moves the difference when the contract changes, and never touches consumed and held", () => {
    const stage = Stage.with({ budget: 2_000 }, { writer: { max: 1_000 } });
    stage.does(reserve("writer", 300));
    stage.does(record("writer", 200));
    expect(stage.does(register("writer", 1_500)).agent).toMatchObject({ allocated: 1_500, available: 1_000 });
    expect(books(stage)).toEqual({ total: 2_000, unallocated: 500 });
    expect(stage.isRefused(register("writer", 499))).toMatchObject({ code: "contract_conflict", needed: 1_001 });
    stage.does(register("writer", 500));
    expect(stage.agent("writer")).toMatchObject({ allocated: 500, consumed: 200, held: 300, available: 0 });
    expect(books(stage)).toEqual({ total: 2_000, unallocated: 1_500 });
    expect(stage.isRefused(register("writer", 2_001))).toMatchObject({ needed: 1_501, obtainable: 1_500 });
  });

  it("holds what was agreed, and what was left out by its default", () => {
    const stage = Stage.with({}, { all: { confidence_path: "/sure", confidence_threshold: 0.5 }, least: { max: 99 } });
    const none = { ceiling: null, parent: null, final_reserve: 0, max_reserves_per_minute: null, refill: null };
    expect(stage.pool.agents.get("all")?.contract).toEqual({
      priority: 1,
      max: 1_000,
      min_reserve: 100,
      confidence_threshold: 0.5,
      confidence_path: "/sure",
      ...none,
    });
    expect(stage.pool.agents.get("least")?.contract).toEqual({
      priority: 1,
      max: 99,
      min_reserve: 9,
      confidence_threshold: null,
      confidence_path: null,
      ...none,
    });
  });

  it("keeps what transfers brought or took", () => {
    const stage = Stage.with({}, { critic: { max: 1_000 }, planner: { priority: 5, max: 1_000 } });
    stage.does({ op: "reallocate", id: "m", agent: "planner", amount: 200 });
    stage.does(register("critic", 1_100));
    stage.does(register("planner", 1_100, { priority: 5 }));
    expect(stage.agent("critic").allocated).toBe(900);
    expect(stage.agent("planner").allocated).toBe(1_300);
  });

  it("is no event when nothing changes, with the parent left out or not", () => {
    const stage = Stage.with({}, { lead: {}, helper: { max: 300, parent: "lead" } });
    const steps = stage.events.length;
    stage.does(register("lead", 1_000));
    stage.does(register("helper", 300));
    stage.does(register("helper", 300, { parent: "lead", min_reserve: 30 }));
    expect(stage.events.length).toBe(steps);
    expect(stage.does(register("helper", 400)).agent.contract).toMatchObject({ parent: "lead", min_reserve: 30 });
  });
});

describe("register again", () => {
  const all = {
    confidence_threshold: 0.8,
    confidence_path: "/confidence",
    ceiling: 2_000,
    final_reserve: 50,
    max_reserves_per_minute: 7,
    refill: { every: "day" },
    min_reserve: 400,
  } as const;

  it("keeps what is left out, as a pool does, and takes away what is null", () => {
    const stage = Stage.with({}, { writer: { max: 1_000, ...all } });
    const before = stage.does(register("writer", 1_000)).agent.contract;
    expect(stage.does(register("writer", 1_000, { priority: 5 })).agent.contract).toEqual({ ...before, priority: 5 });
    const none = { confidence_threshold: null, confidence_path: null, ceiling: null, final_reserve: 0 };
    const bare = { ...none, max_reserves_per_minute: null, refill: null, min_reserve: 0 };
    expect(stage.does(register("writer", 1_000, bare)).agent.contract).toMatchObject(bare);
  });

  it("shrinks what is kept in reserve with the allocation, and refuses one above the ceiling that is kept", () => {
    const stage = Stage.with({}, { writer: { max: 1_000, ...all } });
    expect(stage.does(register("writer", 30)).agent.contract).toMatchObject({ min_reserve: 30, final_reserve: 30 });
    expect(stage.isRefused(register("writer", 2_001))).toMatchObject({ code: "contract_conflict", field: "ceiling" });
    stage.does(register("writer", 2_001, { ceiling: null }));
  });
});

describe("close with an id", () => {
  it("is answered again once the agent has left, and is another command with another agent", () => {
    const stage = Stage.with({}, { writer: {}, critic: {} });
    const close = { op: "close", agent: "writer", id: "c" } as const;
    expect(stage.does(close)).toMatchObject({ state: "closed", agent: null });
    const steps = stage.events.length;
    expect(stage.does(close)).toMatchObject({ state: "closed", agent: null });
    expect(stage.events.length).toBe(steps);
    expect(stage.isRefused({ ...close, agent: "critic" })).toMatchObject({ code: "id_reused", field: "agent" });
    expect(stage.isRefused({ op: "close", agent: "writer" })).toMatchObject({ code: "agent_not_found" });
  });
});

describe("register, refused in order of precedence", () => {
  const build = () => {
    const stage = Stage.with({ budget: 200 }, { lead: { max: 100 }, leaving: { max: 100 } });
    stage.does(reserve("leaving", 10));
    stage.does(close("leaving"));
    return stage;
  };

  it.each([
    ["a parent that is not there", register("new", 9_999, { parent: "nobody" }), "agent_not_found"],
    ["a parent that is closing", register("new", 9_999, { parent: "leaving" }), "agent_closing"],
    ["an agent that is closing", register("leaving", 9_999), "agent_closing"],
    ["an agent that is closing, under another parent", register("leaving", 100, { parent: "lead" }), "agent_closing"],
    ["another parent that is closing", register("lead", 100, { parent: "leaving" }), "agent_closing"],
    ["another parent that is not there", register("lead", 100, { parent: "nobody" }), "agent_not_found"],
    ["itself as parent", register("lead", 100, { parent: "lead" }), "contract_conflict"],
    ["growth beyond the unallocated budget", register("new", 1), "contract_conflict"],
    ["growth beyond the parent's available", register("new", 101, { parent: "lead" }), "contract_conflict"],
  ])("%s", (_, command, code) => {
    expect(build().isRefused(command)).toMatchObject({ code });
  });
});

describe("an agent with a parent", () => {
  it("is allocated out of the parent's available, and back", () => {
    const stage = Stage.with({}, { lead: { max: 1_000 } });
    stage.does(reserve("lead", 500));
    expect(stage.isRefused(register("helper", 501, { parent: "lead" }))).toMatchObject({ obtainable: 500 });
    stage.does(register("helper", 300, { parent: "lead" }));
    expect(stage.agent("lead")).toMatchObject({ allocated: 700, available: 200 });
    stage.does(register("helper", 400));
    expect(stage.agent("lead").allocated).toBe(600);
    expect(stage.isRefused(register("helper", 501))).toMatchObject({ needed: 101, obtainable: 100 });
    stage.does(register("helper", 100));
    expect(stage.agent("lead").allocated).toBe(900);
    expect(books(stage)).toEqual({ total: 1_000, unallocated: 0 });
  });

  it("keeps the parent it has", () => {
    const stage = Stage.with({}, { lead: {}, other: {}, helper: { max: 100, parent: "lead" } });
    expect(stage.isRefused(register("helper", 100, { parent: "other" }))).toMatchObject({ code: "contract_conflict" });
    expect(stage.isRefused(register("other", 100, { parent: "lead" }))).toMatchObject({ code: "contract_conflict" });
  });

  const eightLevels = () => {
    const stage = Stage.with({}, { level1: { max: 1_000 } });
    for (let i = 2; i <= 8; i++) stage.does(register(`level${i}`, 1_000, { parent: `level${i - 1}` }));
    return stage;
  };

  it("can be 8 levels down, not 9", () => {
    const refusal = { code: "limit_reached", limit: "agentDepth", maximum: 8 };
    expect(eightLevels().isRefused(register("level9", 1_000, { parent: "level8" }))).toEqual(refusal);
  });

  it("is contract_conflict before limit_reached where the parent has neither levels nor budget to give", () => {
    const command = register("level9", 1_001, { parent: "level8" });
    expect(eightLevels().isRefused(command)).toMatchObject({ code: "contract_conflict" });
  });

  it("returns its books to the parent when it leaves, overage included", () => {
    const stage = Stage.with({ equal_priority_donates: false }, { lead: {}, helper: { max: 100, parent: "lead" } });
    stage.does(record("helper", 150));
    expect(stage.agent("helper").overage).toBe(50);
    stage.does(close("helper"));
    expect(stage.agent("lead")).toMatchObject({ allocated: 1_000, consumed: 150, available: 850 });
  });

  it("is not closed again with its parent", () => {
    const stage = Stage.with({}, { lead: {}, sub: { max: 100, parent: "lead" } });
    stage.does(reserve("sub", 10));
    stage.does({ op: "close", agent: "sub" });
    stage.does({ op: "close", agent: "lead" });
    const closed = stage.events.filter(({ type }) => type === "closing");
    expect(closed.map((event) => "agent" in event && event.agent)).toEqual(["sub", "lead"]);
    const { length } = stage.events;
    stage.does({ op: "close", agent: "lead" });
    expect(stage.events).toHaveLength(length);
  });

  it("is closed with its parent, which leaves right after its last sub-agent", () => {
    const stage = Stage.with({}, { lead: { max: 1_000 }, other: { max: 1 } });
    stage.does(register("helper", 600, { parent: "lead" }));
    stage.does(register("sub", 300, { parent: "helper" }));
    stage.does(reserve("helper", 200, { id: "a" }));
    stage.does(record("sub", 70));
    expect(stage.does(close("lead"))).toMatchObject({ state: "closing", agent: { closing: true, sub_agents: 1 } });
    expect(() => stage.agent("sub")).toThrow("no agent sub");
    expect(stage.agent("helper")).toMatchObject({ allocated: 600, consumed: 70, held: 200 });
    expect(stage.isRefused(reserve("helper", 1))).toEqual({ code: "agent_closing", agent: "helper" });
    const steps = stage.events.length;
    stage.does(commit("a", 30));
    expect(stage.events.slice(steps).map((event) => event.type)).toEqual(["committed", "closed", "closed"]);
    expect(() => stage.agent("lead")).toThrow("no agent lead");
    expect(books(stage).total).toBe(101);
  });
});

describe("close", () => {
  it("returns what is unspent to the unallocated budget of a pool with a budget", () => {
    const stage = Stage.with({ budget: 1_500 }, { writer: { max: 1_000 } });
    stage.does(record("writer", 300));
    expect(stage.does(close("writer"))).toMatchObject({ state: "closed", agent: null });
    expect(books(stage)).toEqual({ total: 1_500, unallocated: 1_200 });
  });

  it("retires what the contract issued in a pool without, and keeps what came from others", () => {
    const stage = Stage.with({}, { critic: { max: 1_000 }, planner: { priority: 5, max: 1_000 } });
    stage.does({ op: "reallocate", id: "m", agent: "planner", amount: 200 });
    stage.does(close("planner"));
    expect(books(stage)).toEqual({ total: 1_000, unallocated: 200 });
    stage.does(record("critic", 100));
    stage.does(close("critic"));
    // 800 of the critic's 1,000 were left: 100 spent stay in the closed accounts, 700 are retired
    expect(books(stage)).toEqual({ total: 300, unallocated: 200 });
  });

  it("keeps an overage in the closed accounts, where it still counts against the pool", () => {
    const stage = Stage.with({ budget: 100 }, { writer: { max: 100 } });
    stage.does(record("writer", 160));
    stage.does(close("writer"));
    expect(books(stage)).toEqual({ total: 100, unallocated: 0 });
    stage.does(fund("f", 100));
    stage.does(register("critic", 100));
    expect(stage.isRefused(reserve("critic", 41))).toMatchObject({ available: 100, headroom: 40 });
    stage.does(reserve("critic", 40));
  });

  it.each([
    ["commit", (stage: Stage) => stage.tries(commit("a", 10))],
    ["release", (stage: Stage) => stage.tries({ op: "release", id: "a" })],
    ["expiry", (stage: Stage) => stage.waits(5_000)],
  ] as const)("waits for the last open reservation, until its %s", (_, settle) => {
    const stage = Stage.with({}, { writer: {} });
    stage.does(reserve("writer", 400, { id: "a", ttl_ms: 5_000 }));
    stage.does(reserve("writer", 400, { id: "b", ttl_ms: 4_000 }));
    expect(stage.does(close("writer"))).toMatchObject({ state: "closing", agent: { closing: true } });
    const steps = stage.events.length;
    expect(stage.does(close("writer"))).toMatchObject({ state: "closing" });
    expect(stage.events.length).toBe(steps);
    stage.does({ op: "release", id: "b" });
    expect(stage.agent("writer").held).toBe(400);
    settle(stage);
    expect(() => stage.agent("writer")).toThrow("no agent writer");
  });

  it("frees the name, which starts from nothing when registered anew", () => {
    const stage = Stage.with({}, { writer: { confidence_threshold: 0.8 } });
    stage.does(record("writer", 300, { confidence: 0.9 }));
    stage.does(close("writer"));
    expect(stage.isRefused(record("writer", 1))).toEqual({ code: "agent_not_found", agent: "writer" });
    expect(stage.isRefused(close("nobody"))).toEqual({ code: "agent_not_found", agent: "nobody" });
    stage.does(register("writer", 1_000, { confidence_threshold: 0.8 }));
    expect(stage.agent("writer")).toMatchObject({ allocated: 1_000, consumed: 0, confidence: null, gate: "open" });
  });
});

describe("a late commit after the agent left", () => {
  /** Of a writer with 600, 200 expired; then it left. The pool's total is 1,000 where it has a budget. */
  const left = (budget: number | null, on_expiry: "release" | "charge") => {
    const stage = Stage.with({ budget }, { writer: { max: 600 } });
    stage.does(reserve("writer", 200, { id: "a", ttl_ms: 5_000, on_expiry }));
    stage.waits(5_000);
    stage.does(close("writer"));
    return stage;
  };
  const facts = { consumed: 0, overage: 0, transfers: [], late: true, agent: null };

  it.each([
    // budget, on_expiry, amount; then total, unallocated budget, and the headroom of a pool funded by another 1,000
    [1_000, "release", 150, 1_000, 1_000, 1_850],
    [1_000, "charge", 50, 1_000, 950, 1_950],
    [1_000, "charge", 200, 1_000, 800, 1_800],
    [1_000, "charge", 260, 1_000, 800, 1_740],
    [null, "release", 150, 0, 0, 850],
    [null, "charge", 50, 50, 0, 1_000],
    [null, "charge", 260, 200, 0, 940],
  ] as const)(
    "goes to the closed accounts: budget %s, %s, %d used",
    (budget, rule, amount, total, unallocated, headroom) => {
      const stage = left(budget, rule);
      expect(stage.does(commit("a", amount))).toMatchObject({ ...facts, consumed: amount });
      expect(books(stage)).toEqual({ total, unallocated });
      stage.does(fund("f", 1_000));
      stage.does(register("critic", 0));
      expect(stage.isRefused(reserve("critic", 9_999))).toMatchObject({ headroom });
    },
  );

  it("returns no more than the closed accounts have above what they consumed", () => {
    const stage = Stage.with({ budget: 1_000 }, { spender: { max: 100 }, writer: { max: 900, min_reserve: 900 } });
    stage.does(record("spender", 200));
    stage.does(close("spender"));
    stage.does(reserve("writer", 200, { id: "a", ...charged }));
    stage.waits(5_000);
    stage.does(close("writer"));
    expect(books(stage).unallocated).toBe(700);
    // Corrected by 150, but 100 of it are the spender's overage
    stage.does(commit("a", 50));
    expect(books(stage)).toEqual({ total: 1_000, unallocated: 750 });
  });

  it.each([50, 200, 260])("goes to the parent, or to the parent's where that left too: %d of 200", (amount) => {
    const stage = Stage.with({}, { lead: { max: 1_000 } });
    stage.does(register("helper", 500, { parent: "lead" }));
    stage.does(register("sub", 300, { parent: "helper" }));
    stage.does(reserve("sub", 200, { id: "a", ...charged }));
    stage.does(reserve("sub", 100, { id: "b", ...charged }));
    stage.waits(5_000);
    stage.does(close("sub"));
    expect(stage.agent("helper")).toMatchObject({ allocated: 500, consumed: 300 });
    expect(stage.does(commit("a", amount))).toMatchObject({ consumed: amount, late: true });
    expect(stage.agent("helper")).toMatchObject({ allocated: 500, consumed: 100 + amount });
    stage.does(close("helper"));
    stage.does(commit("b", 0));
    expect(stage.agent("lead")).toMatchObject({ allocated: 1_000, consumed: amount });
  });

  it("does not count for the gate of the parent, nor of a new agent with the name", () => {
    const stage = Stage.with({}, { lead: {}, helper: { max: 300, parent: "lead" } });
    stage.does(reserve("helper", 200, { id: "a", ttl_ms: 5_000 }));
    stage.waits(5_000);
    stage.does(close("helper"));
    stage.does(register("helper", 300, { parent: "lead" }));
    stage.does(commit("a", 150, { confidence: 0.9 }));
    expect(stage.agent("lead")).toMatchObject({ consumed: 150, confidence: null });
    expect(stage.agent("helper")).toMatchObject({ consumed: 0, confidence: null });
  });
});

describe("reset", () => {
  it("forgets consumed and confidence, and gives the contract's allocation again", () => {
    const stage = Stage.with({}, { critic: { confidence_threshold: 0.8 }, planner: { priority: 5, max: 0 } });
    stage.does({ op: "reallocate", id: "m", agent: "planner", amount: 200 });
    stage.does(record("critic", 300, { confidence: 0.9 }));
    expect(stage.does(reset("critic")).agent).toMatchObject({ allocated: 1_000, consumed: 0, confidence: null });
    expect(stage.agent("critic").gate).toBe("open");
    expect(books(stage)).toEqual({ total: 1_200, unallocated: 0 });
  });

  it("grows only as far as the unallocated budget reaches, and shrinks to its gain", () => {
    const stage = Stage.with({ budget: 2_000 }, { critic: {}, planner: { priority: 5 } });
    stage.does({ op: "reallocate", id: "m", agent: "planner", amount: 300 });
    stage.does(fund("f", 100));
    expect(stage.does(reset("critic")).agent).toMatchObject({ allocated: 800 });
    expect(books(stage).unallocated).toBe(0);
    expect(stage.does(reset("planner")).agent).toMatchObject({ allocated: 1_000 });
    expect(books(stage)).toEqual({ total: 2_100, unallocated: 300 });
  });

  it("leaves at least what is held", () => {
    const stage = Stage.with({ budget: 400 }, { writer: { max: 100 } });
    stage.does(reserve("writer", 250));
    expect(stage.does(reset("writer")).agent).toMatchObject({ allocated: 250, held: 250, available: 0 });
  });

  it("leaves sub-agents what they have", () => {
    const stage = Stage.with({}, { lead: {}, helper: { max: 300, parent: "lead" } });
    stage.does(record("lead", 100));
    stage.does(record("helper", 50));
    expect(stage.does(reset("lead")).agent).toMatchObject({ allocated: 700, consumed: 0 });
    expect(stage.agent("helper")).toMatchObject({ allocated: 300, consumed: 50 });
  });

  it("gives a sub-agent what its parent has available", () => {
    const stage = Stage.with({}, { lead: { priority: 9 }, boss: { priority: 5, max: 0 } });
    stage.does(register("helper", 300, { parent: "lead" }));
    stage.does({ op: "reallocate", id: "m", agent: "boss", amount: 100 });
    stage.does(reserve("lead", 640));
    expect(stage.does(reset("helper")).agent).toMatchObject({ allocated: 260 });
    expect(stage.agent("lead")).toMatchObject({ allocated: 640, available: 0 });
  });

  it.each([
    [300, 0, 0],
    [400, 0, 0],
    [450, 50, 10],
  ])("books of a charge of 400 before it, corrected to %d after it, only %d", (amount, consumed, overage) => {
    const stage = Stage.with({}, { writer: { max: 1_000 } });
    stage.does(reserve("writer", 400, { id: "a", ...charged }));
    stage.waits(5_000);
    stage.does(reset("writer"));
    stage.does(reserve("writer", 960));
    expect(stage.does(commit("a", amount))).toMatchObject({ consumed: amount, overage });
    expect(stage.agent("writer")).toMatchObject({ allocated: 1_000, consumed });
  });

  it("runs once for an id, which no other command may have", () => {
    const stage = Stage.with({}, { writer: {}, critic: {} });
    const first = stage.does(reset("writer", "x"));
    stage.does(record("writer", 300));
    expect(stage.does(reset("writer", "x"))).toMatchObject({ seq: first.seq, replayed: true });
    expect(stage.agent("writer").consumed).toBe(300);
    expect(stage.isRefused(reset("critic", "x"))).toEqual({ code: "id_reused", id: "x", field: "agent" });
    expect(stage.isRefused({ op: "reopen", agent: "writer", id: "x" })).toMatchObject({ field: "op" });
    expect(stage.isRefused(reset("nobody"))).toEqual({ code: "agent_not_found", agent: "nobody" });
  });
});
