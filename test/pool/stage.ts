/** A pool object to try commands on, in the real runtime with its real SQLite. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { toImage } from "../../src/engine/image.ts";
import type { PoolCalls } from "../../src/env.ts";
import { audit } from "../../src/pool/audit.ts";
import { LivePool } from "../../src/pool/live-pool.ts";
import type { Tasks } from "../../src/pool/maintenance.ts";
import { schemaVersion } from "../../src/pool/schema.ts";
import type { PoolStorage } from "../../src/pool/storage.ts";
import type { Caller } from "../../src/protocol/caller.ts";
import type { Command, Outcome, Results } from "../../src/protocol/commands.ts";
import type { Audit, JournalPage } from "../../src/protocol/journal.ts";
import type { PoolResult, Report } from "../../src/protocol/pool.ts";
import type { Result } from "../../src/protocol/refusals.ts";
import type { ReservationView, ReserveCommand } from "../../src/protocol/reservation.ts";

let pools = 0;

/** Who the tests ask as: one who may do everything. */
export const anybody: Caller = { key_id: null, agent: null, expires_at: null };

type RawStub = ReturnType<typeof env.POOLS.getByName>;

/** The calls of a pool object, asked by somebody who may do everything. */
export class Stub {
  readonly name: string;
  /** The platform's own stub. */
  readonly raw: RawStub;

  constructor(name: string) {
    this.name = name;
    this.raw = env.POOLS.getByName(name);
  }

  async run(commands: readonly Command[]): Promise<Outcome[]> {
    const { outcomes } = await callsOf(this.raw).execute(anybody, commands);
    return [...outcomes];
  }

  async reserve(command: ReserveCommand, waitMs: number): Promise<Outcome> {
    const { outcomes } = await callsOf(this.raw).execute(anybody, [command], { wait_ms: waitMs });
    return onlyOne(outcomes);
  }

  async settings(): Promise<Result<PoolResult>> {
    return callsOf(this.raw).query(anybody, { about: "settings" });
  }

  async report(): Promise<Result<Report>> {
    return callsOf(this.raw).query(anybody, { about: "report" });
  }

  async reservation(id: string): Promise<Result<ReservationView>> {
    return callsOf(this.raw).query(anybody, { about: "reservation", id });
  }

  async journal(after: number, count: number): Promise<Result<JournalPage>> {
    return callsOf(this.raw).query(anybody, { about: "journal", after, limit: count });
  }

  async audit(): Promise<Result<Audit>> {
    return callsOf(this.raw).query(anybody, { about: "audit" });
  }

  async remove(force: boolean): Promise<Result<{ deleted: true }>> {
    return this.raw.remove(anybody, force);
  }
}

/** A stub as the Worker sees it: the platform's type of it loses which answer belongs to which question. */
export function callsOf(stub: RawStub): PoolCalls {
  return stub;
}

/** The outcome of a lone command. */
export function onlyOne(outcomes: readonly Outcome[]): Outcome {
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length > 1) throw new Error(`${outcomes.length} outcomes`);
  return outcome;
}

/** Reserves in a pool that is asked directly, and waits in line for it. */
export async function reserveOrWait(
  pool: LivePool,
  command: ReserveCommand,
  wait_ms: number,
  caller: Caller = anybody,
  ticket?: string,
): Promise<Outcome> {
  return onlyOne(await pool.execute([command], caller, { wait_ms, ...(ticket === undefined ? {} : { ticket }) }));
}

/** The stub of a pool that nothing has been sent to yet. */
export function newStub(): Stub {
  return new Stub(`tenant/pool-${pools++}`);
}

/** A new stub for the same object: one whose object was aborted is of no more use. */
export function again(stub: Stub): Stub {
  return new Stub(stub.name);
}

/** A pool with two agents: boss (priority 5) and helper (priority 1), 1,000 tokens each. */
export async function newPool(): Promise<Stub> {
  const stub = newStub();
  await all(stub.run([{ op: "configure" }, register("boss", 5), register("helper", 1)]));
  return stub;
}

export function register(agent: string, priority: number, max = 1_000): Command {
  return { op: "register", agent, priority, max, unit: "tokens", min_reserve: 0 };
}

export function reserve(id: string, agent: string, amount: number, more: { ttl_ms?: number } = {}) {
  return { op: "reserve", id, agent, amount, unit: "tokens", ...more } as const;
}

export function commit(id: string, amount: number): Command {
  return { op: "commit", id, amount, unit: "tokens" };
}

