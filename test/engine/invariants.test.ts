/** The invariants themselves: each is broken by hand, and says so. An audit that finds nothing must be able to find. */
import { describe, expect, it } from "vitest";
import { fromImage, isSame, toImage } from "../../src/engine/image.ts";
import { violations } from "../../src/engine/invariants.ts";
import {
  type Agent,
  agentOf,
  type History,
  type Pool,
  type Reservation,
  reservationOf,
} from "../../src/engine/state.ts";
import { reserve, Stage } from "./stage.ts";

/** 1,000, of which `lead` has 500, and its `sub` 100 of those; `lead` holds 50, and 20 of `sub` have expired. */
function pool(): Pool {
  const stage = Stage.with({ budget: 1_000 }, { lead: { max: 500 }, sub: { max: 100, parent: "lead" } });
  stage.does(reserve("sub", 20, { id: "late", ttl_ms: 5_000, on_expiry: "charge" }));
  stage.waits(5_000);
  stage.does(reserve("lead", 50, { id: "open" }));
  stage.does({ op: "record", id: "used", agent: "lead", amount: 7 });
  return stage.pool;
}

describe("a violation", () => {
  const agent = (name: string, change: (agent: Agent) => void) => (one: Pool) => change(agentOf(one, name));
  const reservation = (id: string, change: (known: Reservation) => void) => (one: Pool) =>
    change(reservationOf(one, id));

  const history = (name: string, change: (history: History) => void) => (one: Pool) => {
    const found = one.histories.get(name);
    if (found !== undefined) change(found);
  };

  it.each<[string[], (pool: Pool) => void]>([
    [["unallocated, allocations and closed accounts are 1000, the total 1001"], (one) => void one.total++],
    [["unallocated, allocations and closed accounts are 1001, the total 1000"], (one) => void one.unallocated++],
    [["agents and closed accounts consumed 27, the pool 28"], (one) => void one.consumed++],
    [["open reservations hold 50, the pool 51"], (one) => void one.held++],
    [["1 reservations are open, the pool counts 2"], (one) => void one.open++],
    [["1 are unsettled, not 2"], (one) => void one.unsettledCount++],
    [["periods end at 5, not when the first does"], (one) => void (one.periodsEndAt = 5)],
    [["seq is 0.5, not a whole number of at least 0"], (one) => void (one.seq = 0.5)],
    [["horizon is -1, not a whole number of at least 0"], (one) => void (one.horizon = -1)],
    [
      [
        "closed allocated is -1, not a whole number of at least 0",
        "unallocated, allocations and closed accounts are 999, the total 1000",
      ],
      (one) => void (one.closed.allocated = -1),
    ],
    [["lead has held 51, its parts say 50"], agent("lead", (one) => void one.held++)],
    [["lead has open 2, its parts say 1"], agent("lead", (one) => void one.open++)],
    [["sub has unsettled 2, its parts say 1"], agent("sub", (one) => void one.unsettled++)],
    [["lead has sub-agents 2, its parts say 1"], agent("lead", (one) => void one.subAgents++)],
    [
      [
        "lead allocated is 400.5, not a whole number of at least 0",
        "unallocated, allocations and closed accounts are 1000.5, the total 1000",
      ],
      agent("lead", (one) => {
        one.allocated += 0.5;
      }),
    ],
    [["sub is closing and nothing keeps it"], agent("sub", (one) => void (one.closing = true))],
    [
      ["sub has a parent gone that is gone"],
      (one) => {
        agentOf(one, "sub").contract = { ...agentOf(one, "sub").contract, parent: "gone" };
        agentOf(one, "lead").subAgents = 0;
      },
    ],
    [["hold 49, the pool 50", "lead has held 50"], reservation("open", (one) => Object.assign(one, { granted: 49 }))],
    [["the history of lead has outcomeBytes 513, not 512"], history("lead", (one) => void one.outcomeBytes++)],
    [["the history of sub has unsettledCount 2, not 1"], history("sub", (one) => void one.unsettledCount++)],
    [["the history of sub has unsettledBytes 513, not 512"], history("sub", (one) => void one.unsettledBytes++)],
    [["the pool has outcomeCount 2, its histories say 1"], (one) => void one.outcomeCount++],
    [["the pool has openBytes 513, its histories say 512"], (one) => void one.openBytes++],
    [["lead has open bytes 513, its parts say 512"], agent("lead", (one) => void one.openBytes++)],
    [
      ["3 writes are remembered, not 2"],
      (one) => {
        one.histories.delete("lead");
        one.outcomeCount = one.outcomeBytes = 0;
      },
    ],
    [["late charged is -1"], reservation("late", (one) => void (one.charged = -1))],
    [["late chargedBefore is 0.5"], reservation("late", (one) => void (one.chargedBefore = 0.5))],
  ])("is found: %j", (sentences, breaks) => {
    const broken = pool();
    expect(violations(broken)).toEqual([]);
    breaks(broken);
    expect(violations(broken)).toEqual(sentences.map((sentence) => expect.stringContaining(sentence)));
  });

  it("is none where a closing agent is kept by its sub-agent", () => {
    const kept = pool();
    agentOf(kept, "lead").closing = true;
    expect(violations(kept)).toEqual([]);
  });
});

describe("two pools", () => {
  const copy = (one: Pool): Pool => fromImage(structuredClone(toImage(one)));

  it("are the same when all of their parts are", () => {
    const one = pool();
    expect(isSame(one, copy(one))).toBe(true);
  });

  it.each<[string, (pool: Pool) => void]>([
    ["a sum", (one) => void one.total++],
    ["an agent", (one) => void agentOf(one, "lead").consumed++],
    ["one agent more", (one) => void one.agents.delete("sub")],
    ["a reservation", (one) => Object.assign(reservationOf(one, "open"), { granted: 49 })],
    ["one outcome fewer", (one) => void one.remembered.delete("used")],
    ["what is settled", (one) => one.histories.get("lead")?.outcomes.push("more")],
    ["how far back ids may have been used", (one) => Object.assign(one.histories.get("lead") ?? {}, { horizon: 1 })],
    ["what is unsettled", (one) => one.unsettled.push({ id: "more", seq: 1 })],
  ])("that differ in %s are not", (_, change) => {
    const one = pool();
    const other = copy(one);
    change(other);
    expect(isSame(one, other)).toBe(false);
    expect(isSame(other, one)).toBe(false);
  });
});

describe("a pool read back", () => {
  it("waits for the leases that are open, and for no others", () => {
    const read = fromImage(structuredClone(toImage(pool())));
    expect(read.leases.size).toBe(1);
    expect(read.leases.peek()?.id).toBe("open");
  });
});
