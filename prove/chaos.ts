/**
 * `npm run prove:chaos`: sessions are cut at random moments under load, and the governor is killed (kill -9) and
 * started again on its data. Then the books are held against what was acknowledged: nothing lost, nothing doubled,
 * every event seen once by a watcher, the audit clean.
 */

import type { AddressInfo } from "node:net";
import { connect, createServer, type Socket } from "node:net";
import { ask } from "../bench/lib/load.ts";
import { key, startWorkerd } from "../bench/lib/workerd.ts";
import { fail, readOptions } from "../scripts/options.ts";
import { Bursar, type Pool } from "../src/client/index.ts";

const usage = `Cuts sessions and kills the governor under load, then compares the books.

  --seconds N   how long (default 60)
  --workers N   callers at once (default 64)
  --seed S      of the random moments (printed; the operating system's own timing is not ours to repeat)
  --json        for machines
  --help        this text`;
const values = readOptions(usage, {
  seconds: { type: "string", default: "60" },
  seed: { type: "string", default: String(Date.now() % 1_000_000) },
  workers: { type: "string", default: "64" },
  json: { type: "boolean", default: false },
});
const isCount = (text: string): boolean => /^[1-9]\d{0,8}$/.test(text);
if (!isCount(values.seconds)) fail(`--seconds ${values.seconds} is not a whole number above zero.`, usage);
if (!isCount(values.workers)) fail(`--workers ${values.workers} is not a whole number above zero.`, usage);
if (!Number.isSafeInteger(Number(values.seed))) fail(`--seed ${values.seed} is not a whole number.`, usage);

/** What of the verdict must be zero. */
const mustBeZero = new Set([
  "acknowledged and lost",
  "settled twice",
  "settled and not acknowledged",
  "tokens in the books that nobody spent",
  "tokens still held",
  "findings of the audit",
  "events missed by the watcher",
  "events seen twice or out of order",
]);
const random = seeded(Number(values.seed));
const seconds = Number(values.seconds);
console.error(`seed ${values.seed}`);

let workerd = await startWorkerd({ bursar: "PoolObject" });
const target = new URL(workerd.urls["bursar"] ?? "");
const proxy = await startProxy(Number(target.port));
const direct = target.origin;
await ask(direct, "PUT", "/v1/pools/chaos", {});
await ask(direct, "PUT", "/v1/pools/chaos/agents/swarm", { priority: 1, max_tokens: 1_000_000_000_000 });

const client = new Bursar({ url: proxy.url, key, transport: "session", retries: 1_000, timeout_ms: 2_000 });
const pool = client.pool("chaos");
const seen: number[] = [];
const stopWatching = new AbortController();
const watching = follow(pool);

const acknowledged = new Map<string, number>();
const until = Date.now() + seconds * 1_000;
let [cuts, kills] = [0, 0];
const disturbing = disturb();
await Promise.all(Array.from({ length: Number(values.workers) }, (_, worker) => work(worker)));
await disturbing;

const verdict = await compare();
stopWatching.abort();
client.close();
await watching;
proxy.stop();
await workerd.stop();
const failed = Object.entries(verdict).filter(([name, value]) => mustBeZero.has(name) && value !== 0);
if (values.json) console.log(JSON.stringify({ seed: Number(values.seed), seconds, cuts, kills, ...verdict }));
else {
  console.log(`${seconds} s, seed ${values.seed}: ${cuts} connections cut, the governor killed ${kills} times`);
  for (const [name, value] of Object.entries(verdict)) console.log(`  ${String(value).padStart(10)}  ${name}`);
}
process.exit(failed.length === 0 ? 0 : 1);

/** Reserves and settles, again and again; what was answered is written down. */
async function work(worker: number): Promise<void> {
  for (let n = 0; Date.now() < until; n++) {
    const id = `w${worker}-${n}`;
    const used = Math.floor(random() * 100);
    const kind = random();
    if (kind < 0.15) {
      await pool.record("swarm", used, { id });
      acknowledged.set(id, used);
      continue;
    }
    const hold = await pool.reserve("swarm", 100, { id, ttl_ms: 3_600_000 });
    if (kind < 0.3) await hold.release();
    else await hold.commit(used);
    acknowledged.set(id, kind < 0.3 ? 0 : used);
  }
}

/** Every event must follow on the one before. */
async function follow(watched: Pool): Promise<void> {
  for await (const { seq } of watched.watch({ signal: stopWatching.signal })) seen.push(seq);
}

/** Cuts a connection every now and then; kills the governor every ten seconds. */
async function disturb(): Promise<void> {
  let nextKill = Date.now() + 5_000 + random() * 5_000;
  while (Date.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 30 + random() * 300));
    cuts += proxy.cut();
    if (Date.now() < nextKill) continue;
    workerd = await workerd.restart();
    kills++;
    nextKill = Date.now() + 5_000 + random() * 10_000;
    console.error(`… ${Math.max(0, Math.round((until - Date.now()) / 1_000))} s left, ${acknowledged.size} calls done`);
  }
}

async function compare() {
  const report = await ask(direct, "GET", "/v1/pools/chaos/report");
  const swarm = Object(Object(report["agents"])["swarm"]);
  const audit = await ask(direct, "GET", "/v1/pools/chaos/audit");
  const settled = new Map<string, number[]>();
  for (let after = 0, more = true; more; ) {
    const { events, next } = await ask(direct, "GET", `/v1/pools/chaos/journal?after=${after}`);
    if (!Array.isArray(events) || typeof next !== "number") throw new Error("no journal");
    for (const { type, id, amount } of events) {
      if (!["committed", "released", "recorded"].includes(type)) continue;
      settled.set(id, [...(settled.get(id) ?? []), amount ?? 0]);
    }
    more = events.length > 0;
    after = next;
  }
  const sum = [...acknowledged.values()].reduce((total, used) => total + used, 0);
  for (let tries = 0; seen.length < Number(report["seq"]) && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    "calls acknowledged": acknowledged.size,
    "acknowledged and lost": [...acknowledged].filter(([id, used]) => !(settled.get(id) ?? []).includes(used)).length,
    "settled twice": [...settled.values()].filter((amounts) => amounts.length > 1).length,
    "settled and not acknowledged": [...settled.keys()].filter((id) => !acknowledged.has(id)).length,
    "tokens in the books that nobody spent": Number(swarm.consumed) - sum,
    "tokens still held": Number(swarm.held),
    "findings of the audit": Array.isArray(audit["findings"]) ? audit["findings"].length : 1,
    "events in the journal": Number(report["seq"]),
    "events missed by the watcher": Number(report["seq"]) - new Set(seen).size,
    "events seen twice or out of order": seen.filter((seq, index) => seq !== index + 1).length,
  };
}

/** A way to the governor that can be cut: every connection through it, at any moment. */
async function startProxy(port: number) {
  const open = new Set<Socket>();
  const server = createServer((from) => {
    const to = connect(port, "127.0.0.1");
    open.add(from);
    const end = (): void => {
      open.delete(from);
      from.destroy();
      to.destroy();
    };
    for (const socket of [from, to]) socket.on("error", end).on("close", end);
    from.pipe(to);
    to.pipe(from);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port: own } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${own}`,
    /** Cuts one of them; gives how many that were. */
    cut: (): number => {
      const sockets = [...open];
      const chosen = sockets[Math.floor(random() * sockets.length)];
      chosen?.destroy();
      return chosen === undefined ? 0 : 1;
    },
    stop: (): void => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Mulberry32: small, and the same for the same seed. */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
