import { describe, expect, it } from "vitest";
import { type PlainCommand, record, reserve, Stage } from "./stage.ts";

const reallocate = (agent: string, amount: number, more: { id?: string; dry_run?: boolean } = {}) =>
  ({ op: "reallocate", id: "m", agent, amount, ...more }) as const;
const reopen = (agent: string, id: string) => ({ op: "reopen", agent, id }) as const;
const contract = (max: number, confidence_threshold: number | null) =>
  ({ op: "register", agent: "writer", priority: 1, max, confidence_threshold }) as const;

describe("record", () => {
  it("books what was used without a reservation", () => {
    const stage = Stage.with({}, { writer: { max: 1_000 } });
    expect(stage.does(record("writer", 300, { id: "u" }))).toMatchObject({
      id: "u",
      consumed: 300,
      overage: 0,
      transfers: [],
      agent: { name: "writer", consumed: 300, available: 700 },
    });
  });

  it("takes from available, then unallocated, then donors, and the rest is overage", () => {
    const stage = Stage.with(
      { budget: 2_300 },
      { writer: { priority: 5 }, critic: { priority: 1, max: 1_000, min_reserve: 100 } },
    );
    stage.does(reserve("writer", 400));
    // 3,000 used = 600 available + 300 unallocated + 900 of the critic's + 1,200 that nobody has
    expect(stage.does(record("writer", 3_000))).toMatchObject({
      transfers: [
        { from: null, amount: 300 },
        { from: "critic", amount: 900 },
      ],
      overage: 1_200,
    });
    expect(stage.agent("writer")).toMatchObject({ allocated: 2_200, consumed: 3_000, held: 400, overage: 1_200 });
  });

  it("is never refused for budget, gate or closing", () => {
    const stage = Stage.with({}, { writer: { max: 100, confidence_threshold: 0.5 } });
    stage.does(reserve("writer", 10));
    expect(stage.does(record("writer", 500, { confidence: 0.5 }))).toMatchObject({ overage: 410 });
    expect(stage.does(record("writer", 1))).toMatchObject({ overage: 1 });
    stage.does({ op: "close", agent: "writer" });
    expect(stage.does(record("writer", 1))).toMatchObject({ overage: 1, agent: { consumed: 502 } });
  });

  it("runs once for an id", () => {
    const stage = Stage.with({}, { writer: { max: 100 } });
    const first = stage.does(record("writer", 130, { id: "u", confidence: 0.4 }));
    stage.does(record("writer", 7));
    const again = stage.does(record("writer", 130, { id: "u", confidence: 0.4 }));
    expect(again).toEqual({ ...first, agent: { name: "writer", ...stage.agent("writer") }, replayed: true });
    expect(again).toMatchObject({ overage: 30, agent: { consumed: 137 } });
  });

  it.each([
    ["agent", { agent: "nobody" }],
    ["amount", { amount: 131 }],
    ["confidence", { confidence: 0.5 }],
    ["confidence", { confidence: undefined }],
    ["metadata", { metadata: { run: "2" } }],
    ["metadata", { metadata: { run: "1", step: "2" } }],
  ] as const)("is id_reused, naming %s, with %j", (field, change) => {
    const stage = Stage.with({}, { writer: { max: 100 } });
    const first = record("writer", 130, { id: "u", confidence: 0.4, metadata: { run: "1" } });
    stage.does(first);
    expect(stage.isRefused({ ...first, ...change })).toEqual({ code: "id_reused", id: "u", field });
  });

  it("names the first field that differs", () => {
    const stage = Stage.with({}, { writer: {} });
    stage.does(record("writer", 1, { id: "u" }));
    expect(stage.isRefused(record("nobody", 2, { id: "u" }))).toMatchObject({ field: "agent" });
  });

  it("is agent_not_found before limit_reached, and stops at a spend of 8·10^15", () => {
    const stage = Stage.with({}, { writer: { max: 100 } });
    expect(stage.isRefused(record("nobody", 9e15))).toEqual({ code: "agent_not_found", agent: "nobody" });
    stage.does(record("writer", 8e15 - 1));
    const refusal = { code: "limit_reached", limit: "spend", maximum: 8e15 };
    expect(stage.isRefused(record("writer", 2))).toEqual(refusal);
    stage.does(record("writer", 1));
    expect(stage.isRefused(record("writer", 1))).toEqual(refusal);
    stage.does({ op: "reset", agent: "writer", id: "x" });
    stage.does(record("writer", 1));
  });
});

/** Boss has 250; 50 are in the unallocated budget, and the others together can give 900 and 600. */
const lending = () =>
  Stage.with(
    { budget: 2_300 },
    {
      b: { priority: 2, min_reserve: 400 },
      a: { priority: 1, min_reserve: 100, confidence_threshold: 0.9 },
      boss: { priority: 5, max: 250 },
    },
  );
