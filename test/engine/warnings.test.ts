import { describe, expect, it } from "vitest";
import type { PoolEvent } from "../../src/protocol/events.ts";
import { record, reserve, Stage } from "./stage.ts";

const hour = 3_600_000;

/** What was warned of, in order: kind, of whom, and how far. */
function warnings(stage: Stage, from = 0): string[] {
  return stage.events.slice(from).flatMap((event: PoolEvent) => {
    if (event.type !== "warned") return [];
    const of = event.agent ?? "pool";
    return [event.warning === "threshold" ? `${of} ${event.percent}` : `${of} ${event.warning}`];
  });
}

describe("a threshold", () => {
  it("is said once when it is reached, each of those that one commit crosses", () => {
    const stage = Stage.with({ budget: 1_000 }, { a: { max: 100 } });
    for (const amount of [49, 1, 1, 44, 0, 5]) stage.does(record("a", amount));
    expect(warnings(stage)).toEqual(["a 50", "a 80", "a 95", "a 100"]);
    stage.does(record("a", 850));
    expect(warnings(stage)).toEqual(["a 50", "a 80", "a 95", "a 100", "pool 50", "pool 80", "pool 95"]);
  });

  it("may be said again after the budget has grown beyond it, or a period has begun", () => {
    const refill = { every: "hours", hours: 1 } as const;
    const stage = Stage.with({ budget: 100, refill, warn_at: [50] }, { a: { max: 100 } });
    stage.does(record("a", 60));
    expect(warnings(stage)).toEqual(["a 50", "pool 50"]);
    stage.does({ op: "fund", id: "f", amount: 100 });
    stage.does(record("a", 60));
    expect(warnings(stage)).toEqual(["a 50", "pool 50", "pool 50"]);
    stage.waits(hour);
    const from = stage.events.length;
    stage.does(record("a", 60));
    expect(warnings(stage, from)).toEqual(["a 50", "pool 50"]);
  });

  it("is of the pool's choosing, or none", () => {
    const stage = Stage.with({ budget: 1_000, warn_at: [] }, { a: { max: 100 } });
    stage.does(record("a", 100));
    expect(warnings(stage)).toEqual([]);
  });

  it("counts what a lease charged when it ended", () => {
    const stage = Stage.with({ warn_at: [50] }, { a: { max: 100 }, b: { max: 100 } });
    stage.does(reserve("a", 50, { on_expiry: "charge", ttl_ms: 1_000 }));
    stage.waits(1_000);
    expect(warnings(stage)).toEqual(["a 50"]);
  });
});

describe("a gate that closes, and an overage", () => {
  it("are said once, and again only after what ended them", () => {
    const stage = Stage.with({ warn_at: [] }, { a: { max: 100, confidence_threshold: 0.8 } });
    stage.does(record("a", 1, { confidence: 0.7 }));
    stage.does(record("a", 1, { confidence: 0.9 }));
    stage.does(record("a", 1, { confidence: 0.95 }));
    stage.does({ op: "reopen", agent: "a", id: "o" });
    stage.does(record("a", 1, { confidence: 0.9 }));
    expect(warnings(stage)).toEqual(["a gate_closed", "a gate_closed"]);
    stage.does(record("a", 100));
    stage.does(record("a", 100));
    expect(warnings(stage).slice(2)).toEqual(["a overage"]);
    stage.does({ op: "reset", agent: "a", id: "x" });
    stage.does(record("a", 101));
    expect(warnings(stage).slice(3)).toEqual(["a overage"]);
  });

  it("closing by another contract is said too", () => {
    const stage = Stage.with({ warn_at: [] }, { a: { max: 100, confidence_threshold: 0.9 } });
    stage.does(record("a", 1, { confidence: 0.8 }));
    stage.does({ op: "register", agent: "a", priority: 1, max: 100, confidence_threshold: 0.5 });
    expect(warnings(stage)).toEqual(["a gate_closed"]);
  });
});

describe("a forecast", () => {
  it("is said when the period's average will exhaust the budget before its end, not before it can be told", () => {
    const refill = { every: "hours", hours: 10 } as const;
    const stage = Stage.with({ budget: 1_000, refill, warn_at: [] }, { a: { max: 1_000 } });
    stage.waits(60_000);
    stage.does(record("a", 200));
    expect(warnings(stage)).toEqual([]);
    stage.waits(hour - 60_000);
    stage.does(record("a", 0));
    expect(stage.events.at(-1)).toMatchObject({
      type: "warned",
      warning: "burn_rate",
      agent: null,
      consumed: 200,
      budget: 1_000,
      exhausts_at: 1_000_000 + 5 * hour,
      ends_at: 1_000_000 + 10 * hour,
    });
    stage.does(record("a", 100));
    expect(warnings(stage)).toEqual(["pool burn_rate"]);
  });

  it("is none where the budget will last, and none where no period ends", () => {
    const refill = { every: "hours", hours: 10 } as const;
    const stage = Stage.with({ budget: 1_000, refill, warn_at: [] }, { a: { max: 1_000 } });
    stage.waits(5 * hour);
    stage.does(record("a", 500));
    const endless = Stage.with({ budget: 1_000, warn_at: [] }, { a: { max: 1_000 } });
    endless.waits(5 * hour);
    endless.does(record("a", 999));
    expect([...warnings(stage), ...warnings(endless)]).toEqual([]);
  });
});
