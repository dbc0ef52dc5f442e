import { describe, expect, it } from "vitest";
import { record, reserve, Stage } from "./stage.ts";

const hour = 3_600_000;

const release = (id: string) => ({ op: "release", id }) as const;
const commit = (id: string, amount: number) => ({ op: "commit", id, amount }) as const;
const extend = (id: string, ttl_ms: number, on_expiry?: "release" | "charge") =>
  ({ op: "extend", id, ttl_ms, ...(on_expiry === undefined ? undefined : { on_expiry }) }) as const;

/** A writer with 1,000, of which reservation `a` holds 400 for five seconds. */
function writing(more: Parameters<typeof reserve>[2] = {}): Stage {
  const stage = Stage.with({}, { writer: { max: 1_000 } });
  stage.does(reserve("writer", 400, { id: "a", ttl_ms: 5_000, ...more }));
  return stage;
}

describe("release", () => {
  it("returns the hold", () => {
    const stage = writing();
    expect(stage.does(release("a"))).toMatchObject({
      id: "a",
      state: "released",
      granted: 400,
      consumed: 0,
      overage: 0,
      late: false,
    });
    expect(stage.agent("writer")).toMatchObject({ consumed: 0, held: 0, available: 1_000 });
  });

  it("gives the same answer again", () => {
    const stage = writing();
    const first = stage.does(release("a"));
    stage.waits(10_000);
    expect(stage.does(release("a"))).toEqual({ ...first, replayed: true });
  });

  it("leaves the budget that came by transfer where it is", () => {
    const stage = Stage.with({ budget: 150 }, { writer: { max: 100 } });
    stage.does(reserve("writer", 150, { id: "a" }));
    stage.does(release("a"));
    expect(stage.agent("writer")).toMatchObject({ allocated: 150, available: 150 });
  });

  it.each([
    ["release", 0],
    ["charge", 400],
  ] as const)("has no effect after an expiry with %s", (on_expiry, consumed) => {
    const stage = writing({ on_expiry });
    stage.waits(5_000);
    const steps = stage.events.length;
    expect(stage.does(release("a"))).toMatchObject({ state: "expired", consumed });
    expect(stage.does(release("a"))).toMatchObject({ state: "expired", consumed });
    expect(stage.events.length).toBe(steps);
    expect(stage.agent("writer")).toMatchObject({ consumed, held: 0 });
    expect(stage.does(commit("a", 150))).toMatchObject({ state: "committed", late: true });
  });

  it("is reservation_settled after a commit, in time or late", () => {
    const refusal = { code: "reservation_settled", id: "a", state: "committed", consumed: 150 };
    const stage = writing();
    stage.does(commit("a", 150));
    expect(stage.isRefused(release("a"))).toEqual(refusal);

    const later = writing();
    later.waits(5_000);
    later.does(commit("a", 150));
    expect(later.isRefused(release("a"))).toEqual(refusal);
  });

  it("is reservation_not_found for an id that no reservation has", () => {
    const stage = writing();
    stage.does(record("writer", 1, { id: "u" }));
    for (const id of ["b", "u"]) {
      expect(stage.isRefused(release(id))).toEqual({ code: "reservation_not_found", id });
    }
    expect(new Stage().isRefused(release("a"))).toEqual({ code: "pool_not_found" });
  });
});

