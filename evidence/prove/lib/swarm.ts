/**
 * Callers that spend on one pool, over sessions and by single requests, and never give up: what was not answered is
 * asked again under the same id. What was answered is written down, to be held against the books afterwards.
 */

import { Bursar, type Pool } from "../../../src/client/index.ts";
import { key } from "../../../test/support/workerd.ts";
import { ask } from "../../bench/lib/ask.ts";
import type { Counts } from "../parts/part.ts";

const name = "swarm";
const path = `/v1/pools/${name}`;
/** Lives on what the others have: its reserves move budget, which must be as whole as everything else. */
const important = "boss";
const agents = [important, "worker"] as const;

export type Swarm = {
  /** Callers of each kind, from now until `until` says so; resolves when all have finished what they began. */
  spend(callers: number, until: () => boolean): Promise<void>;
  /** The books held against what was acknowledged. Whatever begins with "not" or is listed in `wrongs` must be zero. */
  compare(): Promise<Counts>;
  /** How many calls were acknowledged so far. */
  acknowledged(): number;
  /** How many calls had to be asked again, over single requests. */
  askedAgain(): number;
  stop(): Promise<void>;
};

/** Counts of `compare` that must be zero. */
export const wrongs = [
  "acknowledged and lost",
  "settled twice",
  "settled and not acknowledged",
  "tokens in the books that nobody spent",
  "tokens still held",
  "findings of the audit",
  "events missed by a watcher",
  "events seen twice or out of order",
];

/** A pool at `direct`, whose sessions go through `url`, which may be cut. */
export async function startSwarm(direct: string, url: string, random: () => number): Promise<Swarm> {
  await ask(direct, "PUT", path, {});
  await ask(direct, "PUT", `${path}/agents/worker`, { priority: 1, max_tokens: 1_000_000_000_000, min_reserve: 0 });
  await ask(direct, "PUT", `${path}/agents/${important}`, { priority: 9, max_tokens: 1_000 });
  const client = new Bursar({ url, key, transport: "session", retries: 10_000, timeout_ms: 2_000 });
  const pool = client.pool(name);
  const acknowledged = new Map<string, number>();
  const seen: number[] = [];
  const stopWatching = new AbortController();
  // What a watcher misses shows in the comparison, whatever ended it.
  const watching = follow(pool, seen, stopWatching.signal).catch(() => undefined);
  let ambiguous = 0;
  let ids = 0;

  const overSession: Spender = async (agent, id, used, kind) => {
    if (kind === "record") await pool.record(agent, used, { id });
    else {
      const hold = await pool.reserve(agent, 100, { id, ttl_ms: 3_600_000 });
      if (kind === "release") await hold.release();
      else await hold.commit(used);
    }
  };
  const byRequests: Spender = async (agent, id, used, kind) => {
    if (kind === "record") await insist("POST", `${path}/usage`, { agent, tokens: used, id });
    else {
      await insist("POST", `${path}/reservations`, { agent, tokens: 100, id, ttl_ms: 3_600_000 });
      if (kind === "release") await insist("POST", `${path}/reservations/${id}/release`);
      else await insist("POST", `${path}/reservations/${id}/commit`, { tokens: used });
    }
  };

  /** Asks until it is answered. An answer that isn't a success is a defect: every question is right. */
  async function insist(method: string, target: string, body?: unknown): Promise<void> {
    for (let tries = 0; ; tries++) {
      const outcome = await ask(direct, method, target, body).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) return;
      const isRefused = / (4\d\d) /.test(outcome.message);
      if (isRefused || tries > 10_000) throw outcome;
      if (tries === 0) ambiguous++;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  async function call(spend: Spender): Promise<void> {
    const id = `c${ids++}`;
    const agent = agents[Math.floor(random() * agents.length)] ?? important;
    const chance = random();
    const kind = chance < 0.15 ? "record" : chance < 0.3 ? "release" : "commit";
    const used = Math.floor(random() * 100);
    await spend(agent, id, used, kind);
    acknowledged.set(id, kind === "release" ? 0 : used);
  }

  return {
    spend: async (callers, until) => {
      const loop = async (spend: Spender): Promise<void> => {
        while (!until()) await call(spend);
      };
      const kinds = [overSession, byRequests];
      await Promise.all(kinds.flatMap((spend) => Array.from({ length: callers }, () => loop(spend))));
    },
    compare: async () => ({ ...(await compare(direct, acknowledged, seen)), "asked again": ambiguous }),
    acknowledged: () => acknowledged.size,
    askedAgain: () => ambiguous,
    stop: async () => {
      stopWatching.abort();
      client.close();
      await watching;
    },
  };
}

type Spender = (agent: string, id: string, used: number, kind: "commit" | "release" | "record") => Promise<void>;

async function follow(pool: Pool, seen: number[], signal: AbortSignal): Promise<void> {
  for await (const { seq } of pool.watch({ signal })) seen.push(seq);
}

async function compare(url: string, acknowledged: ReadonlyMap<string, number>, seen: readonly number[]) {
  const report = await ask(url, "GET", `${path}/report`);
  const audit = await ask(url, "GET", `${path}/audit`);
  const settled = await settlements(url);
  const ledgers = agents.map((agent) => Object(Object(report["agents"])[agent]));
  const spent = [...acknowledged.values()].reduce((sum, used) => sum + used, 0);
  for (let tries = 0; seen.length < Number(report["seq"]) && tries < 100; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    "calls acknowledged": acknowledged.size,
    "acknowledged and lost": [...acknowledged].filter(([id, used]) => !(settled.get(id) ?? []).includes(used)).length,
    "settled twice": [...settled.values()].filter((amounts) => amounts.length > 1).length,
    "settled and not acknowledged": [...settled.keys()].filter((id) => !acknowledged.has(id)).length,
    "tokens in the books that nobody spent": ledgers.reduce((sum, { consumed }) => sum + Number(consumed), -spent),
    "tokens still held": ledgers.reduce((sum, { held }) => sum + Number(held), 0),
    "findings of the audit": Array.isArray(audit["findings"]) ? audit["findings"].length : 1,
    "events in the journal": Number(report["seq"]),
    "events missed by a watcher": Number(report["seq"]) - new Set(seen).size,
    "events seen twice or out of order": seen.filter((seq, index) => seq !== index + 1).length,
  };
}

/** What the journal booked under each id. */
async function settlements(url: string): Promise<Map<string, number[]>> {
  const settled = new Map<string, number[]>();
  for (let after = 0, more = true; more;) {
    const { events, next } = await ask(url, "GET", `${path}/journal?after=${after}`);
    if (!Array.isArray(events) || typeof next !== "number") throw new Error("no journal");
    for (const { type, id, amount } of events) {
      if (["committed", "released", "recorded"].includes(type))
        settled.set(id, [...(settled.get(id) ?? []), amount ?? 0]);
    }
    more = events.length > 0;
    after = next;
  }
  return settled;
}
