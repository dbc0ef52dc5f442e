/**
 * `npm run bench:webhooks`: whether webhooks that hang keep a reserve waiting. Two governors take the same load, in
 * turns: one tenant has ten webhooks whose address takes the request and never answers, the other has none. Leases that
 * are left to end make notifications all the while.
 */
import { createServer } from "node:http";
import { key, startWorkerd } from "../../test/support/workerd.ts";
import { ask } from "./lib/ask.ts";
import { median, options, print, progress, spread } from "./lib/report.ts";

const chosen = options("Latency of a reserve while webhooks hang, and without webhooks.", { seconds: 10, rounds: 5 });
const webhooks = 10;
const callers = 8;
/** Every so many reserves one is left to end by itself, which is a notification. */
const abandonedOneIn = 20;

type Sample = { readonly reserves: number[] };

let held = 0;
const hanging = createServer(() => {
  held++;
});
const port = await new Promise<number>((resolve) => {
  hanging.listen(0, "127.0.0.1", () => {
    const address = hanging.address();
    resolve(typeof address === "object" && address !== null ? address.port : 0);
  });
});
const origin = `http://127.0.0.1:${port}`;
const workerd = await startWorkerd(
  { without: "PoolObject", hanging: "PoolObject" },
  { settings: { BURSAR_WEBHOOK_ORIGINS: origin, BURSAR_LOG: "none" }, isQuiet: true, reachesThisMachine: true },
);

try {
  for (const [name, url] of Object.entries(workerd.urls)) {
    await ask(url, "PUT", "/v1/pools/load", {});
    await ask(url, "PUT", "/v1/pools/load/agents/swarm", { priority: 1, max_tokens: 1_000_000_000_000 });
    const own = name === "hanging" ? webhooks : 0;
    for (let nth = 0; nth < own; nth++) await ask(url, "POST", "/v1/webhooks", { url: `${origin}/${nth}` });
    await load(url, 1);
  }
  const measured: Record<"without" | "hanging", Sample[]> = { without: [], hanging: [] };
  for (let round = 1; round <= chosen.rounds; round++) {
    // In turns, and each first in every other round.
    const names = ["without", "hanging"] as const;
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      progress(`round ${round} of ${chosen.rounds}: ${name}`);
      measured[name].push(await load(workerd.urls[name], chosen.seconds));
    }
  }
  const { webhooks: fared } = await ask(workerd.urls.hanging, "GET", "/v1/webhooks");
  const states = fared as readonly { readonly pending: number; readonly failures: number }[];
  const rows = Object.entries(measured).map(([name, samples]) => {
    const p99 = samples.map(({ reserves }) => quantile(reserves, 0.99));
    const p50 = samples.map(({ reserves }) => quantile(reserves, 0.5));
    return [name, median(p50), median(p99), spread(p99), samples.reduce((sum, one) => sum + one.reserves.length, 0)];
  });
  const ratio = (column: number): number => Number(rows[1]?.[column]) / Number(rows[0]?.[column]);
  print(
    [
      {
        title: `Milliseconds of a reserve, ${callers} callers; ${webhooks} webhooks that hang, or none`,
        columns: ["", "p50", "p99", "spread of p99", "reserves"],
        rows: [...rows, ["ratio", ratio(1), ratio(2), "", ""]],
      },
      {
        title: "The webhooks afterwards",
        columns: ["", ""],
        rows: [
          ["requests that hung", held],
          ["messages that wait", states.reduce((sum, { pending }) => sum + pending, 0)],
          ["failed attempts in a row, the most", Math.max(...states.map(({ failures }) => failures))],
        ],
      },
    ],
    chosen,
    [
      {
        what: "webhooks: a reserve while ten webhooks hang, p99",
        figure: Number(rows[1]?.[2]),
        unit: "ms",
        beside: { what: "without webhooks", figure: Number(rows[0]?.[2]) },
      },
    ],
  );
} finally {
  hanging.closeAllConnections();
  hanging.close();
  await workerd.stop();
}

async function load(url: string, seconds: number): Promise<Sample> {
  const sample: Sample = { reserves: [] };
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const post = async (path: string, body: object): Promise<void> => {
    const response = await fetch(`${url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(`${path}: ${response.status} ${text}`);
  };
  const until = performance.now() + seconds * 1_000;
  let count = 0;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) {
        const id = crypto.randomUUID();
        const isAbandoned = count++ % abandonedOneIn === 0;
        const began = performance.now();
        await post("/v1/pools/load/reservations", {
          id,
          agent: "swarm",
          tokens: 100,
          ...(isAbandoned ? { ttl_ms: 500 } : undefined),
        });
        sample.reserves.push(performance.now() - began);
        if (!isAbandoned) await post(`/v1/pools/load/reservations/${id}/commit`, { tokens: 90 });
      }
    }),
  );
  return sample;
}

function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(at * (sorted.length - 1))] ?? Number.NaN;
}
