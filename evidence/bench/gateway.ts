/**
 * `npm run bench:gateway`: what the gateway adds to a streamed call: to its first byte, to every chunk, and to how many
 * streams a second get through; the same stand-in for a provider, called directly, through relays on the same platform
 * that govern nothing, and through the gateway, in turns.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { key, keyFor, startWorkerd } from "../../test/support/workerd.ts";
import { ask } from "./lib/ask.ts";
import { median, options, print, progress, spread } from "./lib/report.ts";
import { benchWorker } from "./lib/worker.ts";

const chosen = options("Latency and streams per second through the gateway, and without it.", {
  seconds: 5,
  rounds: 3,
});
/** A reader's pace: 50 chunks, 5 ms apart. */
const paced = { chunks: 50, everyMs: 5 };
/** As fast as it goes. */
const hurried = { chunks: 50, everyMs: 0 };
const calm = 4;
const busy = 16;

/** The body that an SDK would send. */
const body = JSON.stringify({
  model: "bench",
  stream: true,
  max_tokens: 200,
  messages: [{ role: "user", content: "Write fifty words about budgets." }],
});

type Way = { readonly url: string; readonly headers: Readonly<Record<string, string>> };
type Sample = { readonly firstByte: number[]; readonly perChunk: number[]; readonly whole: number[]; streams: number };

const provider = spawn(process.execPath, [join(import.meta.dirname, "gateway/provider.ts")], {
  stdio: ["ignore", "pipe", "inherit"],
});
const upstream = `http://127.0.0.1:${await portOf(provider)}`;
const workerd = await startWorkerd(
  { bursar: "PoolObject" },
  {
    config: benchWorker,
    settings: { OPENAI_UPSTREAM: `${upstream}/v1`, OPENAI_API_KEY: "sk-bench", BURSAR_LOG: "none" },
    reachesThisMachine: true,
  },
);

try {
  const url = workerd.urls.bursar;
  await ask(url, "PUT", "/v1/pools/load", {});
  await ask(url, "PUT", "/v1/pools/load/agents/swarm", { priority: 1, max_tokens: 1_000_000_000_000 });
  const own = await keyFor({ scope: "gateway", pool: "load", agent: "swarm" });
  const ways: Readonly<Record<string, Way>> = {
    direct: { url: `${upstream}/v1/chat/completions`, headers: {} },
    piped: { url: `${url}/relay/piped`, headers: {} },
    pumped: { url: `${url}/relay/pumped`, headers: {} },
    gateway: { url: `${url}/openai/v1/chat/completions`, headers: { authorization: `Bearer ${own}` } },
  };
  for (const way of Object.values(ways)) await run(way, paced, calm, 1);

  const measured = Object.fromEntries(Object.keys(ways).map((name) => [name, none()]));
  for (let round = 1; round <= chosen.rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      progress(`round ${round} of ${chosen.rounds}: ${name}`);
      measured[name]?.calm.push(await run(way, paced, calm, chosen.seconds));
      measured[name]?.busy.push(await run(way, hurried, busy, chosen.seconds));
    }
  }
  const { audit } = await audited(url);
  const latencies = Object.entries(measured).map(([name, { calm: samples }]) => {
    const of = (pick: (sample: Sample) => number): number => median(samples.map(pick));
    return [
      name,
      of(({ firstByte }) => quantile(firstByte, 0.5)),
      of(({ firstByte }) => quantile(firstByte, 0.99)),
      of(({ perChunk }) => quantile(perChunk, 0.5)),
      of(({ perChunk }) => quantile(perChunk, 0.99)),
    ];
  });
  const rates = Object.entries(measured).map(([name, { busy: samples }]) => {
    const perSecond = samples.map(({ streams }) => streams / chosen.seconds);
    return [name, median(perSecond), median(perSecond) * hurried.chunks, spread(perSecond)];
  });
  const rateOf = (name: string): number => Number(rates.find(([one]) => one === name)?.[1]);
  const [directRate, pumpedRate, gatewayRate] = [rateOf("direct"), rateOf("pumped"), rateOf("gateway")];
  print(
    [
      {
        title: `Streams of ${paced.chunks} chunks, ${paced.everyMs} ms apart, ${calm} at once: milliseconds`,
        columns: ["", "first byte p50", "p99", "a chunk's way p50", "p99"],
        rows: [...latencies, added(latencies[0], latencies.at(-1))],
      },
      {
        title: `Streams of ${hurried.chunks} chunks as fast as they go, ${busy} at once`,
        columns: ["", "streams/s", "chunks/s", "spread"],
        rows: [
          ...rates,
          ["gateway, of direct", gatewayRate / directRate, "", ""],
          ["gateway, of pumped", gatewayRate / pumpedRate, "", ""],
        ],
      },
      { title: "The books afterwards", columns: ["", ""], rows: [["audit", audit]] },
    ],
    chosen,
    [
      {
        what: "gateway: first byte of a stream, p50",
        figure: Number(latencies.at(-1)?.[1]),
        unit: "ms",
        beside: { what: "called directly", figure: Number(latencies[0]?.[1]) },
      },
      ...[
        { what: "called directly", figure: directRate },
        { what: "a relay in JavaScript that governs nothing", figure: pumpedRate },
      ].map((beside) => ({
        what: "gateway: streams as fast as they go",
        figure: gatewayRate,
        unit: "streams/s",
        beside,
      })),
    ],
  );
} finally {
  provider.kill();
  await workerd.stop();
}

