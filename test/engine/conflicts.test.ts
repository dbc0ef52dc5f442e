/** What a contract or a pool cannot become, and that the refusal says why, by how much, and in which field. */
import { describe, expect, it } from "vitest";
import { type PlainCommand, reserve, Stage } from "./stage.ts";

const register = (agent: string, max: number, more: Partial<Extract<PlainCommand, { op: "register" }>> = {}) =>
  ({ op: "register", agent, priority: 1, max, ...more }) as const;

/** 100 in the unallocated budget; `lead` has 800 of its own, of which it holds 300, and `sub` has 100 of it. */
function pool(): Stage {
  const stage = Stage.with({ budget: 1_000 }, { lead: { max: 900 } });
  stage.does(register("sub", 100, { parent: "lead" }));
  stage.does(reserve("lead", 300));
  return stage;
}

describe("a contract conflict", () => {
  it.each<[string, PlainCommand, object]>([
    [
      "of another parent",
      register("sub", 100, { parent: null }),
      {
        field: "parent",
        reason: "an agent keeps the parent it was registered with; close it and register it again",
      },
    ],
    [
      "of a sub-agent with more than its parent has available",
      register("sub", 601, { parent: "lead" }),
      {
        field: "max",
        reason: "a sub-agent's allocation comes out of what its parent has available",
        needed: 501,
        obtainable: 500,
      },
    ],
    [
      "of an agent with more than the unallocated budget",
      register("new", 101),
      {
        field: "max",
        reason: "allocations come out of the pool's unallocated budget; fund the pool first",
        needed: 101,
        obtainable: 100,
      },
    ],
    [
      "of an agent with less than it holds and has handed down",
      register("lead", 399),
      {
        field: "max",
        reason: "only what the agent has available can be taken from it; it has spent, holds or lent the rest",
        needed: 501,
        obtainable: 500,
      },
    ],
    [
      "of a budget where there was none",
      { op: "configure", budget: null },
      {
        field: "budget",
        reason: "a pool is created with a budget or without; agents already registered came out of one or the other",
      },
    ],
    [
      "of a budget below what is handed out",
      { op: "configure", budget: 899 },
      {
        field: "budget",
        reason: "only the unallocated budget can be taken out of a pool; close agents or lower their contracts first",
        needed: 101,
        obtainable: 100,
      },
    ],
    [
      "of funds taken out below what is handed out",
      { op: "fund", id: "f", amount: -101 },
      {
        field: "tokens",
        reason: "only the unallocated budget can be taken out of a pool; close agents or lower their contracts first",
        needed: 101,
        obtainable: 100,
      },
    ],
  ])("%s", (_, command, says) => {
    expect(pool().isRefused(command)).toEqual({ code: "contract_conflict", ...says });
  });

  it("is none where it is just enough", () => {
    pool().does(register("sub", 600, { parent: "lead" }));
    pool().does(register("new", 100));
    pool().does(register("lead", 400));
    pool().does({ op: "configure", budget: 900 });
    pool().does({ op: "fund", id: "f", amount: -100 });
  });
});
