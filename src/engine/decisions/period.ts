/**
 * Decides how periods end and begin: by the calendar, as soon as anybody looks or the alarm rings, or by command. A
 * period is begun once: it is due only while the one before has not ended, and time never runs back within a pool.
 */
import type { ResetPeriodCommand } from "../../protocol/commands.ts";
import type { EventOf } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import type { Period } from "../../protocol/refill.ts";
import { periodAt } from "../calendar.ts";
import { type Decision, firstDifference, usedBefore } from "../decision.ts";
import { type Agent, agentOf, available, type Pool } from "../state.ts";
import { handedDown, sourceOf } from "./agent.ts";

/** What a period begins with. */
export type Refilled = {
  readonly total: number;
  readonly float: number;
  readonly allocated: ReadonlyMap<Agent, number>;
};

export function decideResetPeriod(pool: Pool, command: ResetPeriodCommand, now: number): Decision {
  const used = usedBefore(pool, command.id, (known) => firstDifference([["op", known.op, command.op]]));
  if (used !== undefined) return used;
  const number = (pool.period?.number ?? 1) + 1;
  const period = { number, starts_at: now, ends_at: pool.period?.ends_at ?? null };
  return { events: [{ ...started(pool, period, now, now), id: command.id }] };
}

/** The event of the period that is due at `now`, if one is: the pool's before its agents'. */
export function startNextPeriod(
  pool: Pool,
  now: number,
): EventOf<"period_started"> | EventOf<"agent_period_started"> | undefined {
  const { period, settings } = pool;
  if (period !== null && period.ends_at === pool.periodsEndAt) {
    const bounds = settings?.refill === undefined ? undefined : periodAt(settings.refill, now);
    if (bounds === undefined) throw new Error("a period ends, and no rule says when the next one does");
    return started(pool, { number: period.number + 1, ...bounds }, period.ends_at, now);
  }
  for (const agent of pool.agents.values()) {
    if (agent.period !== null && agent.period.ends_at === pool.periodsEndAt) return agentStarted(pool, agent, now);
  }
  return undefined;
}

function started(pool: Pool, period: Period, endedAt: number, now: number): EventOf<"period_started"> {
  const { total, float, allocated } = refilled(pool);
  const { consumed, held, closed } = pool;
  return {
    type: "period_started",
    at: now,
    ...period,
    total,
    float,
    agents: [...allocated].map(([agent, given]) => ({
      agent: agent.name,
      allocated: given,
      ended: { allocated: agent.allocated, consumed: agent.consumed, held: agent.held },
    })),
    ended: {
      number: period.number - 1,
      starts_at: pool.period?.starts_at ?? 0,
      ended_at: endedAt,
      total: pool.total,
      consumed,
      held,
      closed,
    },
  };
}

/**
 * The books of the next period, if it began now. The total is the budget that the settings name (or what contracts
 * mint), and what rolls over. What is held comes first, or nobody could pay for it; then agents get what their
 * contracts give, the important first, as far as the total reaches. The rest, and all that rolled over, is float.
 */
export function refilled(pool: Pool): Refilled {
  const budget = pool.settings?.budget ?? null;
  const carried = Math.max(0, Math.min(rolledOver(pool), limits.total - (budget ?? 0)));
  const fixed = budget === null ? limits.total : budget + carried;
  const byPriority = [...pool.agents.values()].sort((a, b) => b.contract.priority - a.contract.priority);
  const allocated = new Map<Agent, number>();
  let left = fixed;
  for (const agent of byPriority) {
    const given = Math.min(left, agent.held);
    allocated.set(agent, given);
    left -= given;
  }
  for (const agent of byPriority) {
    const more = Math.min(left, Math.max(0, targetOf(pool, agent) - agent.held));
    allocated.set(agent, (allocated.get(agent) ?? 0) + more);
    left -= more;
  }
  if (budget !== null) return { total: fixed, float: left, allocated };
  const minted = fixed - left;
  const float = Math.min(carried, limits.total - minted);
  return { total: minted + float, float, allocated };
}

/** What of the unspent goes on. Open reservations are unspent: they are paid in the period in which they commit. */
function rolledOver({ settings, total, consumed }: Pool): number {
  const unspent = Math.max(0, total - consumed);
  const refill = settings?.refill;
  if (refill === undefined || refill.rollover === "none") return 0;
  return refill.rollover === "capped" ? Math.min(unspent, refill.rollover_cap) : unspent;
}

