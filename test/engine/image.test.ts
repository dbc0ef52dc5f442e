import { describe, expect, it } from "vitest";
import { execute } from "../../src/engine/execute.ts";
import { fromImage, type PoolImage, toImage } from "../../src/engine/image.ts";
import { violations } from "../../src/engine/invariants.ts";
import { emptyPool, type Pool } from "../../src/engine/state.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import type { OnExpiry } from "../../src/protocol/reservation.ts";
import { randomOf } from "../support/random.ts";

const steps = 3_000;

/** What a snapshot does to a pool: through text and back. */
function throughText(pool: Pool): Pool {
  return fromImage(JSON.parse(JSON.stringify(toImage(pool))) as PoolImage);
}

/** Any command, on few enough names and ids that they meet again. */
function commandsOf(random: () => number, budget: number | null): () => Command {
  const below = (limit: number) => Math.floor(random() * limit);
  const one = <T>(first: T, ...others: T[]): T => others[below(others.length + 1)] ?? first;
  const agent = () => one("lead", "writer", "critic", "helper", "planner");
  const paused = () => (random() < 0.3 ? null : agent());
  const maybe = <T>(value: T): T | undefined => (random() < 0.3 ? value : undefined);
  let made = 0;
  const id = () => {
    made++;
    return `id${Math.max(0, made - below(60))}`;
  };
  const reserved: string[] = [];
  const open = () => (random() < 0.8 ? (reserved.at(-1 - below(8)) ?? id()) : id());
  const confidence = () => maybe(below(11) / 10);
  const unit = "tokens";
  return () => {
    switch (below(18)) {
      case 0:
        return {
          op: "configure",
          budget,
          refill: maybe({ every: "hours", hours: 1 + below(2), rollover: one("none", "unspent") }),
          equal_priority_donates: random() < 0.5,
          default_ttl_ms: 100 * (1 + below(9)),
        };
      case 1:
        return { op: "fund", id: id(), amount: below(1_000) - 300, unit };
      case 2:
      case 3: {
        const contract = { priority: below(3), max: below(1_000), min_reserve: maybe(below(200)) };
        const guards = { confidence_threshold: maybe(0.9), ceiling: maybe(below(1_500)) };
        const pace = { max_reserves_per_minute: maybe(40), final_reserve: maybe(below(50)) };
        const refill = maybe({ every: "hours", hours: 1 } as const);
        return {
          op: "register",
          agent: agent(),
          ...contract,
          ...guards,
          ...pace,
          refill,
          parent: maybe(agent()),
          unit,
        };
      }
      case 4:
        return random() < 0.3 ? { op: "close", agent: agent() } : { op: "reopen", agent: agent(), id: id() };
      case 5:
        return { op: "reset", agent: agent(), id: id() };
      case 6:
      case 7:
      case 8:
      case 9: {
        const lease = { ttl_ms: maybe(100 + below(2_000)), on_expiry: maybe(one<OnExpiry>("charge", "release")) };
        const wish = { amount: 1 + below(300), at_least: maybe(1), metadata: maybe({ run: `${below(3)}` }) };
        reserved.push(id());
        return { op: "reserve", id: reserved.at(-1) ?? "", agent: agent(), ...wish, ...lease, unit };
      }
      case 10:
      case 11:
        return { op: "commit", id: open(), amount: below(400), confidence: confidence(), unit };
      case 12:
        return { op: "release", id: open() };
      case 13:
        return {
          op: "extend",
          id: open(),
          ttl_ms: 100 + below(3_000),
          on_expiry: maybe(one<OnExpiry>("charge", "release")),
        };
      case 14:
        return { op: "record", id: id(), agent: agent(), amount: below(100), confidence: confidence(), unit };
      case 15:
        // Sooner resumed than paused, or nothing else would be granted.
        return random() < 0.2 ? { op: "pause", agent: paused() } : { op: "resume", agent: paused() };
      case 16:
        return random() < 0.1 ? { op: "reset_period", id: id() } : { op: "release", id: open() };
      default:
        return { op: "reallocate", id: id(), agent: agent(), amount: below(300), dry_run: maybe(true), unit };
    }
  };
}

describe("a pool read back from its image", () => {
  it.each([
    [1, null],
    [2, null],
    [3, 2_000],
    [4, 2_000],
  ])("goes on as the pool itself would: seed %d, budget %s", (seed, budget) => {
    const random = randomOf(seed);
    const next = commandsOf(random, budget);
    const own = { pool: emptyPool(), events: [] as PoolEvent[] };
    const read = { pool: emptyPool(), events: [] as PoolEvent[] };
    const succeeded = new Set<string>();
    let now = 1_000_000;
    for (let step = 0; step < steps; step++) {
      now += random() < 0.01 ? 2_000_000 : Math.floor(random() * 120) - 10;
      const command: Command = step === 0 ? { op: "configure", budget } : next();
      const outcome = execute(own.pool, command, now, own.events);
      expect(execute(read.pool, command, now, read.events), `step ${step}`).toEqual(outcome);
      if (random() < 0.1) read.pool = throughText(read.pool);
      if (outcome.ok) succeeded.add(command.op);
    }
    expect(read.events).toEqual(own.events);
    expect(JSON.parse(JSON.stringify(toImage(read.pool)))).toEqual(JSON.parse(JSON.stringify(toImage(own.pool))));
    expect(violations(read.pool)).toEqual([]);
    // The series would prove little if it only ran into refusals.
    expect(succeeded.size).toBe(15);
    const types = new Set(own.events.map((event) => (event.type === "committed" && event.late ? "late" : event.type)));
    const later = ["paused", "resumed", "period_started", "agent_period_started", "warned"];
    for (const type of ["expired", "late", "closed", "closing", "extended", "released", ...later])
      expect(types).toContain(type);
  });

  it("is the same however often it is read", () => {
    const pool = emptyPool();
    const next = commandsOf(randomOf(5), null);
    execute(pool, { op: "configure" }, 1, []);
    for (let step = 0; step < 500; step++) execute(pool, next(), 1 + step * 50, []);
    const image = JSON.stringify(toImage(pool));
    expect(JSON.stringify(toImage(throughText(throughText(pool))))).toBe(image);
  });

  it("expires its leases in the same order", () => {
    const pool = emptyPool();
    const run = (command: Command, now: number, events: PoolEvent[] = []) => execute(pool, command, now, events);
    run({ op: "configure" }, 1);
    run({ op: "register", agent: "writer", priority: 1, max: 1_000, unit: "tokens" }, 1);
    const lease = { op: "reserve", agent: "writer", amount: 1, unit: "tokens" } as const;
    run({ ...lease, id: "c", ttl_ms: 500 }, 1);
    run({ ...lease, id: "b", ttl_ms: 100 }, 1);
    run({ ...lease, id: "a", ttl_ms: 500 }, 1);
    run({ op: "extend", id: "b", ttl_ms: 500 }, 1);
    const events: PoolEvent[] = [];
    execute(throughText(pool), { op: "release", id: "nobody's" }, 501, events);
    expect(events).toEqual(["a", "b", "c"].map((id) => ({ type: "expired", at: 501, id, charged: 0 })));
  });

  it("of a pool that does not exist is a pool that does not exist", () => {
    expect(throughText(emptyPool())).toEqual(emptyPool());
  });
});
