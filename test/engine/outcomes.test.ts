import { describe, expect, it } from "vitest";
import { bytesOfReserve } from "../../src/engine/bytes.ts";
import { execute } from "../../src/engine/execute.ts";
import { fromImage, isSame, type PoolImage, toImage } from "../../src/engine/image.ts";
import { violations } from "../../src/engine/invariants.ts";
import { emptyPool, type Pool } from "../../src/engine/state.ts";
import type { Command, Outcome } from "../../src/protocol/commands.ts";
import { record, reserve, Stage } from "./stage.ts";

const start = 1_700_000_000_000;
const minute = 60_000;
const hour = 60 * minute;

/** A pool of many outcomes: commands run without the checks of `Stage`. Agents have a trillion each. */
class Crowd {
  readonly pool: Pool = emptyPool();
  now = start;

  constructor(...agents: string[]) {
    this.run({ op: "configure" });
    for (const agent of agents) this.run({ op: "register", agent, priority: 1, max: 1e12, unit: "tokens" });
  }

  run(command: Command): Outcome {
    return execute(this.pool, command, this.now, []);
  }

  /** "ran", "replayed", or the code of the refusal. */
  comesTo(command: Command): string {
    const outcome = this.run(command);
    if (!outcome.ok) return outcome.refusal.code;
    return "replayed" in outcome.result ? "replayed" : "ran";
  }

  records(count: number, prefix: string): void {
    for (let i = 0; i < count; i++) this.run(use(`${prefix}${i}`));
  }
}

const use = (id: string): Command => ({ op: "record", id, agent: "writer", amount: 1, unit: "tokens" });
const hold = (id: string, agent = "writer", ttl_ms = 5_000): Command => {
  return { op: "reserve", id, agent, amount: 1, unit: "tokens", ttl_ms };
};
const commit = (id: string): Command => ({ op: "commit", id, amount: 1, unit: "tokens" });

/** As much as labels may take: 4,096 bytes. */
const labels = Object.fromEntries(Array.from({ length: 15 }, (_, i) => [`label-${i}`, "x".repeat(256)]));

