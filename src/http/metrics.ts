/**
 * A pool's figures as Prometheus reads them: the text exposition format, version 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Written by hand because its one writer that is kept,
 * prom-client, needs Node and keeps its own counters; ours are the pool's state, and exact. Names of pools and agents
 * need no escaping: no quote, backslash or line break is in any (`protocol/common.wire.ts`). Labels are bounded: agents by
 * the pool's limit, codes by the protocol.
 */
import type { AgentView } from "../protocol/agent.ts";
import type { Metrics } from "../protocol/pool.ts";
import type { Unit } from "../protocol/unit.ts";

export const expositionMedia = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];
type Kind = "gauge" | "counter";

/** The body of `GET …/metrics` of a pool: its figures and its agents'. */
export function exposition(metrics: Metrics): string {
  const { report, refusals } = metrics;
  const { pool, unit, agents } = report;
  const views = Object.entries(agents);
  const ofAgents = figuresOfAgent(unit).map(([name, kind, help, value]) =>
    family(
      name,
      kind,
      help,
      views.map(([agent, view]) => [{ pool, agent }, value(view)]),
    ),
  );
  const refused = Object.entries(refusals).flatMap(([agent, codes]) =>
    Object.entries(codes).map(([code, count]): Sample => [{ pool, agent, code }, count]),
  );
  const help = "Refusals since the pool woke, by the code of their problem.";
  return [
    expositionOfPools([metrics]),
    ...ofAgents,
    family("bursar_agent_refusals_total", "counter", help, refused),
  ].join("");
}

/** The body of `GET /v1/metrics`: the figures of several pools, without their agents, which could be too many. */
export function expositionOfPools(all: readonly Metrics[]): string {
  const families = new Map<string, { kind: Kind; help: string; samples: Sample[] }>();
  for (const metrics of all) {
    const { pool, unit } = metrics.report;
    for (const [name, kind, help, value] of figuresOfPool(unit)) {
      const known = families.get(name) ?? { kind, help, samples: [] };
      known.samples.push([{ pool }, value(metrics)]);
      families.set(name, known);
    }
  }
  return [...families].map(([name, { kind, help, samples }]) => family(name, kind, help, samples)).join("");
}

type Figure<T> = readonly [name: string, kind: Kind, help: string, value: (of: T) => number];

function figuresOfPool(unit: Unit): readonly Figure<Metrics>[] {
  return [
    [`bursar_pool_total_${unit}`, "gauge", "The pool's budget.", ({ report }) => report.total],
    [
      `bursar_pool_unallocated_${unit}`,
      "gauge",
      "What no agent has been allocated yet.",
      ({ report }) => report.unallocated,
    ],
    [`bursar_pool_held_${unit}`, "gauge", "What open reservations hold.", ({ report }) => report.held],
    [
      `bursar_pool_consumed_${unit}_total`,
      "counter",
      "What was consumed, by agents that left too.",
      ({ report }) => report.consumed,
    ],
    ["bursar_pool_open_reservations", "gauge", "Reservations that are not settled.", (of) => of.open_reservations],
    ["bursar_pool_waiting_reserves", "gauge", "Reserves that wait in line for budget.", ({ waiting }) => waiting],
    ["bursar_pool_events_total", "counter", "Events of the journal.", ({ report }) => report.seq],
  ];
}

function figuresOfAgent(unit: Unit): readonly Figure<AgentView>[] {
  return [
    [`bursar_agent_allocated_${unit}`, "gauge", "What it may spend, after all transfers.", (of) => of.allocated],
    [`bursar_agent_consumed_${unit}_total`, "counter", "What it consumed since its last reset.", (of) => of.consumed],
    [`bursar_agent_held_${unit}`, "gauge", "What its open reservations hold.", ({ held }) => held],
    [`bursar_agent_available_${unit}`, "gauge", "What it can reserve without a transfer.", (of) => of.available],
    [`bursar_agent_min_reserve_${unit}`, "gauge", "What no transfer takes from it.", (of) => of.min_reserve],
    [`bursar_agent_overage_${unit}`, "gauge", "What it consumed beyond its allocation.", ({ overage }) => overage],
    ["bursar_agent_gate_closed", "gauge", "1 once it was confident enough.", ({ gate }) => (gate === "closed" ? 1 : 0)],
  ];
}

/** One metric with its help text and samples, which the format wants together; nothing if there are no samples. */
function family(name: string, kind: Kind, help: string, samples: readonly Sample[]): string {
  if (samples.length === 0) return "";
  const lines = samples.map(([labels, value]) => `${name}{${written(labels)}} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join("")}`;
}

function written(labels: Labels): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}="${value}"`)
    .join(",");
}
