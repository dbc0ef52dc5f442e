/** What a study says: a table for the terminal, and `docs/study/` with tables, a CSV file and charts. */
import { type Chart, lineChart } from "./chart.ts";
import { type Measures, measureNames } from "./measure.ts";
import { after } from "./policies/after.ts";
import { bursar, flat, floating, gated, gatedPot, patient, shared } from "./policies/engine.ts";
import { policies } from "./policies/policies.ts";
import { seed } from "./policies/seed.ts";
import type { Run } from "./study.ts";
import type { Trace } from "./trace.ts";

type Scale = { readonly sizes: readonly number[]; readonly budgets: readonly number[]; readonly seeds: number };

/** What is shown of the measures, and which way is better. */
const shown: readonly { readonly name: keyof Measures; readonly title: string; readonly better: 1 | -1 }[] = [
  { name: "important", title: "important work", better: 1 },
  { name: "usual", title: "usual work", better: 1 },
  { name: "least", title: "least work", better: 1 },
  { name: "weighted", title: "work by priority", better: 1 },
  { name: "worst", title: "worst served agent", better: 1 },
  { name: "stranded", title: "stranded", better: -1 },
  { name: "overspent", title: "overspent", better: -1 },
  { name: "refused", title: "calls refused", better: -1 },
  { name: "wasted", title: "wasted", better: -1 },
];
type Rivals = { readonly own: string; readonly others: readonly string[] };
const plainRivals: Rivals = { own: bursar.name, others: [flat, shared, after, seed].map(({ name }) => name) };
const gatedRivals: Rivals = { own: gated.name, others: [gatedPot.name] };

/** The middle fleet of a trace, every budget. */
export function table(runs: readonly Run[], trace: Trace, sizes: readonly number[]): string {
  const size = middleOf(sizes);
  const budgets = [...new Set(runs.map(({ percent }) => percent))];
  const lines = [`${trace.name}${trace.isSynthetic ? " (SYNTHETIC: nobody made these calls)" : ""}, ${size} agents`];
  for (const percent of budgets) {
    lines.push("", `budget of ${percent} % of what is needed:`);
    lines.push(["".padEnd(36), ...shown.map(({ title }) => title.padStart(18)), "waited s".padStart(10)].join(""));
    for (const { name } of policies) {
      const mean = meanOf(runs.filter((run) => isOf(run, trace, size, percent, name)));
      const cells = shown.map(({ name: measured }) => percentOf(mean[measured]).padStart(18));
      lines.push([name.padEnd(36), ...cells, mean.waited.toFixed(1).padStart(10)].join(""));
    }
  }
  return lines.join("\n");
}

export function csv(runs: readonly Run[]): string {
  const columns = ["trace", "agents", "percent", "seed", "policy", ...measureNames] as const;
  const rows = runs.map((run) =>
    columns.map((column) =>
      typeof run[column] === "number" ? Number(run[column].toPrecision(6)) : `"${run[column]}"`,
    ),
  );
  return `${[columns, ...rows].map((row) => row.join(",")).join("\n")}\n`;
}

const plotted = [
  { name: "important", title: "Important work done" },
  { name: "worst", title: "Work done of the worst served agent" },
  { name: "stranded", title: "Budget left although calls were refused" },
  { name: "overspent", title: "Spent beyond the budget" },
] as const;

export function charts(
  runs: readonly Run[],
  traces: readonly Trace[],
  sizes: readonly number[],
  budgets: readonly number[],
): [name: string, svg: string][] {
  const size = middleOf(sizes);
  return traces.flatMap((trace) =>
    plotted.map(({ name, title }): [string, string] => {
      const chart: Chart = {
        title: `${title}: ${trace.name}, ${size} agents`,
        xLabel: "budget, of what all calls would take",
        xs: budgets.map((percent) => `${percent} %`),
        yLabel: name === "important" || name === "worst" ? "share of its work" : "share of the budget",
        series: policies.map((policy) => ({
          name: policy.name,
          values: budgets.map(
            (percent) => meanOf(runs.filter((run) => isOf(run, trace, size, percent, policy.name)))[name],
          ),
        })),
      };
      return [`${trace.name}-${name}.svg`, lineChart(chart)];
    }),
  );
}