describe("extend", () => {
  it("moves the end to ttl_ms from now", () => {
    const stage = writing();
    stage.waits(4_000);
    expect(stage.does(extend("a", 6_000))).toMatchObject({
      id: "a",
      state: "held",
      granted: 400,
      expires_at: stage.now + 6_000,
      on_expiry: "release",
    });
    stage.waits(5_999);
    expect(stage.agent("writer").held).toBe(400);
    stage.waits(1);
    expect(stage.agent("writer").held).toBe(0);
  });

  it("never moves it to an earlier time", () => {
    const stage = writing();
    const end = stage.now + 5_000;
    stage.waits(1_000);
    expect(stage.does(extend("a", 3_999))).toMatchObject({ expires_at: end });
    expect(stage.does(extend("a", 4_001))).toMatchObject({ expires_at: end + 1 });
  });

  it("never moves it beyond 24 hours after the reserve", () => {
    const stage = writing({ ttl_ms: 10 * hour });
    const start = stage.now;
    stage.waits(9 * hour);
    expect(stage.does(extend("a", 15 * hour - 1))).toMatchObject({ expires_at: start + 24 * hour - 1 });
    expect(stage.does(extend("a", 24 * hour))).toMatchObject({ expires_at: start + 24 * hour });
    stage.waits(14 * hour);
    expect(stage.does(extend("a", 24 * hour))).toMatchObject({ expires_at: start + 24 * hour });
    stage.waits(hour);
    expect(stage.agent("writer").held).toBe(0);
  });

  it("may change what becomes of the hold, also where the end stays", () => {
    const stage = writing();
    const end = stage.now + 5_000;
    expect(stage.does(extend("a", 1_000, "charge"))).toMatchObject({ expires_at: end, on_expiry: "charge" });
    expect(stage.does(extend("a", 6_000))).toMatchObject({ expires_at: end + 1_000, on_expiry: "charge" });
    stage.waits(6_000);
    expect(stage.agent("writer")).toMatchObject({ consumed: 400, held: 0 });

    const back = writing({ on_expiry: "charge" });
    back.does(extend("a", 1_000, "release"));
    back.waits(5_000);
    expect(back.agent("writer")).toMatchObject({ consumed: 0, held: 0 });
  });

  it("works with the gate closed and for an agent that is closing", () => {
    const stage = Stage.with({}, { writer: { confidence_threshold: 0.5 } });
    stage.does(reserve("writer", 400, { id: "a", ttl_ms: 5_000 }));
    stage.does(record("writer", 1, { confidence: 0.5 }));
    stage.does({ op: "close", agent: "writer" });
    expect(stage.does(extend("a", 9_000))).toMatchObject({ state: "held", expires_at: stage.now + 9_000 });
  });

  it.each([
    ["committed", 150, (stage: Stage) => stage.tries(commit("a", 150))],
    ["released", 0, (stage: Stage) => stage.tries(release("a"))],
    ["expired", 400, (stage: Stage) => stage.waits(5_000)],
  ] as const)("is reservation_settled once %s, with the %d booked", (state, consumed, settle) => {
    const stage = writing({ on_expiry: "charge" });
    settle(stage);
    expect(stage.isRefused(extend("a", 60_000))).toEqual({ code: "reservation_settled", id: "a", state, consumed });
  });

  it("is reservation_not_found for an id that no reservation has", () => {
    expect(writing().isRefused(extend("b", 5_000))).toEqual({ code: "reservation_not_found", id: "b" });
    expect(new Stage().isRefused(extend("a", 5_000))).toEqual({ code: "pool_not_found" });
  });
});

