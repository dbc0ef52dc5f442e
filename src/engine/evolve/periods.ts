/** What new periods do to the state. */
import type { EventOf } from "../../protocol/events.ts";
import type { PeriodEvents } from "../../protocol/period.ts";
import { agentOf, earliestEnd, nothingWarned, type Pool, unsettledOne } from "../state.ts";
import type { Appliers } from "./appliers.ts";
import { allocate, chargeBefore, rememberWrite, unsettledOf } from "./ledger.ts";

export const periodAppliers: Appliers<PeriodEvents> = {
  period_started: periodStarted,
  agent_period_started: agentPeriodStarted,
};

/** Open reservations stay open, and gates stay as they are: a new period is not a new task. */
function periodStarted(pool: Pool, event: EventOf<"period_started">): void {
  const { number, starts_at, ends_at } = event;
  pool.total = event.total;
  pool.unallocated = event.unallocated;
  pool.consumed = 0;
  pool.closed = { agents: 0, allocated: 0, consumed: 0 };
  pool.warned = nothingWarned();
  for (const { agent: name, allocated } of event.agents) {
    const agent = agentOf(pool, name);
    agent.allocated = allocated;
    agent.consumed = 0;
    agent.warned = { ...nothingWarned(), gate: agent.warned.gate };
  }
  for (const expiry of pool.unsettled.toArray()) {
    const reservation = unsettledOne(pool, expiry);
    if (reservation !== undefined) chargeBefore(reservation);
  }
  pool.period = { number, starts_at, ends_at };
  pool.periodsEndAt = earliestEnd(pool);
  if (event.id !== undefined) rememberWrite(pool, event.id, { op: "reset_period", agent: null, amount: 0 });
}

/**
 * What the agent consumed moves to its parent (or the closed accounts), with the budget that paid for it: the pool's total and
 * consumption stay the same, and the agent begins at zero.
 */
function agentPeriodStarted(pool: Pool, event: EventOf<"agent_period_started">): void {
  const { number, starts_at, ends_at } = event;
  const agent = agentOf(pool, event.agent);
  const account = agent.contract.parent === null ? pool.closed : agentOf(pool, agent.contract.parent);
  const paid = Math.min(agent.allocated, agent.consumed);
  account.allocated += paid;
  account.consumed += agent.consumed;
  agent.allocated -= paid;
  agent.consumed = 0;
  agent.warned = { ...nothingWarned(), gate: agent.warned.gate };
  allocate(pool, agent, event.allocated, event.source);
  if (agent.unsettled > 0) unsettledOf(pool, agent.name).forEach(chargeBefore);
  agent.period = { number, starts_at, ends_at };
  pool.periodsEndAt = earliestEnd(pool);
}
