/**
 * What a pool costs: rows read and written, alarms and bytes per operation, for a young pool and for one with a
 * million events behind it; and that neither idleness nor strangers cost anything. `docs/cost.md` is computed from it.
 */

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { Bursar } from "../../../src/client/index.ts";
import { key, startWorkerd, type Workerd } from "../../../test/support/workerd.ts";
import { ask } from "../../bench/lib/ask.ts";
import { reserveAndCommit } from "../../bench/lib/load.ts";
import { benchWorker } from "../../bench/lib/worker.ts";
import type { Metered } from "../../bench/pool/metered.ts";
import { type Counts, type Finding, findingsIn, type Part, total } from "./part.ts";

export const histories = { young: 10, old: 1_000_000 } as const;
export type History = keyof typeof histories;
export const manners = ["alone", "64 connections", "batches of 500", "session, 256 callers"] as const;
export type Manner = (typeof manners)[number];

const meters = ["rows written", "rows read", "alarms set", "messages"] as const;

/** Name of the count that says how many rows are written per 1,000 operations, and so on. */
export function rate(what: (typeof meters)[number], manner: Manner, history: History): string {
  const events = histories[history].toLocaleString("en-US");
  return `${what} per 1,000 operations, ${manner}, after ${events} events`;
}

const zero = [
  "alarms set by a pool that only records",
  "alarms left after the last hold",
  "objects woken by strangers",
];
const rates = meters.flatMap((what) =>
  manners.flatMap((manner) => (["young", "old"] as const).map((history) => rate(what, manner, history))),
);
const bytes = (manner: string): string => `bytes stored per 1,000 operations, ${manner}`;
const greatest = [...rates, bytes("alone"), bytes("batches of 500"), "rows read to wake with 1,000,000 events"];

export const wallet: Part = {
  name: "wallet",
  shows: "An operation costs as little after a million events as after ten. Idle pools and strangers cost nothing.",
  share: 2,
  slice: 90,
  goals: {},
  zero,
  greatest,
  run: async ({ seed, say }) => {
    let workerd = await startWorkerd({ bursar: "MeteredObject" }, { config: benchWorker, isQuiet: true });
    const url = workerd.urls.bursar;
    const found: Counts[] = [];
    try {
      await makePool(url, "young");
      for (const manner of manners) found.push(await measured(url, manner, "young"));
      say("a million events");
      await makePool(url, "old");
      found.push(await grow(url));
      for (const manner of manners) found.push(await measured(url, manner, "old"));
      say("strangers, and idleness");
      found.push(await strangers(workerd, url), await idle(url));
      workerd = await workerd.restart();
      // Looking wakes it: the audit's own reading is not counted.
      await ask(url, "GET", "/v1/pools/old/agents/swarm");
      found.push({ "rows read to wake with 1,000,000 events": (await meter(url, "old")).rows_read });
      const counts = total(found, { greatest });
      return { counts, findings: [...findingsIn(counts, zero, seed), ...dearer(counts)] };
    } finally {
      await workerd.stop();
    }
  },
};

async function makePool(url: string, pool: string): Promise<void> {
  await ask(url, "PUT", `/v1/pools/${pool}`, {});
  await ask(url, "PUT", `/v1/pools/${pool}/agents/swarm`, { priority: 1, max_tokens: 1_000_000_000_000 });
}

type Reading = Metered & { readonly seq: number };

/** Throws where the audit finds something. */
async function meter(url: string, pool: string): Promise<Reading> {
  const { ok, seq, metered, findings } = await ask(url, "GET", `/v1/pools/${pool}/audit`);
  if (ok !== true) throw new Error(`the audit of ${pool} found ${JSON.stringify(findings)}`);
  return Object.assign({ seq: Number(seq) }, metered as Metered);
}

let ids = 0;

async function measured(url: string, manner: Manner, history: History): Promise<Counts> {
  const before = await meter(url, history);
  await spend(url, manner, history);
  const after = await meter(url, history);
  const operations = after.seq - before.seq;
  const per1000 = (count: number): number => Math.round((100_000 * count) / operations) / 100;
  return {
    operations,
    [rate("rows written", manner, history)]: per1000(after.rows_written - before.rows_written),
    [rate("rows read", manner, history)]: per1000(after.rows_read - before.rows_read),
    [rate("alarms set", manner, history)]: per1000(after.alarms_set - before.alarms_set),
    [rate("messages", manner, history)]: per1000(after.messages - before.messages),
    ...(manner === "alone"
      ? { [bytes(manner)]: Math.round((1_000 * (after.bytes - before.bytes)) / operations) }
      : undefined),
  };
}

