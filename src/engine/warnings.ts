/**
 * Which warnings an event gives rise to. Each is given once in a period, when it first applies, and is journaled as an event
 * itself: a state that was folded again must not warn a second time.
 */
import type { PoolEvent } from "../protocol/events.ts";
import type { Period } from "../protocol/period.ts";
import type { Warning } from "../protocol/warning.ts";
import { type Agent, agentOf, gateOf, overage, type Pool, reservationOf, type Warned } from "./state.ts";

/** Shares of the period and of the budget below which a forecast would be a guess. */
const leastElapsed = 0.05;
const leastConsumed = 0.1;

const none: readonly Warning[] = [];

/** The warnings that `event`, just applied, gives rise to. */
export function warningsAfter(pool: Pool, event: PoolEvent): readonly Warning[] {
  const found: Warning[] = [];
  switch (event.type) {
    case "committed":
    case "expired": {
      const { owner } = reservationOf(pool, event.id);
      if (owner !== null) ofAgent(pool, agentOf(pool, owner), event.at, found);
      ofPool(pool, event.at, found);
      return found;
    }
    case "recorded":
      ofAgent(pool, agentOf(pool, event.agent), event.at, found);
      ofPool(pool, event.at, found);
      return found;
    case "registered":
      ofAgent(pool, agentOf(pool, event.agent), event.at, found);
      return found;
    case "configured":
    case "funded":
      ofPool(pool, event.at, found);
      return found;
    default:
      return none;
  }
}

/** After a budget has changed: a threshold that is no longer reached can be warned of again. `agent` null: the pool's. */
export function rearm(pool: Pool, agent: Agent | null): void {
  const { warned } = agent ?? pool;
  if (warned.percent === 0) return;
  const { consumed, budget } = usageOf(pool, agent);
  const reached = (pool.settings?.warn_at ?? []).filter((percent) => isReached(percent, consumed, budget));
  const percent = Math.min(warned.percent, reached.at(-1) ?? 0);
  (agent ?? pool).warned = { ...warned, percent };
}

/** The record of given warnings, with `warning` in it. */
export function withWarned(warned: Warned, warning: Warning): Warned {
  switch (warning.warning) {
    case "threshold":
      return { ...warned, percent: warning.percent };
    case "gate_closed":
      return { ...warned, gate: true };
    case "overage":
      return { ...warned, overage: true };
    case "burn_rate":
      return { ...warned, burn: true };
  }
}

function ofAgent(pool: Pool, agent: Agent, now: number, found: Warning[]): void {
  const { name, warned, confidence } = agent;
  thresholds(pool, agent, found);
  if (!warned.gate && confidence !== null && gateOf(agent) === "closed") {
    found.push({ warning: "gate_closed", agent: name, confidence });
  }
  if (!warned.overage && overage(agent) > 0) found.push({ warning: "overage", agent: name, overage: overage(agent) });
  burn(pool, agent, agent.period, now, found);
}

function ofPool(pool: Pool, now: number, found: Warning[]): void {
  thresholds(pool, null, found);
  burn(pool, null, pool.period, now, found);
}

/** What thresholds are percentages of: the pool's total; an agent's `max`, because its allocation changes with every loan. */
function usageOf(pool: Pool, agent: Agent | null): { consumed: number; budget: number } {
  return agent === null
    ? { consumed: pool.consumed, budget: pool.total }
    : { consumed: agent.consumed, budget: agent.contract.max };
}

function thresholds(pool: Pool, agent: Agent | null, found: Warning[]): void {
  const { percent: said } = (agent ?? pool).warned;
  const { consumed, budget } = usageOf(pool, agent);
  for (const percent of pool.settings?.warn_at ?? []) {
    if (percent <= said) continue;
    if (!isReached(percent, consumed, budget)) return;
    found.push({ warning: "threshold", agent: agent?.name ?? null, percent, consumed, budget });
  }
}

function isReached(percent: number, consumed: number, budget: number): boolean {
  return budget > 0 && consumed * 100 >= percent * budget;
}

/** The burn rate: whether spending as in the period so far would exhaust the budget before the period ends. */
function burn(pool: Pool, agent: Agent | null, period: Period | null, now: number, found: Warning[]): void {
  if (period === null || period.ends_at === null || (agent ?? pool).warned.burn) return;
  const { consumed, budget } = usageOf(pool, agent);
  const { starts_at, ends_at } = period;
  const elapsed = now - starts_at;
  if (consumed >= budget || consumed < leastConsumed * budget) return;
  if (elapsed < leastElapsed * (ends_at - starts_at)) return;
  const exhausts_at = starts_at + Math.floor((elapsed * budget) / consumed);
  if (exhausts_at >= ends_at) return;
  found.push({ warning: "burn_rate", agent: agent?.name ?? null, consumed, budget, exhausts_at, ends_at });
}
