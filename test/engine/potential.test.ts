/** What a refused agent could get once everything that is open has come back, and who is closing has left. */
import { describe, expect, it } from "vitest";
import { reserve, Stage } from "./stage.ts";

describe("the potential of an agent", () => {
  it("is without what a closing agent's contract issued, but with what it was lent", () => {
    const stage = Stage.with({}, { a: { max: 100 }, b: { max: 300, min_reserve: 0 } });
    stage.does({ op: "fund", id: "f", amount: 50 });
    stage.does({ op: "reallocate", id: "m", agent: "b", amount: 50 });
    stage.does(reserve("b", 10));
    expect(stage.isRefused(reserve("a", 451))).toMatchObject({ potential: 450 });
    stage.does({ op: "close", agent: "b" });
    expect(stage.isRefused(reserve("a", 151))).toMatchObject({ potential: 150 });
  });

  it("is no more than the pool will have left, whatever was spent beyond", () => {
    const stage = Stage.with({}, { a: { max: 100 }, b: { max: 300, min_reserve: 0 }, c: { max: 10, priority: 0 } });
    stage.does({ op: "fund", id: "f", amount: 50 });
    stage.does({ op: "reallocate", id: "m", agent: "b", amount: 50 });
    stage.does(reserve("b", 10));
    stage.does({ op: "record", id: "u", agent: "c", amount: 70 });
    stage.does({ op: "close", agent: "b" });
    expect(stage.isRefused(reserve("a", 151))).toMatchObject({ potential: 90 });
  });

  it("is with what a closing sub-agent leaves, and without what that has spent", () => {
    const stage = Stage.with({ budget: 500 }, { lead: { max: 500 }, sub: { max: 100, parent: "lead" } });
    stage.does({ op: "record", id: "u", agent: "sub", amount: 30 });
    stage.does(reserve("sub", 10));
    stage.does({ op: "close", agent: "sub" });
    expect(stage.isRefused(reserve("lead", 471))).toMatchObject({ potential: 470 });
  });
});
