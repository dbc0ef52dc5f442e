/** The dashboard and the alert rules: every expression is PromQL by Prometheus' own grammar, of metrics that there are. */
import { parser } from "@prometheus-io/lezer-promql";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { exposition } from "../../src/http/metrics.ts";
import type { AgentView } from "../../src/protocol/agent.ts";
import type { Metrics } from "../../src/protocol/pool.ts";
import { read } from "../support/tree.ts";

/** Names of metrics that a pool of either unit with one agent has. */
function metricNames(): Set<string> {
  const names = new Set<string>();
  for (const unit of ["tokens", "microusd"] as const) {
    const zeros = { allocated: 0, consumed: 0, held: 0, remaining: 0, available: 0, min_reserve: 0, overage: 0 };
    const agent: AgentView = { priority: 1, ...zeros, gate: "open", confidence: null };
    const sums = {
      seq: 1,
      total: 1,
      unallocated: 1,
      consumed: 0,
      held: 0,
      period: { number: 1, starts_at: 0, ends_at: null },
    };
    const metrics: Metrics = {
      report: { pool: "p", unit, ...sums, agents: { a: agent } },
      open_reservations: 0,
      waiting: 0,
      refusals: { a: { budget_exceeded: 1 } },
    };
    for (const [, name = ""] of exposition(metrics).matchAll(/^# TYPE (\S+)/gm)) names.add(name);
  }
  return names;
}

/** What is wrong with an expression; nothing if it parses and all its metrics exist. */
function faults(expression: string): string[] {
  const names = metricNames();
  const found: string[] = [];
  parser.parse(expression).iterate({
    enter: ({ type, from, to }) => {
      const text = expression.slice(from, to);
      if (type.isError) found.push(`${expression}: not PromQL at ${from}`);
      if (type.name === "Identifier" && text.startsWith("bursar_") && !names.has(text)) found.push(`no metric ${text}`);
    },
  });
  return found;
}

type Panel = {
  readonly id: number;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets: readonly { readonly expr: string }[];
};

describe("the dashboard for Grafana", () => {
  const dashboard = JSON.parse(read("docs/grafana/bursar.json")) as {
    readonly panels: readonly Panel[];
    readonly templating: { readonly list: readonly { readonly name: string }[] };
  };

  it("asks for metrics that there are, in either unit, and for variables that it has", () => {
    const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
    expect(expressions.length).toBeGreaterThan(8);
    const variables = new Set([...dashboard.templating.list.map(({ name }) => name), "__rate_interval"]);
    for (const expression of expressions) {
      for (const [, name = ""] of expression.matchAll(/\$\{?(\w+)/g)) expect(variables).toContain(name);
      for (const unit of ["tokens", "microusd"]) {
        const asked = expression
          .replaceAll("${unit}", unit)
          .replaceAll("$pool", ".*")
          .replaceAll("$__rate_interval", "5m");
        expect(faults(asked)).toEqual([]);
      }
    }
  });

  it("has panels of its own numbers and places, none over another", () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, at) => `${x + (at % w)},${y + Math.floor(at / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe("the alert rules", () => {
  it("are PromQL of metrics that there are, each with a name, a severity and a sentence", () => {
    type Rule = {
      readonly alert: string;
      readonly expr: string;
      readonly for: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string };
    };
    const { groups } = parse(read("docs/grafana/alerts.yaml")) as { groups: readonly { rules: readonly Rule[] }[] };
    const rules = groups.flatMap(({ rules: own }) => own);
    expect(new Set(rules.map(({ alert }) => alert)).size).toBe(rules.length);
    for (const rule of rules) {
      expect(faults(rule.expr)).toEqual([]);
      expect(rule.for).toMatch(/^\d+m$/);
      expect(rule.labels.severity).toMatch(/^(warning|critical)$/);
      expect(rule.annotations.summary).toMatch(/\$labels\.pool.*\.$/);
    }
  });
});
