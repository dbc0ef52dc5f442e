/**
 * Reports of periods that are over. They follow from the journal, and are kept beside it: folding a year of
 * events to learn what last month cost, and the journal may be trimmed.
 */
import type { EventOf, PoolEvent } from "../protocol/events.ts";
import { limits } from "../protocol/limits.ts";
import type { PeriodReport } from "../protocol/period.ts";
import type { PoolStorage } from "./storage.ts";

/** Stands for the pool in the column of agents; no agent has an empty name. */
const thePool = "";

/** Whether `event` is one that `keepPeriods` has something to write for. */
export function endsPeriod(event: PoolEvent): boolean {
  return event.type === "period_started" || event.type === "agent_period_started" || event.type === "closed";
}

/** Keeps the reports of periods that `events` end, and forgets the oldest, and those of agents that leave. */
export function keepPeriods({ sql }: PoolStorage, events: readonly PoolEvent[]): void {
  for (const event of events) {
    if (event.type === "closed") {
      sql.exec("DELETE FROM periods WHERE agent = ?", event.agent);
    } else if (event.type === "period_started" || event.type === "agent_period_started") {
      const report = event.type === "period_started" ? reportOf(event) : reportOfAgent(event);
      const agent = report.agent ?? thePool;
      sql.exec(
        "INSERT OR REPLACE INTO periods (agent, number, report) VALUES (?, ?, ?)",
        agent,
        report.number,
        JSON.stringify(report),
      );
      sql.exec("DELETE FROM periods WHERE agent = ? AND number <= ?", agent, report.number - limits.periodsKept);
    }
  }
}

/** Reports of the pool's periods (or an agent's own) with numbers below `before`, the newest first. */
export function periods({ sql }: PoolStorage, agent: string | null, before: number, count: number): PeriodReport[] {
  const query = "SELECT report FROM periods WHERE agent = ? AND number < ? ORDER BY number DESC LIMIT ?";
  return sql
    .exec<{ report: string }>(query, agent ?? thePool, before, Math.min(count, limits.periodPage))
    .toArray()
    .map(({ report }) => JSON.parse(report) as PeriodReport);
}

function reportOf({ agents, ended }: EventOf<"period_started">): PeriodReport {
  const { number, starts_at, ended_at, total, consumed, held } = ended;
  const ledgers = Object.fromEntries(agents.map(({ agent, ended: had }) => [agent, had]));
  return { agent: null, number, starts_at, ended_at, budget: total, consumed, held, agents: ledgers };
}

function reportOfAgent({ agent, ended }: EventOf<"agent_period_started">): PeriodReport {
  const { number, starts_at, ended_at, allocated, consumed, held } = ended;
  return { agent, number, starts_at, ended_at, budget: allocated, consumed, held, agents: {} };
}
