/**
 * `npm run bench:pool`: the whole Worker on plain workerd, over HTTP, side by side with the same Worker calling an
 * object that does nothing, and one that inserts a row per request. Also what is billed: rows; and waking.
 */

import { startWorkerd, type Workerd } from "../../test/support/workerd.ts";
import { ask } from "./lib/ask.ts";
import { reserveAndCommit } from "./lib/load.ts";
import { median, options, print, progress, spread } from "./lib/report.ts";
import { benchWorker } from "./lib/worker.ts";

const chosen = options("Requests per second of a pool, rows written, and time to wake.", { seconds: 4, rounds: 3 });

const kinds = { idle: "IdleObject", bursar: "PoolObject", row: "RowObject" } as const;
type Kind = keyof typeof kinds;
const names: Readonly<Record<Kind, string>> = {
  idle: "an object that does nothing",
  bursar: "Bursar",
  row: "a row inserted per request",
};
const connections = [1, 16, 64];

const workerd = await startWorkerd(kinds, { config: benchWorker });
try {
  const { rates, latencies } = await requests(workerd);
  const rows = await rowsPerOperation(workerd);
  const { workerd: again, wakes } = await waking(workerd);
  await again.stop();
  const rate = (kind: Kind, count: number): number => median(rates.get(`${kind} ${count}`) ?? []);
  print(
    [
      {
        title: "Requests per second: reserve, commit, reserve, … on one pool",
        columns: [
          "",
          ...connections.map((count) => `${count} conn.`),
          ...connections.map((count) => `× idle, ${count}`),
        ],
        rows: Object.keys(kinds).map((kind) => [
          names[kind as Kind],
          ...connections.map((count) => rate(kind as Kind, count)),
          ...connections.map((count) => rate(kind as Kind, count) / rate("idle", count)),
        ]),
      },
      {
        title: "Spread between rounds, and p50 / p99 latency of a request in ms",
        columns: ["", ...connections.flatMap((count) => [`${count}: spread`, "p50", "p99"])],
        rows: Object.keys(kinds).map((kind) => [
          names[kind as Kind],
          ...connections.flatMap((count) => {
            const key = `${kind} ${count}`;
            const seen = latencies.get(key) ?? [];
            return [
              spread(rates.get(key) ?? []),
              median(seen.map(({ p50 }) => p50)),
              median(seen.map(({ p99 }) => p99)),
            ];
          }),
        ]),
      },
      { title: "Rows written", columns: ["", "operations", "rows", "rows per operation"], rows },
      {
        title: "First answer after a restart, 1,000 agents and 10,000 open reservations",
        columns: ["", "median ms", "spread"],
        rows: [["report", median(wakes), spread(wakes)]],
      },
    ],
    chosen,
    [
      {
        what: "pool: single requests, 64 connections",
        figure: rate("bursar", 64),
        unit: "requests/s",
        beside: { what: "an object that does nothing", figure: rate("idle", 64) },
      },
      {
        what: "pool: single requests, 64 connections",
        figure: rate("bursar", 64),
        unit: "requests/s",
        beside: { what: "a row inserted per request", figure: rate("row", 64) },
      },
      { what: "pool: rows written, 64 connections", figure: Number(rows[1]?.[3]), unit: "rows/operation" },
      { what: "wake: 1,000 agents, 10,000 open reservations", figure: median(wakes), unit: "ms" },
    ],
  );
} catch (error) {
  await workerd.stop();
  throw error;
}

async function requests({ urls }: Workerd) {
  const rates = new Map<string, number[]>();
  const latencies = new Map<string, { p50: number; p99: number }[]>();
  for (const [kind, url] of Object.entries(urls)) {
    if (kind === "bursar") await newPool(url, "load");
    await reserveAndCommit(url, "load", 16, 2);
  }
  for (let round = 0; round < chosen.rounds; round++) {
    for (const count of connections) {
      for (const [kind, url] of Object.entries(urls)) {
        progress(`round ${round + 1} of ${chosen.rounds}: ${kind}, ${count} connections`);
        const { requestsPerSecond, p50Ms, p99Ms, failed } = await reserveAndCommit(url, "load", count, chosen.seconds);
        if (failed > 0) throw new Error(`${failed} requests to ${kind} failed`);
        const key = `${kind} ${count}`;
        rates.set(key, [...(rates.get(key) ?? []), requestsPerSecond]);
        latencies.set(key, [...(latencies.get(key) ?? []), { p50: p50Ms, p99: p99Ms }]);
      }
    }
  }
  return { rates, latencies };
}