/** A UUIDv7 of that time; `n` tells those of one millisecond apart. */
function uuid7(time: number, n = 0): string {
  const hex = time.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${n.toString(16).padStart(12, "0")}`;
}

describe("a write that is repeated", () => {
  it("is answered as it was then, only the agent is as of now", () => {
    const stage = Stage.with({ budget: 1_200 }, { writer: { max: 1_000 } });
    const ask = reserve("writer", 1_100, { id: "a", ttl_ms: 5_000, metadata: { run: "1", step: "2" } });
    const first = stage.does(ask);
    stage.waits(1_000);
    stage.does({ op: "extend", id: "a", ttl_ms: 60_000, on_expiry: "charge" });
    stage.does({ op: "commit", id: "a", amount: 700 });
    const again = stage.does({ ...ask, metadata: { step: "2", run: "1" } });
    expect(again).toEqual({ ...first, agent: { name: "writer", ...stage.agent("writer") }, replayed: true });
    expect(again).toMatchObject({ state: "held", expires_at: first.expires_at, on_expiry: "release", granted: 1_100 });
    expect(again.agent).toMatchObject({ consumed: 700, held: 0 });
  });

  it("changes nothing, also when the agent could not do it any more", () => {
    const stage = Stage.with({}, { writer: { max: 100, confidence_threshold: 0.5 } });
    stage.does(reserve("writer", 100, { id: "a" }));
    stage.does(record("writer", 50, { id: "u", confidence: 0.5 }));
    stage.does({ op: "close", agent: "writer" });
    const steps = stage.events.length;
    expect(stage.does(reserve("writer", 100, { id: "a" }))).toMatchObject({ granted: 100, replayed: true });
    stage.does({ op: "release", id: "a" });
    expect(stage.does(record("writer", 50, { id: "u", confidence: 0.5 }))).toMatchObject({
      consumed: 50,
      overage: 50,
      agent: null,
      replayed: true,
    });
    expect(stage.events.slice(steps).map((event) => event.type)).toEqual(["released", "closed"]);
  });

  it("runs if it was refused before", () => {
    const stage = Stage.with({ budget: 100 }, { writer: { max: 100 } });
    const ask = reserve("writer", 150, { id: "a" });
    stage.isRefused(ask);
    stage.does({ op: "fund", id: "f", amount: 50 });
    expect(stage.does(ask)).not.toHaveProperty("replayed");
    expect(stage.agent("writer").held).toBe(150);
  });
});

describe("settled outcomes", () => {
  it("are remembered while they are among the last 10,000, however old", () => {
    const crowd = new Crowd("writer");
    crowd.records(9_999, "u");
    crowd.now += 24 * hour;
    crowd.records(1, "later");
    expect(crowd.comesTo(use("u0"))).toBe("replayed");
    crowd.records(1, "last");
    expect(crowd.comesTo(use("u1"))).toBe("replayed");
    expect(crowd.comesTo(use("u0"))).toBe("ran");
  });

  it("are all remembered for 10 minutes", () => {
    const crowd = new Crowd("writer");
    crowd.records(15_000, "u");
    crowd.now += 9 * minute;
    crowd.records(1, "v");
    expect(crowd.comesTo(use("u0"))).toBe("replayed");
    crowd.now += 2 * minute;
    crowd.records(1, "w");
    // 15,002 in all: of those from 11 minutes ago the first 5,002 are forgotten
    expect(crowd.comesTo(use("u5002"))).toBe("replayed");
    expect(crowd.comesTo(use("v0"))).toBe("replayed");
    expect(crowd.comesTo(use("u5001"))).toBe("ran");
  });

  it("are remembered up to 40,000, however young", () => {
    const crowd = new Crowd("writer");
    crowd.records(40_000, "u");
    expect(crowd.comesTo(use("u0"))).toBe("replayed");
    crowd.records(1, "one more");
    expect(crowd.comesTo(use("u1"))).toBe("replayed");
    expect(crowd.comesTo(use("u0"))).toBe("ran");
  });

  it("count from when they were settled", () => {
    const crowd = new Crowd("writer");
    crowd.run(hold("a", "writer", 24 * hour));
    crowd.records(5_000, "u");
    crowd.now += hour;
    crowd.run(commit("a"));
    crowd.records(9_999, "v");
    expect(crowd.comesTo(commit("a"))).toBe("replayed");
    expect(crowd.comesTo(use("u4999"))).toBe("ran");
  });
});

describe("an id that may have been forgotten", () => {
  const horizon = start - 5;

  /** A pool that forgot the record `uuid7(horizon)`, and nothing else that has a time. */
  function forgetful(): Crowd {
    const crowd = new Crowd("writer");
    crowd.run(use(uuid7(horizon)));
    crowd.now += hour;
    crowd.records(10_000, "u");
    return crowd;
  }

  it("never runs again: id_too_old", () => {
    expect(forgetful().run(use(uuid7(horizon)))).toEqual({
      ok: false,
      refusal: { code: "id_too_old", id: uuid7(horizon) },
    });
  });

  it.each([
    [uuid7(horizon, 1), "id_too_old"],
    [uuid7(horizon - 1), "id_too_old"],
    [uuid7(horizon).toUpperCase(), "id_too_old"],
    [uuid7(horizon + 1), "ran"],
    [uuid7(horizon).replace("-7000-", "-4000-"), "ran"],
    [`${uuid7(horizon)}0`, "ran"],
    ["free-form", "ran"],
  ])("%s, which is unknown: %s", (id, code) => {
    expect(forgetful().comesTo(use(id))).toBe(code);
  });

  it.each<Extract<Command, { id: string }>>([
    { op: "reopen", id: uuid7(horizon), agent: "writer" },
    { op: "reset", id: uuid7(horizon), agent: "writer" },
    { op: "reserve", id: uuid7(horizon), agent: "writer", amount: 1, unit: "tokens" },
    { op: "record", id: uuid7(horizon), agent: "writer", amount: 1, unit: "tokens" },
    { op: "reallocate", id: uuid7(horizon), agent: "writer", amount: 1, unit: "tokens" },
    { op: "commit", id: uuid7(horizon), amount: 1, unit: "tokens" },
    { op: "release", id: uuid7(horizon) },
    { op: "extend", id: uuid7(horizon), ttl_ms: 1_000 },
  ])("is id_too_old for $op, before anything is looked for", (command) => {
    const crowd = forgetful();
    crowd.run({ op: "close", agent: "writer" });
    expect(crowd.comesTo(command)).toBe("id_too_old");
    expect(crowd.comesTo({ ...command, id: uuid7(horizon + 1) })).toMatch(/not_found/);
  });

  it.each<Extract<Command, { id: string }>>([
    { op: "fund", id: uuid7(horizon), amount: 1, unit: "tokens" },
    { op: "reset_period", id: uuid7(horizon) },
    { op: "record", id: uuid7(horizon), agent: "critic", amount: 1, unit: "tokens" },
  ])("is a new id to whom it is not of: $op", (command) => {
    const crowd = forgetful();
    crowd.run({ op: "register", agent: "critic", priority: 1, max: 1, unit: "tokens" });
    expect(crowd.comesTo(command)).toBe("ran");
  });

  it("stays too old when an older one is forgotten later", () => {
    const crowd = new Crowd("writer");
    for (const time of [horizon, horizon - 10]) crowd.run(use(uuid7(time)));
    crowd.now += hour;
    crowd.records(10_000, "u");
    for (const time of [horizon, horizon - 10]) expect(crowd.comesTo(use(uuid7(time)))).toBe("id_too_old");
  });

  it("was of a time to come, by a clock that was ahead once: what is new by the right one runs", () => {
    const crowd = new Crowd("writer");
    crowd.now += 48 * hour;
    crowd.run(use(uuid7(crowd.now)));
    crowd.now += hour;
    crowd.records(10_000, "u");
    crowd.now = start + minute;
    expect(crowd.comesTo(use(uuid7(start + minute + 1)))).toBe("ran");
    expect(violations(crowd.pool)).toEqual([]);
  });

  it("is answered again while it is remembered, however old its time", () => {
    const crowd = new Crowd("writer");
    crowd.run(use(uuid7(horizon)));
    crowd.now += hour;
    crowd.run(use(uuid7(horizon - 1)));
    crowd.records(9_999, "u");
    expect(crowd.comesTo(use(uuid7(horizon)))).toBe("id_too_old");
    expect(crowd.comesTo(use(uuid7(horizon - 1)))).toBe("replayed");
  });

  it("does not get others refused by claiming a time in the future", () => {
    const crowd = new Crowd("writer");
    crowd.run(use(uuid7(start + 12 * hour)));
    crowd.now += hour;
    crowd.records(10_000, "u");
    expect(crowd.comesTo(use(uuid7(crowd.now)))).toBe("ran");
  });
});

describe("reservations", () => {
  it("are remembered as long as they are open", () => {
    const crowd = new Crowd("writer");
    crowd.run(hold("a", "writer", 24 * hour));
    crowd.now += 20 * hour;
    crowd.records(40_001, "u");
    expect(crowd.comesTo(hold("a", "writer", 24 * hour))).toBe("replayed");
    expect(crowd.run(commit("a"))).toMatchObject({ ok: true, result: { state: "committed", late: false } });
  });

  it("wait for their late commit for 24 hours after they expired", () => {
    const crowd = new Crowd("writer");
    for (const id of ["a", "b", uuid7(start)]) crowd.run(hold(id));
    crowd.now += 5_000;
    crowd.records(1, "expires them");
    crowd.now += 24 * hour - 1;
    crowd.records(20_000, "u");
    expect(crowd.run(commit("a"))).toMatchObject({ ok: true, result: { late: true } });
    crowd.now += 2;
    crowd.records(1, "forgets them");
    expect(crowd.comesTo(commit("b"))).toBe("reservation_not_found");
    expect(crowd.comesTo(commit(uuid7(start)))).toBe("id_too_old");
    expect(crowd.comesTo(commit("a"))).toBe("replayed");
    expect(violations(crowd.pool)).toEqual([]);
  });

  it("wait for it up to 20,000, and the oldest are forgotten first", () => {
    const crowd = new Crowd("writer");
    for (let i = 0; i < 20_001; i++) {
      crowd.run(hold(`a${i}`));
      crowd.now++;
    }
    crowd.now += 5_000;
    crowd.records(1, "expires the last");
    expect(crowd.comesTo(commit("a0"))).toBe("reservation_not_found");
    expect(crowd.run(commit("a1"))).toMatchObject({ ok: true, result: { late: true } });
  });

  it("wait no longer than that where an id before them is used again", () => {
    const crowd = new Crowd("writer");
    for (const id of ["a first", "b again", "c last"]) crowd.run(hold(id));
    crowd.now += 5_000;
    crowd.run(commit("b again"));
    crowd.now += hour;
    crowd.records(10_000, "u");
    expect(crowd.comesTo(hold("b again"))).toBe("ran");
    crowd.now += 5_000;
    crowd.run(commit("a first"));
    crowd.now += 23 * hour;
    crowd.records(1, "forgets the third");
    expect(crowd.comesTo(commit("c last"))).toBe("reservation_not_found");
    expect(crowd.run(commit("b again"))).toMatchObject({ ok: true, result: { late: true } });
  });
});

describe("a client whose clock runs ahead", () => {
  it("locks nobody out: ids of now are taken, whatever was forgotten", () => {
    const crowd = new Crowd("writer");
    for (let i = 0; i < 40_010; i++) crowd.run(use(uuid7(start + minute, i)));
    for (const later of [1, 1_000, 30_000]) {
      crowd.now = start + later;
      expect(crowd.comesTo(use(uuid7(crowd.now, 7)))).toBe("ran");
    }
  });
});

describe("an agent that sends very much", () => {
  const by = (agent: string, id: string, amount = 1): Command => ({ op: "record", id, agent, amount, unit: "tokens" });

  it("pushes nothing of another's out: its records are answered again, not booked twice", () => {
    const crowd = new Crowd("victim", "evil");
    crowd.run(by("victim", "bill-1", 100));
    for (let i = 0; i < 100_000; i++) crowd.run(by("evil", `e${i}`, 0));
    expect(crowd.comesTo(by("victim", "bill-1", 100))).toBe("replayed");
    expect(crowd.pool.agents.get("victim")?.consumed).toBe(100);
    expect(violations(crowd.pool)).toEqual([]);
  });

  it("gets no fresh id of another's refused, and its own only as far as it has forgotten", () => {
    const crowd = new Crowd("victim", "evil");
    for (let i = 0; i < 41_000; i++) crowd.run(by("evil", uuid7(crowd.now + Math.floor(i / 100), i), 0));
    crowd.now += 1_000;
    // Sent a second ago, and the request was lost; or by a clock that is two seconds behind.
    for (const ago of [1_000, 2_000]) expect(crowd.comesTo(by("victim", uuid7(crowd.now - ago, ago)))).toBe("ran");
    expect(crowd.comesTo(by("evil", uuid7(start)))).toBe("id_too_old");
  });

  it("loses no late commit of another's, however many of its own leases end", () => {
    const crowd = new Crowd("victim", "evil");
    crowd.run(hold("late", "victim"));
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 5_000; i++) crowd.run(hold(`e${round}-${i}`, "evil", 100));
      crowd.now += 5_000;
      crowd.run(by("evil", `expires ${round}`, 0));
    }
    expect(crowd.pool.unsettledBytes).toBeLessThanOrEqual(20_000 * 512);
    expect(crowd.run(commit("late"))).toMatchObject({ ok: true, result: { late: true } });
    expect(crowd.comesTo(commit("e0-0"))).toBe("reservation_not_found");
    expect(violations(crowd.pool)).toEqual([]);
  });

  it("is bounded in bytes: with full labels far fewer are remembered, and again only its own are forgotten", () => {
    const crowd = new Crowd("victim", "evil");
    crowd.run({ ...by("victim", "bill-1"), metadata: labels } as Command);
    for (let i = 0; i < 10_000; i++) crowd.run({ ...by("evil", `e${i}`), metadata: labels } as Command);
    expect(crowd.pool.outcomeCount).toBe(Math.floor((40_000 * 512) / bytesOfReserve(labels, 0)));
    expect(crowd.comesTo({ ...by("victim", "bill-1"), metadata: labels } as Command)).toBe("replayed");
    expect(crowd.comesTo({ ...by("evil", "e9999"), metadata: labels } as Command)).toBe("replayed");
  });

  it("forgets the same after its pool was put away and read again", () => {
    const crowd = new Crowd("a", "b", "c");
    const flood = (pool: Pool, from: number): void => {
      for (let i = from; i < from + 30_000; i++) {
        execute(pool, by(["a", "b", "c", "a"][i % 4] ?? "a", `u${i}`), start + i, []);
      }
    };
    flood(crowd.pool, 0);
    const read = fromImage(JSON.parse(JSON.stringify(toImage(crowd.pool))) as PoolImage);
    flood(crowd.pool, 30_000);
    flood(read, 30_000);
    expect(isSame(crowd.pool, read)).toBe(true);
    expect(violations(read)).toEqual([]);
  });
});

describe("an agent that has left", () => {
  const join = (agent: string): Command => ({ op: "register", agent, priority: 1, max: 10, unit: "tokens" });

  it("leaves behind how far back its ids may have been used, until that is long ago", () => {
    const crowd = new Crowd("writer");
    crowd.run(join("run"));
    crowd.run({ op: "record", id: uuid7(start), agent: "run", amount: 1, unit: "tokens" });
    crowd.run({ op: "close", agent: "run" });
    crowd.now += hour;
    // Many outcomes, all by agents that have one each: the heaviest is the first by name.
    for (let i = 0; i < 10_000; i++) {
      crowd.run(join(`z${i}`));
      crowd.run({ op: "record", id: `z${i}`, agent: `z${i}`, amount: 0, unit: "tokens" });
      crowd.run({ op: "close", agent: `z${i}` });
    }
    expect(crowd.pool.remembered.has(uuid7(start))).toBe(false);
    crowd.run(join("run"));
    const again: Command = { op: "record", id: uuid7(start), agent: "run", amount: 1, unit: "tokens" };
    expect(crowd.comesTo(again)).toBe("id_too_old");
    expect(crowd.comesTo(use(uuid7(crowd.now)))).toBe("ran");
  });

  it("is forgotten altogether in the end", () => {
    const crowd = new Crowd("writer");
    for (let i = 0; i < 30_000; i++) {
      crowd.run(join(`run${i}`));
      crowd.run({ op: "record", id: uuid7(crowd.now, i), agent: `run${i}`, amount: 0, unit: "tokens" });
      crowd.run({ op: "close", agent: `run${i}` });
      crowd.now += 1_000;
    }
    // 10,000 outcomes are always kept, and 10 minutes of horizons.
    expect(crowd.pool.histories.size).toBeLessThan(12_000);
    expect(violations(crowd.pool)).toEqual([]);
  });
});

describe("limits", () => {
  it("lets an agent have as many open reservations as it leaves free for all others", () => {
    const crowd = new Crowd("writer", "critic", "planner");
    for (let i = 0; i < 10_000; i++) expect(crowd.run(hold(`w${i}`, "writer")).ok).toBe(true);
    const half = { code: "limit_reached", limit: "openReservationsPerAgent", maximum: 10_000 };
    expect(crowd.run(hold("w", "writer"))).toEqual({ ok: false, refusal: half });
    for (let i = 0; i < 5_000; i++) expect(crowd.run(hold(`c${i}`, "critic")).ok).toBe(true);
    const rest = { code: "limit_reached", limit: "openReservationsPerAgent", maximum: 5_000 };
    expect(crowd.run(hold("c", "critic"))).toEqual({ ok: false, refusal: rest });
    // However many take all that they may, the next one still finds a share.
    for (let i = 0; i < 2_500; i++) expect(crowd.run(hold(`p${i}`, "planner")).ok).toBe(true);
    // Both apply, and limit_reached comes before budget_exceeded.
    const tooMuch: Command = { op: "reserve", id: "p", agent: "planner", amount: 9e15, unit: "tokens" };
    expect(crowd.comesTo(tooMuch)).toBe("limit_reached");
    for (const id of ["w7", "w8", "c0", "c1"]) crowd.run({ op: "release", id });
    expect(crowd.run(hold("p", "planner")).ok).toBe(true);
    expect(crowd.comesTo(hold("w", "writer"))).toBe("limit_reached");
    crowd.now += 5_000;
    expect(crowd.run(hold("w", "writer")).ok).toBe(true);
  });

  it("is met by few reservations with much in their labels as by many without", () => {
    const crowd = new Crowd("writer", "critic");
    const heavy = (id: string, agent: string): Command => ({ ...hold(id, agent), metadata: labels }) as Command;
    let open = 0;
    while (crowd.run(heavy(`w${open}`, "writer")).ok) open++;
    expect(open).toBe(Math.floor((20_000 * 512) / 2 / bytesOfReserve(labels, 0)));
    expect(crowd.run(heavy("w", "writer"))).toMatchObject({
      refusal: { limit: "openReservationsBytesPerAgent", maximum: (20_000 * 512) / 2 },
    });
    expect(crowd.run(heavy("c", "critic")).ok).toBe(true);
    expect(violations(crowd.pool)).toEqual([]);
  });

  it("counts the transfers that a reservation brings: one of a thousand donors is as heavy as a hundred plain ones", () => {
    const crowd = new Crowd();
    crowd.run({ op: "configure", budget: 1_001_000 });
    crowd.run({ op: "register", agent: "taker", priority: 2, max: 0, unit: "tokens" });
    const donors = 900;
    for (let i = 0; i < donors; i++) {
      crowd.run({ op: "register", agent: `d${i}`, priority: 1, max: 1_000, min_reserve: 0, unit: "tokens" });
    }
    const all: Command = { op: "reserve", id: "r", agent: "taker", amount: 1_000 * donors, unit: "tokens" };
    expect(crowd.run(all).ok).toBe(true);
    expect(crowd.pool.openBytes).toBe(bytesOfReserve(undefined, donors));
    crowd.run({ op: "commit", id: "r", amount: 0, unit: "tokens" });
    expect(crowd.pool.openBytes).toBe(0);
    expect(crowd.pool.outcomeBytes).toBeGreaterThan(192 * donors);
    expect(violations(crowd.pool)).toEqual([]);
  });

  /** A pool whose 1,000 agents have all of its budget. */
  const full = () => {
    const crowd = new Crowd();
    for (let i = 0; i < 1_000; i++) expect(crowd.run(joins(`a${i}`, 1e12)).ok).toBe(true);
    return crowd;
  };
  const joins = (agent: string, max: number): Command => {
    return { op: "register", agent, priority: 1, max, unit: "tokens" };
  };

  it("lets a pool have 1,000 agents, as long as they don't leave", () => {
    const crowd = full();
    const refusal = { code: "limit_reached", limit: "agents", maximum: 1_000 };
    expect(crowd.run(joins("one more", 0))).toEqual({ ok: false, refusal });
    expect(crowd.run(joins("a7", 5)).ok).toBe(true);
    crowd.run({ op: "close", agent: "a7" });
    expect(crowd.run(joins("one more", 0)).ok).toBe(true);
  });

  it("is contract_conflict before limit_reached where the parent has nothing for one agent more", () => {
    const command: Command = { op: "register", agent: "x", priority: 1, max: 2e12, unit: "tokens", parent: "a7" };
    expect(full().comesTo(command)).toBe("contract_conflict");
  });
});
