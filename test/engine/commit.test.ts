import { describe, expect, it } from "vitest";
import { record, reserve, Stage } from "./stage.ts";

const commit = (id: string, amount: number, more: { confidence?: number; unit?: "microusd" } = {}) =>
  ({ op: "commit", id, amount, ...more }) as const;

/** A writer with 1,000, of which reservation `a` holds 400. */
function writing(): Stage {
  const stage = Stage.with({}, { writer: { max: 1_000 } });
  stage.does(reserve("writer", 400, { id: "a" }));
  return stage;
}

/** The same, with `a` expired: its hold returned, or charged. */
function expired(on_expiry: "release" | "charge"): Stage {
  const stage = Stage.with({}, { writer: { max: 1_000 } });
  stage.does(reserve("writer", 400, { id: "a", ttl_ms: 5_000, on_expiry }));
  stage.waits(5_000);
  return stage;
}

describe("commit, of an open reservation", () => {
  it.each([0, 150, 400])("books the %d that were used, and what is granted beyond returns", (amount) => {
    const stage = writing();
    expect(stage.does(commit("a", amount))).toMatchObject({
      id: "a",
      state: "committed",
      granted: 400,
      consumed: amount,
      overage: 0,
      transfers: [],
      late: false,
    });
    expect(stage.agent("writer")).toMatchObject({
      allocated: 1_000,
      consumed: amount,
      held: 0,
      available: 1_000 - amount,
    });
  });

  it("has in its journal what was used, kind by kind, as a record has", () => {
    const stage = writing();
    const usage = { input: 1, output: 2, cache_read: 0, cache_write: 0, reasoning: 0 };
    stage.does({ ...commit("a", 3), usage });
    expect(stage.events.at(-1)).toMatchObject({ type: "committed", usage });
    stage.does(record("writer", 3, { usage }));
    expect(stage.events.at(-1)).toMatchObject({ type: "recorded", usage });
  });

  it("takes an excess out of the agent's own available first", () => {
    const stage = Stage.with({ budget: 1_500 }, { writer: { max: 1_000 } });
    stage.does(reserve("writer", 400, { id: "a" }));
    expect(stage.does(commit("a", 1_000))).toMatchObject({ consumed: 1_000, overage: 0, transfers: [] });
    expect(stage.agent("writer")).toMatchObject({ allocated: 1_000, consumed: 1_000, available: 0 });
  });

  it("leaves what other reservations hold to them", () => {
    const stage = writing();
    stage.does(reserve("writer", 500, { id: "b" }));
    expect(stage.does(commit("a", 700))).toMatchObject({ overage: 200 });
    expect(stage.agent("writer")).toMatchObject({ consumed: 700, held: 500, available: -200, overage: 200 });
  });

  it("takes an excess from available, then unallocated, then donors, and the rest is overage", () => {
    const stage = Stage.with(
      { budget: 2_300 },
      { writer: { priority: 5, max: 1_000 }, critic: { priority: 1, max: 1_000, min_reserve: 100 } },
    );
    stage.does(reserve("writer", 400, { id: "a" }));
    // 3,000 used = 400 held + 600 available + 300 unallocated + 900 of the critic's + 800 that nobody has
    const committed = stage.does(commit("a", 3_000));
    expect(committed.transfers).toEqual([
      { from: null, amount: 300 },
      { from: "critic", amount: 900 },
    ]);
    expect(committed.overage).toBe(800);
    expect(stage.agent("writer")).toMatchObject({ allocated: 2_200, consumed: 3_000, available: -800, overage: 800 });
    expect(stage.agent("critic")).toMatchObject({ allocated: 100, available: 100 });
  });

  it("moves exactly what is missing, no more", () => {
    const stage = Stage.with({ budget: 1_500 }, { writer: { max: 1_000 } });
    stage.does(reserve("writer", 400, { id: "a" }));
    expect(stage.does(commit("a", 1_200)).transfers).toEqual([{ from: null, amount: 200 }]);
    expect(stage.agent("writer")).toMatchObject({ allocated: 1_200, available: 0 });
    expect(stage.does({ op: "configure" })).toMatchObject({ unallocated: 300, total: 1_500 });
  });

  it("transfers nothing beyond the ceiling, nor from donors that are more important", () => {
    const stage = Stage.with({ budget: 2_500 }, { writer: { ceiling: 1_200 }, boss: { priority: 9 } });
    stage.does(reserve("writer", 400, { id: "a" }));
    expect(stage.does(commit("a", 1_500))).toMatchObject({ transfers: [{ from: null, amount: 200 }], overage: 300 });
    expect(stage.agent("boss").allocated).toBe(1_000);
  });

  it("counts nothing as available where the agent is in overage already", () => {
    const stage = Stage.with({}, { writer: { max: 100 } });
    stage.does(reserve("writer", 50, { id: "a" }));
    stage.does(record("writer", 150));
    expect(stage.agent("writer").overage).toBe(100);
    expect(stage.does(commit("a", 80))).toMatchObject({ overage: 30 });
    expect(stage.agent("writer").overage).toBe(130);
  });

  it("is taken with the gate closed, and from an agent that is closing, which leaves with it", () => {
    const stage = Stage.with({}, { writer: { max: 1_000, confidence_threshold: 0.8 } });
    stage.does(reserve("writer", 400, { id: "a" }));
    stage.does(reserve("writer", 100, { id: "b" }));
    expect(stage.does(commit("a", 100, { confidence: 0.8 })).agent).toMatchObject({ gate: "closed" });
    stage.does({ op: "close", agent: "writer" });
    expect(stage.does(commit("b", 300))).toMatchObject({ state: "committed", overage: 0, agent: null });
  });
});