describe("expiry", () => {
  it("comes exactly at expires_at, not a millisecond before", () => {
    const stage = writing();
    stage.waits(4_999);
    expect(stage.agent("writer")).toMatchObject({ held: 400, available: 600 });
    stage.waits(1);
    expect(stage.agent("writer")).toMatchObject({ held: 0, consumed: 0, available: 1_000 });
  });

  it("frees the budget for the very next command", () => {
    const stage = writing();
    stage.now += 4_999;
    expect(stage.isRefused(reserve("writer", 1_000))).toMatchObject({ available: 600, retry_after_ms: 1 });
    stage.now += 1;
    expect(stage.does(reserve("writer", 1_000))).toMatchObject({ granted: 1_000, transfers: [] });
  });

  it("comes before the commit that arrives with it, which is late", () => {
    const stage = writing();
    stage.now += 5_000;
    expect(stage.does(commit("a", 400))).toMatchObject({ late: true });
  });

  it("comes before a command that is refused, too", () => {
    const stage = writing({ on_expiry: "charge" });
    stage.now += 5_000;
    expect(stage.tries(reserve("nobody", 1))).toMatchObject({ ok: false, refusal: { code: "agent_not_found" } });
    expect(stage.agent("writer")).toMatchObject({ held: 0, consumed: 400 });
  });

  it("ends the earliest lease first, and by id where equal", () => {
    const stage = Stage.with({}, { writer: { max: 1_000 } });
    stage.does(reserve("writer", 1, { id: "c", ttl_ms: 5_000 }));
    stage.does(reserve("writer", 1, { id: "late", ttl_ms: 6_000 }));
    stage.does(reserve("writer", 1, { id: "a", ttl_ms: 5_000 }));
    stage.does(reserve("writer", 1, { id: "B", ttl_ms: 5_000 }));
    stage.does(reserve("writer", 1, { id: "z-extended", ttl_ms: 1_000 }));
    stage.does(reserve("writer", 1, { id: "first", ttl_ms: 4_000 }));
    stage.does(extend("z-extended", 5_500));
    stage.now += 10_000;
    stage.does({ op: "configure", default_ttl_ms: 1_000 });
    const order = stage.events.flatMap((event) => (event.type === "expired" ? [event.id] : []));
    expect(order).toEqual(["first", "B", "a", "c", "z-extended", "late"]);
  });

  it("books all of the hold where it says charge, whatever else happens to the agent", () => {
    const stage = writing({ on_expiry: "charge" });
    stage.does(record("writer", 600));
    stage.waits(5_000);
    expect(stage.agent("writer")).toMatchObject({ consumed: 1_000, held: 0, available: 0, overage: 0 });
  });

  it("comes after the pool's default_ttl_ms where the reserve names none", () => {
    const stage = Stage.with({ default_ttl_ms: 7_000 }, { writer: {} });
    expect(stage.does(reserve("writer", 1))).toMatchObject({ expires_at: stage.now + 7_000 });
    stage.does({ op: "configure", default_ttl_ms: 9_000 });
    expect(stage.does(reserve("writer", 1))).toMatchObject({ expires_at: stage.now + 9_000 });
    stage.waits(7_000);
    expect(stage.agent("writer").held).toBe(1);
  });
});

describe("a clock that was ahead once", () => {
  it("is believed no more: open leases keep what they had left, and spending goes on", () => {
    const stage = Stage.with({}, { writer: { max_reserves_per_minute: 2 } });
    const right = stage.now;
    stage.waits(86_400_000);
    stage.does(reserve("writer", 1, { id: "x", ttl_ms: 5_000 }));
    stage.now = right + 1_000;
    stage.does(reserve("writer", 1, { id: "y", ttl_ms: 1_000 }));
    expect(stage.events.filter(({ type }) => type === "clock_corrected")).toEqual([
      { type: "clock_corrected", at: right + 1_000, by: 86_399_000 },
    ]);
    stage.waits(1_000);
    stage.does(reserve("writer", 1, { id: "z" }));
    expect(stage.agent("writer").held).toBe(2);
    stage.waits(3_999);
    expect(stage.agent("writer").held).toBe(2);
    stage.waits(1);
    expect(stage.agent("writer").held).toBe(1);
  });
});

describe("a clock that runs backwards", () => {
  it("counts as standing still", () => {
    const stage = writing();
    const start = stage.now;
    stage.now -= 3_000;
    expect(stage.does(reserve("writer", 1, { ttl_ms: 5_000 }))).toMatchObject({ expires_at: start + 5_000 });
    expect(stage.does(extend("a", 6_000))).toMatchObject({ expires_at: start + 6_000 });
  });

  it("keeps what it took to be expired", () => {
    const stage = writing();
    stage.waits(5_000);
    stage.now -= 5_000;
    expect(stage.does(commit("a", 10))).toMatchObject({ late: true });
    const times = stage.events.map((event) => event.at);
    expect(times).toEqual([...times].sort((a, b) => a - b));
  });
});