const a = { agent: "a", priority: 1, gate: "open", available: 1_000, min_reserve: 100, could_give: 900 };
const b = { agent: "b", priority: 2, gate: "open", available: 1_000, min_reserve: 400, could_give: 600 };

describe("reallocate", () => {
  it("moves what is asked, and says who was asked and what each gave", () => {
    const stage = lending();
    expect(stage.does(reallocate("boss", 1_000))).toMatchObject({
      asked: 1_000,
      moved: 1_000,
      shortfall: 0,
      transfers: [
        { from: null, amount: 50 },
        { from: "a", amount: 900 },
        { from: "b", amount: 50 },
      ],
      donors: [
        { ...a, gives: 900 },
        { ...b, gives: 50 },
      ],
      dry_run: false,
    });
    expect(stage.agent("boss")).toMatchObject({ allocated: 1_250, held: 0, available: 1_250 });
    expect(stage.agent("a").allocated).toBe(100);
    expect(stage.agent("b").allocated).toBe(950);
  });

  it("asks nobody more than needed", () => {
    expect(lending().does(reallocate("boss", 50))).toMatchObject({ moved: 50, donors: [] });
    expect(lending().does(reallocate("boss", 51)).donors).toEqual([{ ...a, gives: 1 }]);
  });

  it("moves what there is, and says how much falls short", () => {
    const stage = lending();
    stage.does(reserve("a", 300));
    stage.does(record("a", 100, { confidence: 0.9 }));
    expect(stage.does(reallocate("boss", 2_000))).toMatchObject({
      moved: 1_150,
      shortfall: 850,
      donors: [
        { ...a, gate: "closed", available: 600, could_give: 500, gives: 500 },
        { ...b, gives: 600 },
      ],
    });
    expect(stage.does(reallocate("boss", 1, { id: "n" }))).toMatchObject({ moved: 0, shortfall: 1, transfers: [] });
  });

  it("stops at the ceiling, and does not flow uphill", () => {
    const stage = Stage.with({}, { boss: { priority: 5, max: 250, ceiling: 300 }, a: { priority: 1 } });
    expect(stage.does(reallocate("boss", 100))).toMatchObject({ moved: 50, shortfall: 50 });
    expect(stage.does(reallocate("a", 100, { id: "n" }))).toMatchObject({ moved: 0, donors: [] });
  });

  it("says in a dry run what would move, and moves nothing", () => {
    const stage = lending();
    const before = ["a", "b", "boss"].map((name) => stage.agent(name));
    const steps = stage.events.length;
    const dry = stage.does(reallocate("boss", 1_000, { dry_run: true }));
    expect(dry).toMatchObject({ moved: 1_000, shortfall: 0, dry_run: true, agent: { name: "boss", allocated: 250 } });
    expect(["a", "b", "boss"].map((name) => stage.agent(name))).toEqual(before);
    expect(stage.events.length).toBe(steps);
    const { transfers, donors } = stage.does(reallocate("boss", 1_000));
    expect({ transfers, donors }).toEqual({ transfers: dry.transfers, donors: dry.donors });
  });

  it("does not remember a dry run", () => {
    const stage = lending();
    stage.does(reallocate("boss", 1_000, { dry_run: true }));
    expect(stage.does(reallocate("boss", 10))).toMatchObject({ moved: 10, dry_run: false });
  });

  it("runs once for an id", () => {
    const stage = lending();
    const first = stage.does(reallocate("boss", 1_000));
    stage.does(record("boss", 100));
    const again = stage.does(reallocate("boss", 1_000));
    expect(again).toEqual({ ...first, agent: { name: "boss", ...stage.agent("boss") }, replayed: true });
    expect(stage.agent("boss").allocated).toBe(1_250);
    expect(stage.isRefused(reallocate("b", 1_000))).toEqual({ code: "id_reused", id: "m", field: "agent" });
    expect(stage.isRefused(reallocate("boss", 999))).toEqual({ code: "id_reused", id: "m", field: "amount" });
    expect(stage.isRefused(reserve("boss", 1_000, { id: "m" }))).toMatchObject({ field: "op" });
  });

  it.each([true, false])("is refused as a reserve would be, dry run or not: %s", (dry_run) => {
    const stage = Stage.with({}, { writer: { confidence_threshold: 0.5 } });
    expect(stage.isRefused(reallocate("nobody", 1, { dry_run }))).toMatchObject({ code: "agent_not_found" });
    stage.does(reserve("writer", 10));
    stage.does(record("writer", 1, { confidence: 0.6 }));
    expect(stage.isRefused(reallocate("writer", 1, { dry_run }))).toEqual({
      code: "confidence_reached",
      agent: "writer",
      confidence: 0.6,
      confidence_threshold: 0.5,
    });
    stage.does({ op: "close", agent: "writer" });
    expect(stage.isRefused(reallocate("writer", 1, { dry_run }))).toMatchObject({ code: "agent_closing" });
  });
});

