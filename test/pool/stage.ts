/** A pool object to try commands on, in the real runtime with its real SQLite. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { LivePool } from "../../src/pool/live-pool.ts";
import type { PoolStorage } from "../../src/pool/storage.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { Outcome, Results } from "../../src/protocol/results.ts";

let pools = 0;

export type Stub = ReturnType<typeof env.POOLS.getByName>;

/** The stub of a pool that nothing has been sent to yet. */
export function newStub(): Stub {
  return env.POOLS.getByName(`tenant/pool-${pools++}`);
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

/** Storage that asks `fault` before each statement; `fault` throws to make it fail. Counts from 1. */
export function faulty(storage: DurableObjectStorage, fault: Fault): PoolStorage {
  let count = 0;
  const sql = {
    exec: <T extends Record<string, SqlStorageValue>>(query: string, ...bindings: unknown[]): SqlStorageCursor<T> => {
      fault(query, ++count);
      return storage.sql.exec<T>(query, ...bindings);
    },
    databaseSize: 0,
  };
  return {
    sql,
    transactionSync: (run) => storage.transactionSync(run),
    getAlarm: () => storage.getAlarm(),
    setAlarm: (at) => {
      fault("setAlarm", ++count);
      return storage.setAlarm(at);
    },
    deleteAll: () => storage.deleteAll(),
  };
}

/** Runs `test` beside the object's own pool, on its storage. */
export function onStorage<T>(stub: Stub, test: (storage: DurableObjectStorage) => Promise<T>): Promise<T> {
  return runInDurableObject(stub, (_, state) => test(state.storage));
}

/** A pool on the object's storage, with a clock of the test's. */
export function livePool(storage: PoolStorage, clock: () => number = Date.now): LivePool {
  return new LivePool(storage, clock);
}
