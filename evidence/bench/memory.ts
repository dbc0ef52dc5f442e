/**
 * `npm run bench:memory`: what a pool takes in memory with everything at its documented maximum, and its snapshot, for
 * several kinds of what callers may choose. The engine is the one that runs in workerd, on the same V8.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { execute } from "../../src/engine/execute.ts";
import { pagesOf } from "../../src/engine/image-pages.ts";
import { violations } from "../../src/engine/invariants.ts";
import { emptyPool, type Pool } from "../../src/engine/state.ts";
import type { Command } from "../../src/protocol/commands.ts";
import { limits } from "../../src/protocol/limits.ts";
import type { Metadata } from "../../src/protocol/reservation.ts";

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;
const mb = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MB`;

/** What the caller chooses for its `n`th request: an id, which may hold the time it was made, and labels. */
type Chosen = { readonly id: string; readonly metadata?: Metadata };
type Choose = (n: number, now: number) => Chosen;

const kinds: Readonly<Record<string, Choose>> = {
  "UUIDv7s, no labels": (n, now) => ({ id: uuid7(n, now) }),
  "ids of 128 characters, no labels": (n) => ({ id: String(n).padStart(128, "x") }),
  "labels of 4 KB, ASCII": (n) => ({ id: `i${n}`, metadata: labels(n, "x", 250) }),
  "labels of 4 KB, two bytes a character": (n) => ({ id: `i${n}`, metadata: labels(n, "語", 80) }),
  "labels of 4 KB, control characters": (n) => ({ id: `i${n}`, metadata: labels(n, "\u0001", 40) }),
};

function uuid7(n: number, now: number): string {
  const time = now.toString(16).padStart(12, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${String(n).padStart(12, "0")}`;
}

/** Each made anew, so that no two share their text. */
function labels(n: number, character: string, length: number): Metadata {
  return Object.fromEntries(
    Array.from({ length: 15 }, (_, i) => [`label-${i}`, `${n}`.padEnd(length, character).slice(0, length)]),
  );
}

/** As much of everything as there may be: agents, open and expired reservations, outcomes. */
function fullPool(make: Choose): Pool {
  const pool = emptyPool();
  let now = 1_800_000_000_000;
  let n = 0;
  const run = (command: Command): boolean => execute(pool, command, now, []).ok;
  run({ op: "configure" });
  const agents = limits.agents;
  for (let i = 0; i < agents; i++) {
    run({ op: "register", agent: `agent-${i}`, priority: i % 1_000, max: 1e9, unit: "tokens", min_reserve: 0 });
  }
  const reserve = (ttl_ms: number): boolean =>
    run({ op: "reserve", ...make(n, now), agent: `agent-${n++ % agents}`, amount: 1, unit: "tokens", ttl_ms });
  // Expired ones that wait for their late commit, in two waves, for all of them were open first.
  for (let wave = 0; wave < 2; wave++) {
    for (let i = 0; i < limits.openReservations && reserve(100); i++);
    now += 1_000;
    run({ op: "record", id: `wave-${wave}`, agent: "agent-0", amount: 0, unit: "tokens" });
  }
  for (let i = 0; i < limits.openReservations && reserve(limits.ttlMs); i++);
  for (let i = 0; i < 45_000; i++) {
    run({ op: "record", ...make(n, now), agent: `agent-${n++ % agents}`, amount: 1, unit: "tokens" });
  }
  const [violation] = violations(pool);
  if (violation !== undefined) throw new Error(violation);
  return pool;
}

/** One line of the table. A function of its own, so that the pool is unreachable before the next one is measured. */
function row(kind: string, make: Choose): string {
  collect();
  const before = process.memoryUsage().heapUsed;
  const pool = fullPool(make);
  collect();
  const heap = process.memoryUsage().heapUsed - before;
  let snapshot = 0;
  for (const page of pagesOf(pool, limits.snapshotPageLength)) snapshot += Buffer.byteLength(page);
  const counts = [pool.open, pool.unsettledCount, pool.outcomeCount].map((count) => String(count).padStart(8));
  return `${kind.padEnd(38)}${counts.join(" ")} ${mb(heap).padStart(9)} ${mb(snapshot).padStart(10)}`;
}

console.log(`${"kind".padEnd(38)}    open  expired outcomes      heap   snapshot`);
for (const [kind, make] of Object.entries(kinds)) console.log(row(kind, make));
