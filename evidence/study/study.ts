/**
 * `npm run study`: what governance buys. A real trace of model calls is made by fleets of agents under budgets that are
 * too small, once under each policy; what important agents got done, what the least ones got, and what was wasted.
 */
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, readOptions } from "../../scripts/options.ts";
import { costOf, makeFleet } from "./fleet.ts";
import { type Measures, measure } from "./measure.ts";
import { charts, csv, page, table } from "./page.ts";
import { policies } from "./policies/policies.ts";
import { simulate } from "./simulate.ts";
import { hurried, readTrace, syntheticTrace, type Trace } from "./trace.ts";

/** Where the data of this project's makers lies; it is not part of it. */
const shared = new URL("../../../shared/data/", import.meta.url).pathname;

const usage = `Replays a trace of model calls as a fleet of agents under each policy.

  --data A,B     traces (CSV: TIMESTAMP,ContextTokens,GeneratedTokens);
                 default: those in ../shared/data, or a synthetic one where there are none
  --agents A,B   sizes of fleets (default 8,20,50)
  --budgets A,B  percent of what all calls would take (default 40,60,80,100,120)
  --speeds A,B   how many times as fast the trace is replayed (default 1,60: an hour in a minute)
  --seeds N      fleets of each size, from seeds 1 to N (default 5: each agent is once of each tier's turn)
  --write        write docs/study/
  --json         for machines
  --help         this text`;
const values = readOptions(usage, {
  data: { type: "string", default: "" },
  agents: { type: "string", default: "8,20,50" },
  budgets: { type: "string", default: "40,60,80,100,120" },
  speeds: { type: "string", default: "1,60" },
  seeds: { type: "string", default: "5" },
  write: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
});
const sizes = counts("agents", values.agents);
const budgets = counts("budgets", values.budgets);
const [seeds = 1] = counts("seeds", values.seeds);
const speeds = counts("speeds", values.speeds);
const traces = findTraces().flatMap((trace) => speeds.map((speed) => hurried(trace, speed)));

/** One policy, on one fleet, with one budget. */
export type Run = Measures & {
  readonly trace: string;
  readonly agents: number;
  readonly percent: number;
  readonly seed: number;
  readonly policy: string;
};

const runs: Run[] = [];
for (const trace of traces) {
  for (const size of sizes) {
    console.error(
      `… ${trace.name}${trace.isSynthetic ? " (SYNTHETIC)" : ""}: ${trace.calls.length} calls, ${size} agents`,
    );
    for (let seed = 1; seed <= seeds; seed++) runs.push(...study(trace, size, seed));
  }
}
if (values.json)
  console.log(JSON.stringify({ traces: traces.map(({ name, isSynthetic }) => ({ name, isSynthetic })), runs }));
else for (const trace of traces) console.log(`${table(runs, trace, sizes)}\n`);
if (values.write) {
  const folder = new URL("../../docs/study/", import.meta.url).pathname;
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "README.md"), page(runs, traces, { sizes, budgets, seeds }));
  writeFileSync(join(folder, "results.csv"), csv(runs));
  for (const [name, svg] of charts(runs, traces, sizes, budgets)) writeFileSync(join(folder, name), svg);
}

function study(trace: Trace, size: number, seed: number): Run[] {
  const fleet = makeFleet(trace, size, seed);
  const needed = fleet.calls.reduce((sum, call) => sum + costOf(call), 0);
  return budgets.flatMap((percent) => {
    const budget = Math.floor((needed * percent) / 100);
    return policies.map((policy): Run => {
      const measures = measure(fleet, simulate(fleet, policy, budget), budget);
      return { trace: trace.name, agents: size, percent, seed, policy: policy.name, ...measures };
    });
  });
}

function findTraces(): Trace[] {
  if (values.data !== "") return values.data.split(",").map(readTrace);
  const files = existsSync(shared) ? readdirSync(shared).filter((name) => name.endsWith(".csv")) : [];
  if (files.length > 0) return files.map((name) => readTrace(join(shared, name)));
  console.error("… no trace is here: one is made up");
  return [syntheticTrace(1)];
}

function counts(name: string, text: string): number[] {
  const all = text.split(",").map(Number);
  if (all.every((value) => Number.isInteger(value) && value > 0)) return all;
  return fail(`--${name} ${text} is not whole numbers above zero.`, usage);
}
