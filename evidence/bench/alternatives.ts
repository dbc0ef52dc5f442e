/**
 * `npm run bench:alternatives`: Bursar beside what a user would build or pick instead, for the same work: reserve,
 * commit, reserve … on one budget. Over HTTP, where any runtime can ask; and driven directly by a client.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { Bursar } from "../../src/client/index.ts";
import { key, startWorkerd } from "../../test/support/workerd.ts";
import { agent, type Governor } from "./alternatives/governor.ts";
import { startMemory } from "./alternatives/memory.ts";
import { startPostgres } from "./alternatives/postgres.ts";
import { startRedis } from "./alternatives/redis.ts";
import { ask } from "./lib/ask.ts";
import { type Pairs, pairs, reserveAndCommit } from "./lib/load.ts";
import { type Headline, median, options, print, progress, spread } from "./lib/report.ts";
import { benchWorker } from "./lib/worker.ts";

const chosen = options("Bursar beside Redis, PostgreSQL, an in-memory limiter, and an object that does nothing.", {
  seconds: 4,
  rounds: 5,
});
const connections = 64;
const callers = 256;
/** What is left after kill -9 of what keeps it: none of these waits for the disk itself, as a power cut would need. */
const keeps = { all: "everything", nothing: "nothing" };

type Way = {
  readonly name: string;
  readonly keeps: string;
  readonly measure: (seconds: number) => Promise<Pairs>;
};

const workerd = await startWorkerd({ bursar: "PoolObject", idle: "IdleObject" }, { config: benchWorker });
const url = workerd.urls.bursar;
const servers: ChildProcess[] = [];
const governors: Governor[] = [];
try {
  await ask(url, "PUT", "/v1/pools/load", {});
  await ask(url, "PUT", "/v1/pools/load/agents/swarm", { priority: 1, max_tokens: 1_000_000_000_000 });
  const http: Way[] = [
    { name: "Bursar", keeps: keeps.all, measure: overHttp(url) },
    { name: "an object that does nothing", keeps: keeps.nothing, measure: overHttp(workerd.urls.idle) },
  ];
  for (const [kind, name, kept] of [
    ["redis", "Redis + Lua behind Node", keeps.all],
    ["postgres", "PostgreSQL functions, FOR UPDATE, behind Node", keeps.all],
    ["memory", "rate-limiter-flexible in Node's memory", keeps.nothing],
  ] as const) {
    const server = await startServer(kind);
    if (server === undefined) progress(`${name}: not here, its row is left out`);
    else http.push({ name, keeps: kept, measure: overHttp(server) });
  }
  const direct: Way[] = [{ name: "Bursar, client over a session", keeps: keeps.all, measure: overSession() }];
  for (const [start, name, kept] of [
    [startRedis, "Redis + Lua, ioredis with auto-pipelining", keeps.all],
    [startPostgres, "PostgreSQL functions, FOR UPDATE, 20 connections", keeps.all],
    [startMemory, "rate-limiter-flexible in the caller's memory", keeps.nothing],
  ] as const) {
    const governor = await start();
    if (governor === undefined) progress(`${name}: not here, its row is left out`);
    else {
      governors.push(governor);
      direct.push({ name, keeps: kept, measure: driven(governor) });
    }
  }

  const measured = new Map<Way, Pairs[]>();
  for (const way of [...http, ...direct]) {
    progress(`warming up: ${way.name}`);
    await way.measure(1);
  }
  for (let round = 1; round <= chosen.rounds; round++) {
    for (const way of [...http, ...direct]) {
      progress(`round ${round} of ${chosen.rounds}: ${way.name}`);
      measured.set(way, [...(measured.get(way) ?? []), await way.measure(chosen.seconds)]);
    }
  }
  const audit = await ask(url, "GET", "/v1/pools/load/audit");
  if (audit["ok"] !== true) throw new Error(`the audit found ${JSON.stringify(audit)}`);
  const columns = ["", "operations/s", "spread", "× Bursar", "p50 ms", "p99 ms", "left after kill -9"];
  print(
    [
      { title: `Over HTTP, ${connections} connections; ms of a request`, columns, rows: rowsOf(http, measured) },
      {
        title: `Driven directly, ${callers} callers; ms of a reserve and its commit`,
        columns,
        rows: rowsOf(direct, measured),
      },
    ],
    chosen,
    [
      ...headlines("over HTTP", "requests/s", http, measured),
      ...headlines("driven directly", "operations/s", direct, measured),
    ],
  );
} finally {
  for (const server of servers) server.kill("SIGTERM");
  for (const governor of governors) await governor.stop();
  await workerd.stop();
}
process.exit(0);

function rowsOf(ways: readonly Way[], measured: ReadonlyMap<Way, readonly Pairs[]>): (string | number)[][] {
  const of = (way: Way, field: keyof Pairs): number => median((measured.get(way) ?? []).map((one) => one[field]));
  const [bursar] = ways;
  return ways.map((way) => [
    way.name,
    of(way, "perSecond"),
    spread((measured.get(way) ?? []).map(({ perSecond }) => perSecond)),
    bursar === undefined ? Number.NaN : of(way, "perSecond") / of(bursar, "perSecond"),
    of(way, "p50"),
    of(way, "p99"),
    way.keeps,
  ]);
}

/** Bursar beside each of the others. */
function headlines(
  how: string,
  unit: string,
  [bursar, ...others]: readonly Way[],
  measured: ReadonlyMap<Way, readonly Pairs[]>,
): Headline[] {
  const perSecond = (way: Way | undefined): number =>
    median((way === undefined ? [] : (measured.get(way) ?? [])).map((one) => one.perSecond));
  return others.map((other) => ({
    what: `${how}: Bursar`,
    figure: perSecond(bursar),
    unit,
    beside: { what: other.name, figure: perSecond(other) },
  }));
}

function overHttp(target: string): Way["measure"] {
  return async (seconds) => {
    const { requestsPerSecond, p50Ms, p99Ms, failed } = await reserveAndCommit(target, "load", connections, seconds);
    if (failed > 0) throw new Error(`${failed} requests to ${target} failed`);
    return { perSecond: requestsPerSecond, p50: p50Ms, p99: p99Ms };
  };
}

function overSession(): Way["measure"] {
  const pool = new Bursar({ url, key, transport: "session" }).pool("load");
  return (seconds) =>
    pairs(callers, seconds, async (id) => {
      const hold = await pool.reserve(agent, 100, { id });
      await hold.commit(90);
    });
}

function driven(governor: Governor): Way["measure"] {
  return (seconds) =>
    pairs(callers, seconds, async (id) => {
      await governor.reserve(id, agent, 100);
      await governor.commit(id, 90);
    });
}

/** Its address; undefined where its database is not here. */
async function startServer(kind: string): Promise<string | undefined> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "alternatives/server.ts"), kind], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const port = await new Promise<string | undefined>((resolve) => {
    child.stdout.once("data", (data: Buffer) => resolve(data.toString().trim()));
    child.once("exit", () => resolve(undefined));
  });
  if (port === undefined) return undefined;
  servers.push(child);
  return `http://127.0.0.1:${port}`;
}
