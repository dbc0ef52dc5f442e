/**
 * Reports of periods that have ended. They follow from the journal but are stored beside it, because reading last month's
 * cost must not fold a year of events, and the journal may have been trimmed.
 */
import type { EventOf, PoolEvent } from "../protocol/events.ts";
import { limits } from "../protocol/limits.ts";
import type { PeriodReport } from "../protocol/period.ts";
import type { PoolStorage } from "./storage.ts";

/** The pool's own entry in the column of agents; no agent has an empty name. */
const thePool = "";

/** Whether `keepPeriods` writes something for `event`. */
export function endsPeriod(event: PoolEvent): boolean {
  return event.type === "period_started" || event.type === "agent_period_started" || event.type === "closed";
}

/** Stores the reports of periods that `events` end; deletes the oldest, and those of agents that leave. */
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

/** Reports of the pool's periods (or of an agent's own) with numbers below `before`, newest first. */
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
