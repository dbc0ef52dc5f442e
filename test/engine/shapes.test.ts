/**
 * Events and answers key by key: a field that was left out is not there, because journals are hashed and compared as
 * text, and what is not the case is not said.
 */
import { describe, expect, it } from "vitest";
import { handlerOf } from "../../src/engine/commands.ts";
import { report, viewPool } from "../../src/engine/results.ts";
import { emptyPool } from "../../src/engine/state.ts";
import type { Command } from "../../src/protocol/commands.ts";
import { record, reserve, Stage } from "./stage.ts";

const started = 1_000_000;
const stage = () => Stage.with({}, { writer: {}, critic: {} });

describe("the event", () => {
  it("of a reserve has what was asked, and defaults only where they decide", () => {
    const writing = stage();
    writing.does(reserve("writer", 10, { id: "a" }));
    const reserved = {
      type: "reserved",
      at: started,
      id: "a",
      agent: "writer",
      asked: 10,
      granted: 10,
      expires_at: started + 120_000,
      on_expiry: "release",
      transfers: [],
    };
    expect(writing.events.at(-1)).toStrictEqual(reserved);
    const more = { at_least: 5, ttl_ms: 6_000, metadata: { task: "x" }, final: true, on_expiry: "charge" } as const;
    writing.does(reserve("writer", 10, { id: "b", ...more }));
    expect(writing.events.at(-1)).toStrictEqual({ ...reserved, id: "b", expires_at: started + 6_000, ...more });
  });

  it("of a commit says that it is late only where it is", () => {
    const writing = stage();
    writing.does(reserve("writer", 10, { id: "a" }));
    writing.does({ op: "commit", id: "a", amount: 4 });
    const committed = { type: "committed", at: started, id: "a", amount: 4, transfers: [], overage: 0 };
    expect(writing.events.at(-1)).toStrictEqual(committed);
    writing.does(reserve("writer", 10, { id: "b", ttl_ms: 5_000 }));
    writing.waits(5_000);
    writing.does({ op: "commit", id: "b", amount: 4, confidence: 0.5 });
    expect(writing.events.at(-1)).toStrictEqual({
      ...committed,
      id: "b",
      at: started + 5_000,
      confidence: 0.5,
      late: true,
    });
  });

  it("of a record has what was said of it", () => {
    const writing = stage();
    writing.does(record("writer", 4, { id: "a" }));
    const recorded = { type: "recorded", at: started, id: "a", agent: "writer", amount: 4, transfers: [], overage: 0 };
    expect(writing.events.at(-1)).toStrictEqual(recorded);
    const more = { confidence: 0.5, metadata: { task: "x" } };
    writing.does(record("writer", 4, { id: "b", ...more }));
    expect(writing.events.at(-1)).toStrictEqual({ ...recorded, id: "b", ...more });
  });

  it("of a contract has a period only where that changes", () => {
    const writing = Stage.with({}, { writer: { refill: { every: "hours", hours: 1 } } });
    expect(writing.events.at(-1)).toHaveProperty("period");
    writing.does({ op: "register", agent: "writer", priority: 2, max: 1_000, refill: { every: "hours", hours: 1 } });
    expect(writing.events.at(-1)).toMatchObject({ type: "registered", agent: "writer" });
    expect(writing.events.at(-1)).not.toHaveProperty("period");
  });
});

describe("the answer", () => {
  it("to a contract is the agent, and where it stands", () => {
    const writing = stage();
    const { seq, agent, ...rest } = writing.does({ op: "register", agent: "writer", priority: 2, max: 900 });
    expect(seq).toBe(writing.pool.seq);
    expect(agent).toMatchObject({ name: "writer", priority: 2, allocated: 900 });
    expect(rest).toEqual({});
  });

  it("to a pause is who is paused: an agent, or the pool", () => {
    const writing = stage();
    const { agent, paused } = writing.does({ op: "pause", agent: "writer" });
    expect([agent?.name, paused]).toEqual(["writer", true]);
    expect(writing.does({ op: "pause", agent: null })).toEqual({ seq: writing.pool.seq, paused: true, agent: null });
    expect(writing.does({ op: "resume", agent: null })).toMatchObject({ paused: false, agent: null });
  });

  it("that nothing stands behind is a bug, and says which", () => {
    expect(() => viewPool(emptyPool())).toThrow("the pool does not exist");
    expect(() => report(emptyPool(), "p")).toThrow("the pool does not exist");
    const { pool } = stage();
    const ask = (command: object) => () => handlerOf(command as Command).answer(pool, command as Command, {});
    expect(ask({ op: "record", id: "nobody's" })).toThrow(`no outcome nobody's at seq ${pool.seq}`);
    expect(ask({ op: "commit", id: "nobody's" })).toThrow("nobody's");
  });

  it("is not one operation's where the id is another's, nor a settlement of what is open", () => {
    const writing = stage();
    writing.does(reserve("writer", 10, { id: "a" }));
    const ask = (command: object) => () => handlerOf(command as Command).answer(writing.pool, command as Command, {});
    expect(ask({ op: "record", id: "a" })).toThrow(`no outcome a at seq ${writing.pool.seq}`);
    expect(ask({ op: "commit", id: "a" })).toThrow("reservation a is not settled");
  });
});
