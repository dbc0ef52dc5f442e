/** What the page computes by itself: the past, what would have been, how fast budget burns, and words. */
import { describe, expect, it } from "vitest";
import { amount, brief } from "../../dashboard/src/format.ts";
import { Burn } from "../../dashboard/src/model/burn.ts";
import { History } from "../../dashboard/src/model/history.ts";
import { plansIn, play, type Rules } from "../../dashboard/src/model/what-if.ts";
import { explain } from "../../dashboard/src/model/words.ts";
import { fold } from "../../src/engine/evolve.ts";
import { execute } from "../../src/engine/execute.ts";
import { toImage } from "../../src/engine/image.ts";
import { emptyPool, type Pool } from "../../src/engine/state.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import type { JournalEvent } from "../../src/protocol/journal.ts";
import { randomOf } from "../support/random.ts";

const unit = "tokens";
const names = ["a", "b", "c", "d"];

/** A journal of all that can happen, and the pool that came of it. */
function journalOf(seed: number, commands: number, budget: number | null): { events: JournalEvent[]; pool: Pool } {
  const random = randomOf(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const pool = emptyPool();
  const events: PoolEvent[] = [];
  let now = 1_000_000;
  let ids = 0;
  const run = (command: Command): void => {
    now += Math.floor(random() * 400);
    execute(pool, command, now, events);
  };
  run({ op: "configure", budget, equal_priority_donates: seed % 2 === 0 });
  const any = (): Command => {
    const agent = pick(names);
    const id = `i${ids++}`;
    const size = Math.ceil(random() * 400);
    const open = [...pool.remembered.values()].filter((one) => one.op === "reserve" && one.state !== "released");
    const known = open.length === 0 ? "none" : pick(open).id;
    const dice = random();
    if (dice < 0.4) {
      const on_expiry = random() < 0.5 ? "charge" : "release";
      return { op: "reserve", id, agent, amount: size, at_least: Math.ceil(size / 3), ttl_ms: 3_000, on_expiry, unit };
    }
    if (dice < 0.6) return { op: "commit", id: known, amount: size, confidence: random(), unit };
    if (dice < 0.65) return { op: "release", id: known };
    if (dice < 0.7) return { op: "extend", id: known, ttl_ms: 9_000 };
    if (dice < 0.76) return { op: "record", id, agent, amount: size, unit };
    if (dice < 0.8) return { op: "reallocate", id, agent, amount: size, unit };
    if (dice < 0.84) return { op: "reopen", id, agent };
    if (dice < 0.87) return { op: "reset", id, agent };
    if (dice < 0.88) return { op: "close", agent };
    if (dice < 0.89) return { op: "pause", agent: random() < 0.5 ? agent : null };
    if (dice < 0.93) return { op: "resume", agent: random() < 0.5 ? agent : null };
    if (dice < 0.95 && budget !== null) return { op: "fund", id, amount: 500, unit };
    const priority = Math.floor(random() * 4);
    return { op: "register", agent, priority, max: 500 + size, confidence_threshold: 0.97, unit };
  };
  for (let i = 0; i < commands; i++) run(any());
  return { events: events.map((event, index) => ({ seq: index + 1, ...event })), pool };
}

const plain = (pool: Pool): unknown => JSON.parse(JSON.stringify(toImage(pool)));

describe("what if", () => {
  it.each([1, 2, 3, 4, 5, 6])("under the rules that were, is what was: seed %i", (seed) => {
    const { events, pool } = journalOf(seed, 6_000, seed % 3 === 0 ? null : 8_000);
    const granted = events.filter((event) => event.type === "reserved");
    expect(granted.length).toBeGreaterThan(30);
    for (const from of [0, Math.floor(events.length / 2)]) {
      const start = fold(events.slice(0, from));
      const before = plain(start);
      const outcomes = play(start, events.slice(from), new Map(), "governed", pool.settings?.unit ?? unit);
      const served = Object.fromEntries([...outcomes].map(([agent, one]) => [agent, one.served]));
      const were: Record<string, number> = {};
      for (const event of granted) if (event.seq > from) were[event.agent] = (were[event.agent] ?? 0) + 1;
      expect(served).toEqual(were);
      expect([...outcomes.values()].map(({ refused, missed }) => [refused, missed])).toEqual(
        [...outcomes].map(() => [0, 0]),
      );
      expect(plain(start)).toEqual(before);
    }
  });

  it("starves under caps whom budget would have flowed to, and lets one drain a shared pot", () => {
    const pool = emptyPool();
    const events: PoolEvent[] = [];
    const run = (command: Command): void => void execute(pool, command, 1_000 + events.length, events);
    run({ op: "configure" });
    run({ op: "register", agent: "important", priority: 9, max: 1_000, min_reserve: 0, unit });
    run({ op: "register", agent: "idle", priority: 1, max: 1_000, min_reserve: 0, unit });
    for (let i = 0; i < 3; i++) {
      run({ op: "reserve", id: `r${i}`, agent: "important", amount: 600, unit });
      run({ op: "commit", id: `r${i}`, amount: 600, unit });
    }
    run({ op: "reserve", id: "last", agent: "idle", amount: 150, unit });
    const journal = events.map((event, index) => ({ seq: index + 1, ...event }));
    const under = (rules: Rules, edited = new Map()) =>
      Object.fromEntries(play(emptyPool(), journal, edited, rules, unit));
    expect(under("governed")).toMatchObject({ important: { served: 3 }, idle: { served: 1 } });
    expect(under("flat")).toMatchObject({ important: { served: 1, refused: 2, missed: 1_200 }, idle: { served: 1 } });
    expect(under("shared")).toMatchObject({ important: { served: 3 }, idle: { served: 1 } });
    const edited = new Map([["important", { priority: 9, max: 1_900, min_reserve: 0 }]]);
    expect(under("flat", edited)).toMatchObject({ important: { served: 3 } });
    expect(plansIn(emptyPool(), journal).get("idle")).toEqual({ priority: 1, max: 1_000, min_reserve: 0 });
  });
});

describe("the past", () => {
  it("is, at any event, what the journal folds to, and keeps few states", () => {
    const { events } = journalOf(7, 45_000, 8_000);
    const history = new History();
    for (const event of events) history.add(event);
    const random = randomOf(8);
    const moments = [
      0,
      1,
      24_999,
      25_000,
      25_001,
      history.last,
      ...Array.from({ length: 4 }, () => Math.floor(random() * history.last)),
    ];
    for (const seq of moments)
      expect(plain(history.at(seq)), `event ${seq}`).toEqual(plain(fold(events.slice(0, seq))));
    expect(history.at(30_000)).toBe(history.at(30_000));
  });
});

describe("burn", () => {
  it("is what was consumed in the last minute, corrections taken off, and nothing once that is over", () => {
    const burn = new Burn();
    burn.add(1_000, "a", 600);
    burn.add(2_000, "b", 60);
    burn.add(3_000, "a", -300);
    expect(burn.rate(4_000)).toBe(6);
    expect(burn.rate(4_000, "a")).toBe(5);
    expect(burn.rate(61_500)).toBe(0);
    expect(burn.rate(90_000)).toBe(0);
  });
});

describe("words", () => {
  const nobody = { available: 0, lender: () => undefined };
  const commit = { type: "committed", seq: 5, at: 1, id: "r", transfers: [], overage: 0 } as const;

  it("say of a commit what was held and what went back", () => {
    expect(explain({ ...commit, amount: 750 }, unit, { ...nobody, held: 1_150 }, "planner")).toBe(
      "planner used 750 of the 1,150 it held; 400 went back.",
    );
    const beyond = { ...commit, amount: 900, transfers: [{ from: null, amount: 100 }], overage: 50 };
    expect(explain(beyond, unit, { ...nobody, available: 20, held: 730 }, "planner")).toBe(
      "planner used 900, of which 730 were held, and had 20 available; 100 came from the pool's unallocated budget, which gives first; 50 could not be covered and is overage.",
    );
  });

  it("write amounts so that nobody counts zeros", () => {
    expect([1_234_567, 900].map((value) => amount(value, "tokens"))).toEqual(["1,234,567", "900"]);
    expect([1_000_002_500_000, 1_500_000, 1, 0, -2_500].map((value) => amount(value, "microusd"))).toEqual([
      "$1,000,002.50",
      "$1.50",
      "$0.000001",
      "$0.00",
      "-$0.0025",
    ]);
    expect([1_000_002_500_000, 12_345_000, 4_000, 3].map((value) => brief(value, "microusd"))).toEqual([
      "$1M",
      "$12.35",
      "$0.0040",
      "$0.0000030",
    ]);
  });
});
