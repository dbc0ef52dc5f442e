/** Reads answers out of the state, after the events of a command have been applied to it. */
import type { AgentDetail, AgentView, NamedAgentView } from "../protocol/agent.ts";
import type { AnyResult, Command } from "../protocol/commands.ts";
import type { Period } from "../protocol/period.ts";
import type { PoolResult, Report } from "../protocol/pool.ts";
import type { ReservationView, SettlementResult, Transfer } from "../protocol/reservation.ts";
import {
  type Agent,
  agentOf,
  available,
  type Booking,
  gateOf,
  overage,
  type Pool,
  type Reservation,
  reservationOf,
} from "./state.ts";

/** What `command` answers, now that it is applied (or was, when it is repeated). */
export function resultOf(pool: Pool, command: Command, replayed: boolean): AnyResult {
  const again = replayed ? ({ replayed: true } as const) : undefined;
  switch (command.op) {
    case "configure":
      return viewPool(pool);
    case "register":
      return { seq: pool.seq, agent: viewDetail(agentOf(pool, command.agent)) };
    case "close": {
      const agent = pool.agents.get(command.agent);
      return agent === undefined
        ? { seq: pool.seq, state: "closed", agent: null }
        : { seq: pool.seq, state: "closing", agent: viewDetail(agent) };
    }
    case "fund": {
      const { id, amount, seq } = bookingOf(pool, command.id);
      return { id, amount, seq, total: pool.total, unallocated: pool.unallocated, ...again };
    }
    case "pause":
    case "resume": {
      const agent = command.agent === null ? null : agentOf(pool, command.agent);
      return {
        seq: pool.seq,
        paused: (agent ?? pool).paused,
        agent: agent === null ? null : viewDetail(agent),
      };
    }
    case "reset_period": {
      const { id, seq } = bookingOf(pool, command.id);
      return { id, seq, period: periodOf(pool), ...again };
    }
    case "reopen":
    case "reset": {
      const { id, seq, agent } = bookingOf(pool, command.id);
      return { id, seq, agent: viewNamed(pool, agent), ...again };
    }
    case "reserve": {
      const { id, granted, firstExpiresAt, firstOnExpiry, transfers, seq, agent } = reservationOf(pool, command.id);
      const lease = { expires_at: firstExpiresAt, on_expiry: firstOnExpiry };
      return { id, state: "held", granted, ...lease, transfers, seq, agent: viewNamed(pool, agent), ...again };
    }
    case "extend": {
      const { id, granted, expiresAt, onExpiry, transfers, agent } = reservationOf(pool, command.id);
      const lease = { expires_at: expiresAt, on_expiry: onExpiry };
      return { id, state: "held", granted, ...lease, transfers, seq: pool.seq, agent: viewNamed(pool, agent) };
    }
    case "commit":
    case "release":
      return { ...viewSettlement(pool, reservationOf(pool, command.id)), ...again };
    case "record": {
      const { id, amount, overage, transfers, seq, agent } = bookingOf(pool, command.id);
      return { id, consumed: amount, overage, transfers, seq, agent: viewNamed(pool, agent), ...again };
    }
    case "reallocate": {
      const { id, amount, transfers, donors, seq, agent } = bookingOf(pool, command.id);
      const moved = sum(transfers);
      const amounts = { asked: amount, moved, shortfall: amount - moved };
      return { id, ...amounts, transfers, donors, dry_run: false, seq, agent: viewNamed(pool, agent), ...again };
    }
  }
}

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

/** The whole pool, in the seed's shape and more. `name` is how its callers call it. */
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

function viewSettlement(pool: Pool, reservation: Reservation): SettlementResult {
  const { id, state, granted, settlement, agent } = reservation;
  if (state === "held" || settlement === undefined) throw new Error(`reservation ${id} is not settled`);
  const { amount, overage, transfers, late, seq } = settlement;
  return { id, state, granted, consumed: amount, overage, transfers, late, seq, agent: viewNamed(pool, agent) };
}

function periodOf({ period }: Pool): Period {
  if (period === null) throw new Error("the pool does not exist");
  return period;
}

function bookingOf(pool: Pool, id: string): Booking {
  const known = pool.remembered.get(id);
  if (known === undefined || known.op === "reserve") throw new Error(`no outcome ${id} at seq ${pool.seq}`);
  return known;
}

function sum(transfers: readonly Transfer[]): number {
  return transfers.reduce((total, transfer) => total + transfer.amount, 0);
}