export function page(runs: readonly Run[], traces: readonly Trace[], { sizes, budgets, seeds }: Scale): string {
  const size = middleOf(sizes);
  return `# What governance buys

\`npm run study -- --write\` writes this page; don't edit it by hand. [results.csv](results.csv) has every figure of every run.

${traces.map(describe).join("\n")}

**From the trace:** the calls, their times and their tokens.

**Assumed here:**

- **Agents.** Fleets of ${sizes.join(", ")} agents make the calls, ${seeds} fleets of each size, from seeds. Every agent is important
  in one fleet of five, usual in two and least important in two (priorities 3, 2, 1), so chance does not decide how much
  important agents ask for.
- **Budgets** are ${budgets.join(", ")} % of what all calls would take. Every policy with shares starts with equal ones, because
  needs are not known beforehand.
- **Tasks.** An agent's calls belong to tasks of 4 to 16 calls. After half of a task at the earliest, it is answered well
  enough, and its further calls add nothing. A refused call is not repeated.
- **Calls.** A call holds its prompt and the longest answer that it allows. It takes 0.3 s, and 15 ms a token.

**Work** is the tokens of calls that were useful and complete. These policies are compared:

${policies.map(({ name, what }) => `- **${name}**: ${what}`).join("\n")}

All policies except "counted after the call" and "look, call, record, reallocate" run on Bursar's own engine.

${traces.map((trace) => results(runs, trace, size, budgets)).join("\n\n")}

## Where Bursar is not better

The program lists where another policy is better by more than a point, on average over the fleets. It makes two comparisons of
like with like. A case is a trace and a budget. Bursar without its gate, compared with every policy without a gate:

${worse(runs, traces, budgets, plainRivals).join("\n")}

All of Bursar, compared with a pot with the gate:

${worse(runs, traces, budgets, gatedRivals).join("\n")}

## What surprised us

${surprises(runs, traces, sizes).join("\n")}
`;
}

function describe({ name, isSynthetic, speed, calls }: Trace): string {
  if (speed !== 1)
    return `- **${name}**: the same calls ${speed} times as fast, so that as many more are in flight at once.`;
  const tokens = calls.reduce((sum, { prompt, answer }) => sum + prompt + answer, 0);
  const minutes = Math.round((calls.at(-1)?.at ?? 0) / 60_000);
  const amounts = `${calls.length.toLocaleString("en-US")} calls in ${minutes} minutes, ${(tokens / 1e6).toFixed(1)} million tokens`;
  if (isSynthetic) return `- **${name}**: SYNTHETIC, nobody made these calls; ${amounts}.`;
  return `- **${name}**: ${amounts}. Azure's public data set (CC-BY 4.0); P. Patel et al., "Splitwise", ISCA 2024. Not part of this repository.`;
}

function results(runs: readonly Run[], trace: Trace, size: number, budgets: readonly number[]): string {
  const lines = [`## ${trace.name}, ${size} agents`, ""];
  lines.push(...plotted.map(({ name, title }) => `![${title}](${trace.name}-${name}.svg)`));
  for (const percent of budgets) {
    lines.push("", `Budget of ${percent} %:`, "");
    lines.push(`| | ${shown.map(({ title }) => title).join(" | ")} | waited, s |`);
    lines.push(`|---|${shown.map(() => "---|").join("")}---|`);
    for (const { name } of policies) {
      const mean = meanOf(runs.filter((run) => isOf(run, trace, size, percent, name)));
      const cells = shown.map(({ name: measured }) => percentOf(mean[measured]));
      lines.push(`| ${name} | ${cells.join(" | ")} | ${mean.waited.toFixed(1)} |`);
    }
  }
  return lines.join("\n");
}

/** Measures in which one of `others` is ahead of `own`. */
function worse(runs: readonly Run[], traces: readonly Trace[], budgets: readonly number[], rivals: Rivals): string[] {
  const found: string[] = [];
  for (const { name, title, better } of shown) {
    const cases: { readonly gap: number; readonly text: string }[] = [];
    for (const trace of traces) {
      for (const percent of budgets) {
        const mean = (policy: string): Measures =>
          meanOf(runs.filter((run) => run.trace === trace.name && run.percent === percent && run.policy === policy));
        const own = mean(rivals.own)[name];
        const [leader] = rivals.others
          .map((policy) => ({ policy, measures: mean(policy) }))
          .sort((a, b) => better * (b.measures[name] - a.measures[name]));
        const gap = leader === undefined ? 0 : better * (leader.measures[name] - own);
        if (leader === undefined || gap <= 0.01) continue;
        const over =
          leader.measures.overspent < 0.0005 ? "" : `, overspending by ${percentOf(leader.measures.overspent)}`;
        const text = `${trace.name} at ${percent} %: ${leader.policy} ${percentOf(leader.measures[name])}${over}; Bursar ${percentOf(own)}`;
        cases.push({ gap, text });
      }
    }
    const [most] = cases.sort((one, other) => other.gap - one.gap);
    const asked = traces.length * budgets.length;
    if (most !== undefined) found.push(`- **${title}**, in ${cases.length} of ${asked} cases; most in ${most.text}.`);
  }
  return found.length > 0 ? found : ["- Nothing, in these runs."];
}