async function spend(url: string, manner: Manner, pool: string): Promise<void> {
  switch (manner) {
    case "alone":
      await reserveAndCommit(url, pool, 1, 2);
      return;
    case "64 connections":
      await reserveAndCommit(url, pool, 64, 3);
      return;
    case "batches of 500":
      for (let i = 0; i < 20; i++) await batch(url, pool);
      return;
    case "session, 256 callers":
      return session(url, pool, 2_000);
  }
}

function batch(url: string, pool: string): Promise<unknown> {
  const commands = Array.from({ length: 250 }, () => {
    const id = `b${ids++}`;
    return [
      { op: "reserve", id, agent: "swarm", tokens: 100 },
      { op: "commit", id, tokens: 90 },
    ];
  });
  return ask(url, "POST", `/v1/pools/${pool}/batch`, { commands: commands.flat() });
}

async function session(url: string, name: string, ms: number): Promise<void> {
  const client = new Bursar({ url, key, transport: "session" });
  const pool = client.pool(name);
  const until = Date.now() + ms;
  const loop = async (): Promise<void> => {
    while (Date.now() < until) await (await pool.reserve("swarm", 100)).commit(90);
  };
  await Promise.all(Array.from({ length: 256 }, loop));
  client.close();
}

/** To a million events; what that takes of the disk. */
async function grow(url: string): Promise<Counts> {
  const before = await meter(url, "old");
  for (let events = before.seq; events < histories.old; events += 2_000) {
    await Promise.all(Array.from({ length: 4 }, () => batch(url, "old")));
  }
  const after = await meter(url, "old");
  const perThousand = (1_000 * (after.bytes - before.bytes)) / (after.seq - before.seq);
  return { [bytes("batches of 500")]: Math.round(perThousand) };
}

/** Requests without a key, and with keys that nobody signed. */
async function strangers({ directory }: Workerd, url: string): Promise<Counts> {
  const databases = (): number =>
    readdirSync(join(directory, "data"), { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".sqlite"),
    ).length;
  const before = databases();
  const requests = 2_000;
  for (let i = 0; i < requests; i += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        const authorization = index % 2 === 0 ? "Bearer nobody" : `Bearer ${key.slice(0, -4)}AAAA`;
        const response = await fetch(`${url}/v1/pools/stranger-${i + index}`, { headers: { authorization } });
        if (response.status !== 401) throw new Error(`a stranger got ${response.status}`);
        await response.arrayBuffer();
      }),
    );
  }
  return { "requests of strangers": requests, "objects woken by strangers": databases() - before };
}

/**
 * What costs a fifth more after a million events than after ten. Callers at once share rows by chance, and are left
 * out.
 */
function dearer(counts: Counts): Finding[] {
  return (["alone", "batches of 500"] as const).flatMap((manner) => {
    const [young = 0, old = 0] = (["young", "old"] as const).map(
      (history) => counts[rate("rows written", manner, history)],
    );
    return old > 1.2 * young ? [{ text: `${manner}: ${old} rows per 1,000 operations, ${young} in a young pool` }] : [];
  });
}

/** A pool that only records sets no alarm; one whose last hold was settled has none left, once the last one ran. */
async function idle(url: string): Promise<Counts> {
  await makePool(url, "records");
  for (let i = 0; i < 20; i++) await ask(url, "POST", "/v1/pools/records/usage", { agent: "swarm", tokens: 1 });
  const { alarms_set, alarm } = await meter(url, "records");
  await makePool(url, "settled");
  const held = await ask(url, "POST", "/v1/pools/settled/reservations", { agent: "swarm", tokens: 1, ttl_ms: 1_000 });
  await ask(url, "POST", `/v1/pools/settled/reservations/${String(held["id"])}/commit`, { tokens: 1 });
  let left = await meter(url, "settled");
  for (let tries = 0; left.alarm !== null && tries < 45; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    left = await meter(url, "settled");
  }
  return {
    "alarms set by a pool that only records": alarms_set + (alarm === null ? 0 : 1),
    "alarms left after the last hold": left.alarm === null ? 0 : 1,
  };
}
