/** `npm run bench:engine`: the engine alone, in this process: how many commands a second, and what they depend on. */
import { fold } from "../../src/engine/evolve.ts";
import { execute } from "../../src/engine/execute.ts";
import { fromImage, toImage } from "../../src/engine/image.ts";
import type { Pool } from "../../src/engine/state.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import { median, options, print, progress, spread } from "./lib/report.ts";

const chosen = options("The engine's commands per second, donors, and growth with history.", { seconds: 2, rounds: 5 });
const start = 1_800_000_000_000;

function newPool(agents: readonly { readonly name: string; readonly priority: number; readonly max: number }[]): Pool {
  const events: PoolEvent[] = [];
  const pool = fold([]);
  execute(pool, { op: "configure" }, start, events);
  for (const { name, priority, max } of agents) {
    const command: Command = { op: "register", agent: name, priority, max, unit: "tokens", min_reserve: 0 };
    const outcome = execute(pool, command, start, events);
    if (!outcome.ok) throw new Error(JSON.stringify(outcome));
  }
  return pool;
}

/** Reserves and commits, alternating, until `commands` have run; returns commands per second. */
function reserveAndCommit(pool: Pool, commands: number): number {
  const agents = [...pool.agents.keys()];
  // Ids come with the commands; making them is not the engine's work.
  const ids = Array.from({ length: commands / 2 }, (_, i) => Buffer.from(`${pool.seq}-${i}`).toString("latin1"));
  const began = performance.now();
  for (let i = 0; i < commands; i += 2) {
    const id = ids[i / 2] ?? "";
    const now = start + i;
    const agent = agents[i % agents.length] ?? "";
    const reserved = execute(pool, { op: "reserve", id, agent, amount: 100, unit: "tokens" }, now, []);
    const committed = execute(pool, { op: "commit", id, amount: 90, unit: "tokens" }, now, []);
    if (!reserved.ok || !committed.ok) throw new Error(JSON.stringify([reserved, committed]));
  }
  return (commands / (performance.now() - began)) * 1_000;
}

function throughput(): number[] {
  const pool = newPool(["planner", "researcher", "writer", "critic"].map((name) => ({ name, priority: 1, max: 1e12 })));
  reserveAndCommit(pool, 200_000);
  const commands = chosen.seconds * 1_000_000;
  return Array.from({ length: chosen.rounds }, () => reserveAndCommit(pool, commands));
}

const donorAgents = Array.from({ length: 999 }, (_, i) => ({ name: `donor-${i}`, priority: i % 5, max: 10 }));
const thousandAgents = [{ name: "boss", priority: 9, max: 0 }, ...donorAgents];

/** Microseconds of a reserve of 1,000 that takes 10 from each of 100 donors. */
function reserveFromHundred(pool: Pool, id: string): number {
  const began = performance.now();
  const outcome = execute(pool, { op: "reserve", id, agent: "boss", amount: 1_000, unit: "tokens" }, start, []);
  const took = 1_000 * (performance.now() - began);
  if (!outcome.ok || !("transfers" in outcome.result) || outcome.result.transfers.length !== 100) {
    throw new Error(JSON.stringify(outcome));
  }
  return took;
}

/** Again and again on one pool; in between, off the clock, the call is booked and the donors get new budget. */
function busyPool(): number[] {
  const pool = newPool(thousandAgents);
  const max = new Map(donorAgents.map((agent) => [agent.name, { ...agent }]));
  const times: number[] = [];
  for (let i = 0; i < 1_500; i++) {
    times.push(reserveFromHundred(pool, `r${i}`));
    const known = pool.remembered.get(`r${i}`);
    execute(pool, { op: "commit", id: `r${i}`, amount: 1_000, unit: "tokens" }, start, []);
    for (const { from, amount } of known?.transfers ?? []) {
      const agent = max.get(from ?? "");
      if (agent === undefined) continue;
      agent.max += amount;
      const contract = { agent: agent.name, priority: agent.priority, max: agent.max, min_reserve: 0 };
      execute(pool, { op: "register", unit: "tokens", ...contract }, start, []);
    }
  }
  return times.slice(500);
}

/** Each on a pool of its own that nothing has touched since it was loaded: the processor's caches are cold. */
function wokenPool(): number[] {
  const image = toImage(newPool(thousandAgents));
  const pools = Array.from({ length: 300 }, () => fromImage(structuredClone(image)));
  return pools.map((pool) => reserveFromHundred(pool, "r")).slice(100);
}

function growth(): { history: number; perSecond: number }[] {
  const pool = newPool(["planner", "writer"].map((name) => ({ name, priority: 1, max: 1e12 })));
  reserveAndCommit(pool, 20_000);
  return [10_000, 100_000, 1_000_000, 5_000_000].map((history) => {
    reserveAndCommit(pool, Math.max(0, history - pool.seq));
    const perSecond = median(Array.from({ length: chosen.rounds }, () => reserveAndCommit(pool, 200_000)));
    return { history, perSecond };
  });
}

progress("commands a second");
const rates = throughput();
progress("a reserve with 100 donors among 1,000 agents");
const busy = busyPool().toSorted((a, b) => a - b);
const woken = wokenPool().toSorted((a, b) => a - b);
progress("growth with history");
const grown = growth();
const [first] = grown;

print(
  [
    {
      title: "Decide and evolve: reserve, commit, reserve, … (4 agents)",
      columns: ["", "commands/s", "spread"],
      rows: [["engine", median(rates), spread(rates)]],
    },
    {
      title: "A reserve that takes from 100 donors among 1,000 agents",
      columns: ["", "p50 µs", "p99 µs"],
      rows: [
        ["in a busy pool", median(busy), busy[Math.floor(busy.length * 0.99)] ?? Number.NaN],
        ["the first after waking", median(woken), woken[Math.floor(woken.length * 0.99)] ?? Number.NaN],
      ],
    },
    {
      title: "The same commands after a long history",
      columns: ["events before", "commands/s", "ratio to the first"],
      rows: grown.map(({ history, perSecond }) => [history, perSecond, perSecond / (first?.perSecond ?? 1)]),
    },
  ],
  chosen,
  [
    { what: "engine: decide and evolve", figure: median(rates), unit: "commands/s" },
    { what: "engine: a reserve that takes from 100 donors among 1,000 agents", figure: median(busy), unit: "µs" },
    {
      what: "engine: after 5 million events",
      figure: grown.at(-1)?.perSecond ?? Number.NaN,
      unit: "commands/s",
      beside: { what: "after 10,000", figure: first?.perSecond ?? Number.NaN },
    },
  ],
);