/** What the contract gives, less what sub-agents have of it. Who is leaving needs no more than it holds. */
function targetOf(pool: Pool, agent: Agent): number {
  return agent.closing ? agent.held : Math.max(agent.held, agent.contract.max - handedDown(pool, agent));
}

function agentStarted(pool: Pool, agent: Agent, now: number): EventOf<"agent_period_started"> {
  const { period, contract } = agent;
  if (period?.ends_at == null || contract.refill === undefined)
    throw new Error(`${agent.name} has no period that ends`);
  const bounds = periodAt(contract.refill, now);
  const source = sourceOf(pool, contract.parent);
  const { allocated: had, consumed, held } = agent;
  return {
    type: "agent_period_started",
    at: now,
    agent: agent.name,
    number: period.number + 1,
    ...bounds,
    allocated: growthOf(pool, agent),
    source,
    ended: {
      number: period.number,
      starts_at: period.starts_at,
      ended_at: period.ends_at,
      allocated: had,
      consumed,
      held,
    },
  };
}

/** What its allocation grows by (or shrinks, below zero) once what it consumed is booked elsewhere. */
function growthOf(pool: Pool, agent: Agent): number {
  const paid = paidBy(agent);
  return Math.min(targetOf(pool, agent) - (agent.allocated - paid), obtainable(pool, agent, agent.consumed - paid));
}

/** What of its consumption its own allocation paid for. */
function paidBy({ allocated, consumed }: Agent): number {
  return Math.min(allocated, consumed);
}

/** How far its allocation can grow, once its parent has taken over `overspent` that nothing paid for. */
function obtainable(pool: Pool, { contract }: Agent, overspent: number): number {
  if (contract.parent !== null) return Math.max(0, available(agentOf(pool, contract.parent)) - overspent);
  return pool.settings?.budget === null ? limits.total - pool.total : pool.float;
}

/** A moment at which budget is filled again, and how agent and pool will stand then. */
export type Refill = { readonly at: number; readonly agent: Agent; readonly pool: Pool };

/**
 * The next refills that concern `agent`, its own and the pool's, the earlier first: as they will be if nothing more is
 * spent until then and what is open comes back. They are copies to look at; nothing happens.
 */
export function refillsOf(pool: Pool, agent: Agent): Refill[] {
  const refills: Refill[] = [];
  if (pool.period !== null && pool.period.ends_at !== null) {
    refills.push({ at: pool.period.ends_at, ...whenPoolIsRefilled(pool, agent) });
  }
  if (agent.period !== null && agent.period.ends_at !== null) {
    refills.push({ at: agent.period.ends_at, ...whenAgentIsRefilled(pool, agent) });
  }
  return refills.sort((a, b) => a.at - b.at);
}

function whenPoolIsRefilled(pool: Pool, recipient: Agent): Omit<Refill, "at"> {
  const returned = new Map([...pool.agents].map(([name, agent]) => [name, { ...agent, held: 0 }]));
  const { total, float, allocated } = refilled({ ...pool, agents: returned });
  for (const [agent, given] of allocated) {
    agent.allocated = given;
    agent.consumed = 0;
  }
  const agent = returned.get(recipient.name) ?? recipient;
  return { agent, pool: { ...pool, agents: returned, total, float, consumed: 0 } };
}

function whenAgentIsRefilled(pool: Pool, recipient: Agent): Omit<Refill, "at"> {
  const agent = { ...recipient, held: 0 };
  const { contract } = agent;
  const more = growthOf(pool, agent);
  const paid = paidBy(agent);
  const { consumed } = agent;
  agent.allocated += more - paid;
  agent.consumed = 0;
  const agents = new Map(pool.agents).set(agent.name, agent);
  if (contract.parent !== null) {
    const parent = agentOf(pool, contract.parent);
    const books = { allocated: parent.allocated + paid - more, consumed: parent.consumed + consumed };
    agents.set(parent.name, { ...parent, ...books });
  }
  const isMinted = sourceOf(pool, contract.parent) === "minted";
  const float = contract.parent === null && !isMinted ? pool.float - more : pool.float;
  return { agent, pool: { ...pool, agents, float, total: pool.total + (isMinted ? more : 0) } };
}