describe("the confidence gate", () => {
  const gated = (confidence_threshold: number | null) => Stage.with({}, { writer: { confidence_threshold } });

  it.each([
    [0.79, "open"],
    [0.8, "closed"],
    [0.81, "closed"],
  ])("with a threshold of 0.8 and %d reported is %s", (confidence, gate) => {
    const stage = gated(0.8);
    stage.does(record("writer", 1, { confidence }));
    expect(stage.agent("writer")).toMatchObject({ confidence, gate });
    expect(stage.tries(reserve("writer", 1)).ok).toBe(gate === "open");
  });

  it("looks at the highest report, from commits and records", () => {
    const stage = gated(0.9);
    stage.does(reserve("writer", 1, { id: "a" }));
    stage.does({ op: "commit", id: "a", amount: 1, confidence: 0.6 });
    stage.does(record("writer", 1, { confidence: 0.3 }));
    stage.does(record("writer", 1));
    expect(stage.agent("writer")).toMatchObject({ confidence: 0.6, gate: "open" });
    stage.does(record("writer", 1, { confidence: 0.95 }));
    stage.does(record("writer", 1, { confidence: 0.1 }));
    expect(stage.agent("writer")).toMatchObject({ confidence: 0.95, gate: "closed" });
  });

  it("closes at a report of 0 where the threshold is 0, and not before any report", () => {
    const stage = gated(0);
    stage.does(reserve("writer", 1));
    stage.does(record("writer", 1, { confidence: 0 }));
    expect(stage.agent("writer")).toMatchObject({ confidence: 0, gate: "closed" });
  });

  it("never closes without a threshold", () => {
    const stage = gated(null);
    stage.does(record("writer", 1, { confidence: 1 }));
    expect(stage.agent("writer")).toMatchObject({ confidence: 1, gate: "open" });
  });

  it("closes when the contract's threshold is lowered to what was reported, and opens when it goes", () => {
    const stage = gated(0.9);
    stage.does(record("writer", 1, { confidence: 0.7 }));
    stage.does(contract(1_000, 0.71));
    expect(stage.agent("writer").gate).toBe("open");
    stage.does(contract(1_000, 0.7));
    expect(stage.agent("writer")).toMatchObject({ confidence: 0.7, gate: "closed" });
    stage.does({ op: "register", agent: "writer", priority: 1, max: 1_000 });
    expect(stage.agent("writer").gate).toBe("closed");
    stage.does({ op: "register", agent: "writer", priority: 1, max: 1_000, confidence_threshold: null });
    expect(stage.agent("writer").gate).toBe("open");
  });

  it("stops nothing but reserve and reallocate", () => {
    const stage = gated(0.8);
    for (const id of ["a", "b"]) stage.does(reserve("writer", 100, { id }));
    stage.does(record("writer", 1, { confidence: 0.8 }));
    for (const command of [reserve("writer", 1), reallocate("writer", 1)] satisfies PlainCommand[]) {
      expect(stage.isRefused(command)).toMatchObject({ code: "confidence_reached" });
    }
    stage.does({ op: "extend", id: "a", ttl_ms: 200_000 });
    stage.does({ op: "commit", id: "a", amount: 100 });
    stage.does({ op: "release", id: "b" });
    stage.does(record("writer", 1));
    stage.does(contract(2_000, 0.8));
    expect(stage.agent("writer")).toMatchObject({ allocated: 2_000, consumed: 102, held: 0, gate: "closed" });
  });

  it("opens by reopen, which forgets what was reported", () => {
    const stage = gated(0.8);
    stage.does(record("writer", 1, { confidence: 0.9 }));
    expect(stage.does(reopen("writer", "x")).agent).toMatchObject({ confidence: null, gate: "open", consumed: 1 });
    stage.does(record("writer", 1, { confidence: 0.3 }));
    expect(stage.agent("writer")).toMatchObject({ confidence: 0.3, gate: "open" });
  });

  it("opens once for an id of reopen", () => {
    const stage = gated(0.8);
    const first = stage.does(reopen("writer", "x"));
    stage.does(record("writer", 1, { confidence: 0.9 }));
    expect(stage.does(reopen("writer", "x"))).toMatchObject({ id: "x", seq: first.seq, replayed: true });
    expect(stage.agent("writer").gate).toBe("closed");
    expect(stage.isRefused(reopen("nobody", "x"))).toEqual({ code: "id_reused", id: "x", field: "agent" });
    expect(stage.isRefused({ op: "reset", agent: "writer", id: "x" })).toMatchObject({ field: "op" });
    expect(stage.isRefused(reopen("nobody", "y"))).toEqual({ code: "agent_not_found", agent: "nobody" });
  });
});