/** Journal rows, by the audit; a snapshot and an alarm now and then come on top (docs/explanation/storage.md). */
async function rowsPerOperation({ urls }: Workerd): Promise<(string | number)[][]> {
  const url = urls.bursar;
  const found: (string | number)[][] = [];
  for (const [label, count] of [
    ["alone", 1],
    ["64 connections", 64],
  ] as const) {
    const pool = `rows-${count}`;
    await newPool(url, pool);
    const before = await journalRows(url, pool);
    await reserveAndCommit(url, pool, count, 2);
    const after = await journalRows(url, pool);
    const [operations, rows] = [after.seq - before.seq, after.rows - before.rows];
    found.push([label, operations, rows, rows / operations]);
  }
  await newPool(url, "rows-batch");
  const before = await journalRows(url, "rows-batch");
  const commands = Array.from({ length: 250 }, (_, i) => [
    { op: "reserve", id: `r${i}`, agent: "swarm", tokens: 100 },
    { op: "commit", id: `r${i}`, tokens: 90 },
  ]).flat();
  await ask(url, "POST", "/v1/pools/rows-batch/batch", { commands });
  const after = await journalRows(url, "rows-batch");
  found.push(["a batch of 500", 500, after.rows - before.rows, (after.rows - before.rows) / 500]);
  return found;
}

async function journalRows(url: string, pool: string): Promise<{ seq: number; rows: number }> {
  const audit = await ask(url, "GET", `/v1/pools/${pool}/audit`);
  if (audit["ok"] !== true) throw new Error(`the audit of ${pool} found ${JSON.stringify(audit)}`);
  return { seq: Number(audit["seq"]), rows: Number(audit["rows"]) };
}

async function newPool(url: string, pool: string): Promise<void> {
  await ask(url, "PUT", `/v1/pools/${pool}`, {});
  await ask(url, "PUT", `/v1/pools/${pool}/agents/swarm`, { priority: 1, max_tokens: 1_000_000_000_000 });
}

/** workerd is killed and started again on its data; the pool's first request has to read all of it. */
async function waking(first: Workerd): Promise<{ workerd: Workerd; wakes: number[] }> {
  const path = "/v1/pools/wake";
  const url = first.urls.bursar;
  await ask(url, "PUT", path, {});
  const chunk = 500;
  const batch = (commands: object[]): Promise<unknown> => ask(url, "POST", `${path}/batch`, { commands });
  for (let i = 0; i < 1_000; i += chunk) {
    await batch(
      Array.from({ length: chunk }, (_, j) => ({
        op: "register",
        agent: `agent-${i + j}`,
        priority: 1,
        max_tokens: 1e6,
      })),
    );
  }
  for (let i = 0; i < 10_000; i += chunk) {
    const reserve = (n: number) => ({ op: "reserve", id: `r-${n}`, agent: `agent-${n % 1_000}`, tokens: 100 });
    await batch(Array.from({ length: chunk }, (_, j) => ({ ...reserve(i + j), ttl_ms: 86_400_000 })));
  }
  const wakes: number[] = [];
  let workerd = first;
  for (let round = 0; round < Math.max(5, chosen.rounds); round++) {
    progress(`waking ${round + 1}`);
    workerd = await workerd.restart();
    // The Worker itself is warmed by a request that no pool is asked for.
    await fetch(`${workerd.urls["bursar"]}/healthz`);
    const began = performance.now();
    const report = await ask(workerd.urls.bursar, "GET", `${path}/report`);
    wakes.push(performance.now() - began);
    if (Object.keys(Object(report["agents"])).length !== 1_000) throw new Error("the pool did not wake whole");
  }
  return { workerd, wakes };
}
