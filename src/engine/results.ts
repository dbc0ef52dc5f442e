/** The state as answers show it. */
import type { AgentDetail, AgentView, NamedAgentView } from "../protocol/agent.ts";
import type { Period } from "../protocol/period.ts";
import type { PoolResult, Report } from "../protocol/pool.ts";
import type { ReservationView } from "../protocol/reservation.ts";
import { type Agent, available, gateOf, overage, type Pool, type Reservation } from "./state.ts";

export function viewPool(pool: Pool): PoolResult {
  if (pool.settings === null) throw new Error("the pool does not exist");
  const { settings, paused, seq, total, unallocated } = pool;
  return { ...settings, paused, period: periodOf(pool), seq, total, unallocated };
}

export function viewAgent(agent: Agent): AgentView {
  return {
    priority: agent.contract.priority,
    allocated: agent.allocated,
    consumed: agent.consumed,
    held: agent.held,
    remaining: agent.allocated - agent.consumed,
    available: available(agent),
    min_reserve: agent.contract.min_reserve,
    overage: overage(agent),
    gate: gateOf(agent),
    confidence: agent.confidence,
  };
}

export function viewDetail(agent: Agent): AgentDetail {
  return {
    name: agent.name,
    ...viewAgent(agent),
    contract: agent.contract,
    period: agent.period,
    closing: agent.closing,
    paused: agent.paused,
    open_reservations: agent.open,
    sub_agents: agent.subAgents,
  };
}

export function viewReservation(reservation: Reservation): ReservationView {
  const { id, agent, state, asked, granted, settlement, transfers } = reservation;
  return {
    id,
    agent,
    state,
    asked,
    granted,
    consumed: settlement?.amount ?? 0,
    overage: settlement?.overage ?? 0,
    late: settlement?.late ?? false,
    created_at: reservation.at,
    expires_at: reservation.expiresAt,
    on_expiry: reservation.onExpiry,
    transfers: [...transfers, ...(settlement?.transfers ?? [])],
    metadata: reservation.metadata ?? {},
  };
}

/** The ledger of all agents. `name` is the pool's name within its tenant. */
export function report(pool: Pool, name: string): Report {
  if (pool.settings === null) throw new Error("the pool does not exist");
  const agents = Object.fromEntries([...pool.agents.values()].map((agent) => [agent.name, viewAgent(agent)]));
  const { seq, total, unallocated, consumed, held, settings } = pool;
  const sums = { seq, total, unallocated, consumed, held };
  return { pool: name, unit: settings.unit, ...sums, period: periodOf(pool), agents };
}

export function viewNamed(pool: Pool, name: string | null): NamedAgentView | null {
  const agent = name === null ? undefined : pool.agents.get(name);
  return agent === undefined ? null : { name: agent.name, ...viewAgent(agent) };
}

export function periodOf({ period }: Pool): Period {
  if (period === null) throw new Error("the pool does not exist");
  return period;
}