/** Outcomes that must all be successes. */
export async function all(outcomes: Promise<readonly Outcome[]>): Promise<Results[keyof Results][]> {
  return (await outcomes).map((outcome) => {
    if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`);
    return outcome.result;
  });
}

/** The audit's verdict: throws what it found. */
export async function audited(stub: Stub): Promise<void> {
  const answer = await stub.audit();
  if (!answer.ok || !answer.result.ok) throw new Error(JSON.stringify(answer));
}

export type Fault = (statement: string, count: number) => void;

/**
 * Storage that asks `fault` before each statement (or after it, when it has had its effect); `fault` throws to make it
 * fail. Counts from 1.
 */
export function faulty(storage: DurableObjectStorage, fault: Fault, when: "before" | "after" = "before"): PoolStorage {
  let count = 0;
  const around = async (call: string, run: () => Promise<void>): Promise<void> => {
    count++;
    if (when === "before") fault(call, count);
    await run();
    if (when === "after") fault(call, count);
  };
  const sql = {
    exec: <T extends Record<string, SqlStorageValue>>(query: string, ...bindings: unknown[]): SqlStorageCursor<T> => {
      count++;
      if (when === "before") fault(query, count);
      const cursor = storage.sql.exec<T>(query, ...bindings);
      if (when === "after") fault(query, count);
      return cursor;
    },
    databaseSize: 0,
  };
  const failing = {
    ...passedOn(storage),
    sql,
    sync: () => around("sync", () => storage.sync()),
    setAlarm: (at: number) => around("setAlarm", () => storage.setAlarm(at)),
  };
  return failing;
}

/** What was written through `counted`: rows of each statement that wrote any, and when alarms were set for. */
export type Written = {
  readonly statements: { readonly text: string; readonly rows: number }[];
  readonly alarms: number[];
};

/** Storage that notes what is written through it. */
export function counted(storage: DurableObjectStorage, written: Written): PoolStorage {
  const sql = {
    exec: <T extends Record<string, SqlStorageValue>>(query: string, ...bindings: unknown[]): SqlStorageCursor<T> => {
      const cursor = storage.sql.exec<T>(query, ...bindings);
      if (cursor.rowsWritten > 0) written.statements.push({ text: query.trim(), rows: cursor.rowsWritten });
      return cursor;
    },
    databaseSize: 0,
  };
  const setAlarm = (at: number): Promise<void> => {
    written.alarms.push(at);
    return storage.setAlarm(at);
  };
  return { ...passedOn(storage), sql, setAlarm };
}

function passedOn(storage: DurableObjectStorage) {
  return {
    transactionSync: <T>(run: () => T): T => storage.transactionSync(run),
    getAlarm: () => storage.getAlarm(),
    sync: () => storage.sync(),
    deleteAll: () => storage.deleteAll(),
  };
}

export function nothingWritten(): Written {
  return { statements: [], alarms: [] };
}

/** Rows written by statements that begin so. */
export function rowsOf(written: Written, beginning: string): number {
  return written.statements.filter(({ text }) => text.startsWith(beginning)).reduce((sum, { rows }) => sum + rows, 0);
}

/** Runs `test` beside the object's own pool, on its storage. */
export function onStorage<T>(stub: Stub, test: (storage: DurableObjectStorage) => Promise<T>): Promise<T> {
  return runInDurableObject(stub.raw, (_, state) => test(state.storage));
}

/** A pool on the object's storage, with a clock of the test's. */
export function livePool(storage: PoolStorage, clock: () => number = Date.now): LivePool {
  return new LivePool(storage, clock);
}

/** An alarm's tasks where nobody listens and nothing is kept elsewhere. */
export const noTasks: Tasks = { deliverNotifications: async () => [], archiveJournal: async () => undefined };

/** For clocks set by hand: so far ahead that no alarm of the platform's runs while a test does. */
export const someday = 4_000_000_000_000;

/** All that a pool knows, as one text; two pools are equal when these are. */
export async function imageOf(pool: LivePool): Promise<string> {
  return JSON.stringify(toImage((await pool.persistedMemory()).pool));
}

/** What storage says: the image that a pool has which wakes now. */
export function storedImage(storage: PoolStorage): Promise<string> {
  return imageOf(livePool(storage));
}

/** What the audit finds wrong; nothing, if all is well, or if there is no journal yet. */
export async function findings(storage: PoolStorage, pool: LivePool = livePool(storage)): Promise<readonly string[]> {
  if (schemaVersion(storage) === 0) return [];
  // Its rests are by a timer, which some tests move by hand.
  const noRest = async (): Promise<void> => undefined;
  return (await audit(storage, () => pool.persistedMemory(), noRest)).findings;
}

/** Records of one token with so many labels that about 68 of them fill a journal row: more than the API lets in. */
export function heavy(prefix: string, count: number, label = "x"): Command[] {
  const metadata = Object.fromEntries(
    Array.from({ length: 16 }, (_, key) => [`label-${key}`, label.repeat(256).slice(0, 256)]),
  );
  return Array.from({ length: count }, (_, index) => {
    return { op: "record", id: `${prefix}${index}`, agent: "boss", amount: 1, unit: "tokens", metadata };
  });
}