function none(): { calm: Sample[]; busy: Sample[] } {
  return { calm: [], busy: [] };
}

/** What the gateway adds, cell by cell. */
function added(direct: readonly (string | number)[] = [], gateway: readonly (string | number)[] = []) {
  return ["added by the gateway", ...gateway.slice(1).map((value, index) => Number(value) - Number(direct[index + 1]))];
}

/** `callers` that each read stream after stream, for a while. */
async function run(
  way: Way,
  { chunks, everyMs }: { readonly chunks: number; readonly everyMs: number },
  callers: number,
  seconds: number,
): Promise<Sample> {
  const sample: Sample = { firstByte: [], perChunk: [], whole: [], streams: 0 };
  const until = performance.now() + seconds * 1_000;
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < until) await readOne(way, `${chunks},${everyMs}`, chunks, sample);
    }),
  );
  return sample;
}

async function readOne(way: Way, asked: string, chunks: number, sample: Sample): Promise<void> {
  const began = performance.now();
  const response = await fetch(way.url, {
    method: "POST",
    headers: { "content-type": "application/json", "x-client-request-id": asked, ...way.headers },
    body,
  });
  if (!response.ok || response.body === null) throw new Error(`${response.status} ${await response.text()}`);
  const decoder = new TextDecoder();
  let seen = 0;
  for await (const bytes of response.body) {
    const now = performance.timeOrigin + performance.now();
    if (seen === 0) sample.firstByte.push(performance.now() - began);
    for (const [, sent] of decoder.decode(bytes, { stream: true }).matchAll(/"id":"([\d.]+)"/g)) {
      seen++;
      sample.perChunk.push(now - Number(sent));
    }
  }
  // Called directly, nobody hides the chunk with the usage.
  if (seen < chunks) throw new Error(`a stream had ${seen} of ${chunks} chunks`);
  sample.streams++;
}

async function audited(url: string): Promise<{ audit: string }> {
  const headers = { authorization: `Bearer ${key}` };
  const report = await (await fetch(`${url}/v1/pools/load/agents/swarm`, { headers })).json();
  const audit = await (await fetch(`${url}/v1/pools/load/audit`, { headers })).json();
  const { ok, seq } = audit as { ok: boolean; seq: number };
  const { open_reservations: open } = report as { open_reservations: number };
  return { audit: `${ok ? "clean" : "NOT CLEAN"}, ${seq} events, ${open} calls open` };
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

function portOf({ stdout }: ChildProcess): Promise<number> {
  return new Promise((resolve) => stdout?.once("data", (chunk: Buffer) => resolve(Number(chunk.toString()))));
}