describe("overage", () => {
  it("blocks reserves until funding reaches beyond it", () => {
    const stage = Stage.with({ budget: 100 }, { writer: { max: 100 } });
    stage.does(reserve("writer", 100, { id: "a" }));
    stage.does(commit("a", 160));
    expect(stage.isRefused(reserve("writer", 1))).toMatchObject({
      code: "budget_exceeded",
      available: -60,
      transferable: 0,
      headroom: -60,
    });
    stage.does({ op: "fund", id: "f1", amount: 60 });
    expect(stage.isRefused(reserve("writer", 1))).toMatchObject({ available: -60, transferable: 60, headroom: 0 });
    stage.does({ op: "fund", id: "f2", amount: 1 });
    expect(stage.does(reserve("writer", 1)).transfers).toEqual([{ from: null, amount: 61 }]);
    expect(stage.agent("writer")).toMatchObject({ overage: 0, available: 0, held: 1 });
  });

  it("is cured by transfers", () => {
    const stage = Stage.with({}, { writer: { priority: 5, max: 100 }, critic: { max: 1_000, min_reserve: 1_000 } });
    stage.does(reserve("writer", 100, { id: "a" }));
    expect(stage.does(commit("a", 160))).toMatchObject({ overage: 60 });
    stage.does({ op: "register", agent: "critic", priority: 1, max: 1_000, min_reserve: 0 });
    expect(stage.does({ op: "reallocate", id: "m", agent: "writer", amount: 60 })).toMatchObject({ moved: 60 });
    expect(stage.agent("writer")).toMatchObject({ overage: 0, available: 0 });
  });

  it("shrinks by what another reservation returns", () => {
    const stage = Stage.with({}, { writer: { max: 100 } });
    stage.does(reserve("writer", 50, { id: "a" }));
    stage.does(record("writer", 150));
    stage.does(commit("a", 20));
    expect(stage.agent("writer")).toMatchObject({ consumed: 170, held: 0, overage: 70 });
  });
});

describe("commit, late", () => {
  it("books the amount once, marked late", () => {
    const stage = expired("release");
    expect(stage.agent("writer")).toMatchObject({ consumed: 0, held: 0, available: 1_000 });
    const late = stage.does(commit("a", 300));
    expect(late).toMatchObject({ state: "committed", consumed: 300, overage: 0, late: true });
    expect(stage.does(commit("a", 300))).toEqual({ ...late, replayed: true });
    expect(stage.isRefused(commit("a", 301))).toMatchObject({ code: "reservation_settled", consumed: 300 });
    expect(stage.agent("writer").consumed).toBe(300);
  });

  it("has nothing covered once the hold has returned and gone to another", () => {
    const stage = expired("release");
    stage.does(reserve("writer", 900));
    expect(stage.does(commit("a", 300))).toMatchObject({ overage: 200, late: true });
  });

  it.each([
    [150, 0],
    [400, 0],
    [700, 0],
    [1_000, 0],
    [1_100, 100],
  ])("corrects a charge of 400 to %d", (amount, overage) => {
    const stage = expired("charge");
    expect(stage.agent("writer")).toMatchObject({ consumed: 400, held: 0, available: 600 });
    expect(stage.does(commit("a", amount))).toMatchObject({ consumed: amount, overage, late: true });
    expect(stage.agent("writer")).toMatchObject({ allocated: 1_000, consumed: amount, available: 1_000 - amount });
  });

  it("reaches unallocated budget and donors for what exceeds the charge", () => {
    const stage = Stage.with({ budget: 1_200 }, { writer: { max: 1_000 } });
    stage.does(reserve("writer", 400, { id: "a", ttl_ms: 5_000, on_expiry: "charge" }));
    stage.waits(5_000);
    expect(stage.does(commit("a", 1_300))).toMatchObject({ transfers: [{ from: null, amount: 200 }], overage: 100 });
  });

  it("counts for the gate while the agent is there", () => {
    const stage = Stage.with({}, { writer: { confidence_threshold: 0.8 } });
    stage.does(reserve("writer", 400, { id: "a", ttl_ms: 5_000 }));
    stage.waits(5_000);
    stage.does(commit("a", 100, { confidence: 0.9 }));
    expect(stage.agent("writer")).toMatchObject({ confidence: 0.9, gate: "closed" });
  });
});