/** Observations, each with its figures from the runs; of the trace as it was, unless it is said. */
function surprises(runs: readonly Run[], traces: readonly Trace[], sizes: readonly number[]): string[] {
  const speedOf = new Map(traces.map(({ name, speed }) => [name, speed]));
  const slow = runs.filter(({ trace }) => speedOf.get(trace) === 1);
  const fast = runs.filter(({ trace }) => speedOf.get(trace) !== 1);
  const at = (name: keyof Measures, policy: string, percent: number, among: readonly Run[] = slow): string =>
    percentOf(meanOf(among.filter((run) => run.policy === policy && run.percent === percent))[name]);
  const ofSize = (policy: string, size: number): string =>
    at(
      "important",
      policy,
      60,
      slow.filter(({ agents }) => agents === size),
    );
  const small = Math.min(...sizes);
  const large = Math.max(...sizes);
  const lines = [
    `- **Equal caps fail even when there is enough.** At 100 % of what is needed, flat caps refuse ${at("refused", "flat caps", 100)} of the calls and leave ${at("stranded", "flat caps", 100)} of the budget unspent; Bursar refuses ${at("refused", bursar.name, 100)}.`,
    `- **"Never uphill" has a price.** At 100 % the pot refuses ${at("refused", "one shared pot", 100)} and Bursar ${at("refused", bursar.name, 100)}: what important agents don't need is not given to less important ones, and donors keep their reserves (${at("stranded", bursar.name, 100)} stranded). To leave less, give the pool a budget beyond its contracts, or fund it.`,
    `- **Leaving half of the budget unallocated is a compromise**: contracts are half the size, and the rest goes to the agent that needs it first. At 100 % it refuses ${at("refused", floating.name, 100)} and strands ${at("stranded", floating.name, 100)}. Where budget is short, it ignores priority as much as the pot does: at 60 %, important agents get ${at("important", floating.name, 60)} of their work done, the least important ones ${at("least", floating.name, 60)}.`,
    `- **The pot ignores priority.** At 60 % it gives important agents ${at("important", "one shared pot", 60)} of their work and the least important ones ${at("least", "one shared pot", 60)}; Bursar ${at("important", bursar.name, 60)} and ${at("least", bursar.name, 60)}. The worst served agent is better off in the pot: ${at("worst", "one shared pot", 60)} against ${at("worst", bursar.name, 60)} (flat caps: ${at("worst", "flat caps", 60)}).`,
    `- **If calls rarely overlap, looking first and recording afterwards is as good**: at 60 % "look, call, record, reallocate" gets ${at("important", "look, call, record, reallocate", 60)} of the important work done, Bursar ${at("important", bursar.name, 60)}, and overspends by ${at("overspent", "look, call, record, reallocate", 60)}. Holds cost a little: what a call might need is not available to others while it runs.`,
    `- **The gate is worth about as much as transfers, and works with any policy.** At 60 %, from flat caps to Bursar, important work goes from ${at("important", "flat caps", 60)} to ${at("important", bursar.name, 60)}; with the gate to ${at("important", gated.name, 60)}, and what is wasted from ${at("wasted", patient.name, 60)} to ${at("wasted", gated.name, 60)}. A pot with a gate goes from ${at("weighted", "one shared pot", 60)} of the work by priority to ${at("weighted", gatedPot.name, 60)}; Bursar with one has ${at("weighted", gated.name, 60)}. All of that rests on two assumptions: that agents report their confidence truthfully, and how much of the work adds nothing.`,
    `- **Waiting and partial grants change little here**: important work at 60 % goes from ${at("important", bursar.name, 60)} to ${at("important", patient.name, 60)}. Waiting does not refill a budget that is spent. It helps in pools whose holds are a large part of the budget.`,
    `- **Size**: at 60 %, Bursar's important agents get ${ofSize(bursar.name, small)} of their work done in fleets of ${small} and ${ofSize(bursar.name, large)} in fleets of ${large}; with flat caps ${ofSize("flat caps", small)} and ${ofSize("flat caps", large)}.`,
  ];
  const mostOver = [...runs].sort((a, b) => b.overspent - a.overspent)[0];
  if (fast.length === 0 || mostOver === undefined) return lines;
  return [
    ...lines,
    `- **Many calls at once break counting afterwards.** With the calls of an hour in a minute, "look, call, record, reallocate" spends ${at("overspent", "look, call, record, reallocate", 60, fast)} beyond the budget at 60 %; the most in any run was ${percentOf(mostOver.overspent)}, by "${mostOver.policy}" (${mostOver.agents} agents, ${mostOver.percent} %, ${mostOver.trace}). Bursar: ${at("overspent", bursar.name, 60, fast)}. Some of the work that these policies get done beyond Bursar's is that overspend. The rest is what Bursar's holds keep from other agents while calls run.`,
    `- **With many calls at once, the gate is late.** The same calls 60 times as fast overlap so much that most of a task is in flight before an agent is confident: important work at 60 % goes from ${at("important", patient.name, 60, fast)} to ${at("important", gated.name, 60, fast)} only.`,
    "- **A confidence that comes too late is wrong.** The first simulation reported it with any call that was confident, even when the agent had started its next task. The gate then closed on the new task, and important work fell below what it was without a gate. Report a confidence only for the agent's present task.",
  ];
}

function isOf(run: Run, trace: Trace, size: number, percent: number, policy: string): boolean {
  return run.trace === trace.name && run.agents === size && run.percent === percent && run.policy === policy;
}

function middleOf(sizes: readonly number[]): number {
  return sizes[sizes.length >> 1] ?? 0;
}

function meanOf(runs: readonly Run[]): Measures {
  const mean = (name: keyof Measures): number => runs.reduce((sum, run) => sum + run[name], 0) / runs.length;
  return Object.fromEntries(measureNames.map((name) => [name, mean(name)])) as Record<keyof Measures, number>;
}

function percentOf(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