describe("commit, again", () => {
  it("is answered again when amount and confidence are the same", () => {
    const stage = writing();
    const first = stage.does(commit("a", 150, { confidence: 0.5 }));
    const steps = stage.events.length;
    expect(stage.does(commit("a", 150, { confidence: 0.5 }))).toEqual({ ...first, replayed: true });
    expect(stage.events.length).toBe(steps);
  });

  it.each([
    ["another amount", commit("a", 151, { confidence: 0.5 })],
    ["another confidence", commit("a", 150, { confidence: 0.6 })],
    ["no confidence", commit("a", 150)],
  ])("is reservation_settled with %s, and says what was booked", (_, again) => {
    const stage = writing();
    stage.does(commit("a", 150, { confidence: 0.5 }));
    expect(stage.isRefused(again)).toEqual({
      code: "reservation_settled",
      id: "a",
      state: "committed",
      consumed: 150,
    });
  });

  it("is reservation_settled after a release", () => {
    const stage = writing();
    stage.does({ op: "release", id: "a" });
    const refusal = { code: "reservation_settled", id: "a", state: "released", consumed: 0 };
    expect(stage.isRefused(commit("a", 150))).toEqual(refusal);
    expect(stage.isRefused(commit("a", 0))).toEqual(refusal);
  });
});

describe("commit, refused in order of precedence", () => {
  it("pool_not_found", () => {
    expect(new Stage().isRefused(commit("a", 1, { unit: "microusd" }))).toEqual({ code: "pool_not_found" });
  });

  it("unit_mismatch before reservation_not_found and reservation_settled", () => {
    const stage = writing();
    const refusal = { code: "unit_mismatch", pool_unit: "tokens", given_unit: "microusd" };
    expect(stage.isRefused(commit("a", 1, { unit: "microusd" }))).toEqual(refusal);
    expect(stage.isRefused(commit("b", 1, { unit: "microusd" }))).toEqual(refusal);
    stage.does(commit("a", 1));
    expect(stage.isRefused(commit("a", 1, { unit: "microusd" }))).toEqual(refusal);
  });

  it("reservation_not_found before limit_reached, also for the id of what was never a reservation", () => {
    const stage = writing();
    stage.does(record("writer", 1, { id: "u" }));
    for (const id of ["b", "u"]) {
      expect(stage.isRefused(commit(id, 9e15))).toEqual({ code: "reservation_not_found", id });
    }
  });

  it("reservation_settled before limit_reached", () => {
    const stage = writing();
    stage.does(commit("a", 1));
    expect(stage.isRefused(commit("a", 9e15))).toMatchObject({ code: "reservation_settled" });
  });

  it("limit_reached where the pool's spend would pass 8·10^15, and not one before", () => {
    const stage = writing();
    stage.does(record("writer", 8e15 - 400));
    expect(stage.isRefused(commit("a", 401))).toEqual({ code: "limit_reached", limit: "spend", maximum: 8e15 });
    stage.does(commit("a", 400));
    expect(stage.agent("writer").consumed).toBe(8e15);
  });

  it.each([400, 150])("but a charge of 400 can be corrected to %d, which is no more spend", (amount) => {
    const stage = expired("charge");
    stage.does(record("writer", 8e15 - 400));
    expect(stage.does(commit("a", amount))).toMatchObject({ consumed: amount, late: true });
    expect(stage.agent("writer").consumed).toBe(8e15 - 400 + amount);
  });
});
