/**
 * Decides how periods end and begin: by command, or by the calendar, at the next command, read or alarm after the moment.
 * A period begins exactly once, whatever alarms do: it is due only while the one before has not ended, and time never runs
 * back within a pool. Begun twice, it would give out its budget twice.
 */
import type { EventOf } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import type { Period, ResetPeriodCommand } from "../../protocol/period.ts";
import { periodAt } from "../calendar.ts";
import { mayGiveFrom, roomUnderCeiling } from "../donors.ts";
import { type Change, potential } from "../potential.ts";
import { type Agent, agentOf, available, keeps, type Pool } from "../state.ts";
import { handedDown, handedDownBy, sourceOf } from "./agent.ts";
import { type Decision, firstDifference, usedBefore } from "./decision.ts";

/** What a period begins with: the pool's total, and how it is shared out. */
export type Refilled = {
  readonly total: number;
  readonly unallocated: number;
  readonly allocated: ReadonlyMap<Agent, number>;
};

/**
 * Starts a new period now, by command: the budget is filled again. The end that the calendar has set stays, so that an
 * early refill moves no later one.
 *
 * Refused: `id_reused`, `id_too_old`.
 */
export function decideResetPeriod(pool: Pool, command: ResetPeriodCommand, now: number): Decision {
  const used = usedBefore(pool, command.id, null, (known) => firstDifference([["op", known.op, command.op]]));
  if (used !== undefined) return used;
  const number = (pool.period?.number ?? 1) + 1;
  const period = { number, starts_at: now, ends_at: pool.period?.ends_at ?? null };
  return { events: [{ ...started(pool, period, now, now), id: command.id }] };
}

/**
 * The event of the period that is due at `now`, if one is. The pool's comes before its agents', which are filled again out
 * of it. Periods that were missed while nothing happened are skipped, not replayed: the new one is that of `now`.
 */
export function startNextPeriod(
  pool: Pool,
  now: number,
): EventOf<"period_started"> | EventOf<"agent_period_started"> | undefined {
  const { period, settings } = pool;
  if (period !== null && period.ends_at === pool.periodsEndAt) {
    const bounds = settings?.refill == null ? undefined : periodAt(settings.refill, now);
    if (bounds === undefined) throw new Error("a period ends, and no rule says when the next one does");
    return started(pool, { number: period.number + 1, ...bounds }, period.ends_at, now);
  }
  for (const agent of pool.agents.values()) {
    if (agent.period !== null && agent.period.ends_at === pool.periodsEndAt) return agentStarted(pool, agent, now);
  }
  return undefined;
}

/**
 * The event of the pool's next period. It carries every number that begins, and every number that ends: folding it decides
 * nothing, so a later version that shares out differently still folds an old journal to the state of then.
 */
function started(pool: Pool, period: Period, endedAt: number, now: number): EventOf<"period_started"> {
  const { total, unallocated, allocated } = refilled(pool);
  const { consumed, held, closed } = pool;
  return {
    type: "period_started",
    at: now,
    ...period,
    total,
    unallocated,
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
 * How budget is shared out if the next period begins now. The total is the budget that the settings name (or what contracts
 * issue), and what rolls over. Open holds come first: their calls are running and are paid in the new period. Then each
 * agent gets what its contract says, higher priorities first, as far as the total reaches. The rest, with all that rolled
 * over, is unallocated.
 */
export function refilled(pool: Pool): Refilled {
  const { total, unallocated, given, byPriority } = shared(pool, ({ held }) => held);
  const places = new Map([...pool.agents.values()].map((agent, i) => [agent, i]));
  const allocated = new Map(byPriority.map((agent) => [agent, given[places.get(agent) ?? -1] ?? 0]));
  return { total, unallocated, allocated };
}

/** As `Refilled`, with allocations by place: a map of thousands of agents would cost more than the sharing itself. */
type Shared = {
  readonly total: number;
  readonly unallocated: number;
  /** What each agent gets, in the order in which the pool has them. */
  readonly given: readonly number[];
  readonly byPriority: readonly Agent[];
};

/** Shares the total out; `heldBy` says what an agent must keep for its open holds. */
function shared(pool: Pool, heldBy: (agent: Agent) => number): Shared {
  const { budget, carried, fixed } = fixedTotal(pool);
  const agents = [...pool.agents.values()];
  const handed = handedDown(pool);
  const held = agents.map(heldBy);
  // What the contract gives, less what sub-agents have of it. An agent that is leaving needs no more than it holds.
  const wanted = agents.map((agent, i) => {
    const most = agent.closing ? 0 : agent.contract.max - (handed.get(agent.name) ?? 0);
    return Math.max(held[i] ?? 0, most);
  });
  const order = inOrder(agents);
  const given = agents.map(() => 0);
  let left = fixed;
  // Two rounds over all agents, so that the hold of the least important comes before the wishes of the most important.
  for (const target of [held, wanted]) {
    for (const i of order) {
      const more = Math.min(left, (target[i] ?? 0) - (given[i] ?? 0));
      given[i] = (given[i] ?? 0) + Math.max(0, more);
      left -= Math.max(0, more);
    }
  }
  const byPriority = order.flatMap((i) => agents[i] ?? []);
  if (budget !== null) return { total: fixed, unallocated: left, given, byPriority };
  // Without a budget the total is what contracts have just issued, not the limit that they were issued against.
  const issued = fixed - left;
  const unallocated = Math.min(carried, limits.total - issued);
  return { total: issued + unallocated, unallocated, given, byPriority };
}

/** What there is to share out: the budget and what rolls over; without a budget, all that contracts may issue. */
function fixedTotal(pool: Pool): { readonly budget: number | null; readonly carried: number; readonly fixed: number } {
  const budget = pool.settings?.budget ?? null;
  // What rolls over must not lift the total above its limit; the budget itself was checked when it was set.
  const carried = Math.max(0, Math.min(rolledOver(pool), limits.total - (budget ?? 0)));
  return { budget, carried, fixed: budget === null ? limits.total : budget + carried };
}

/**
 * Places of the agents, the highest priority first, equals in the order in which they were registered. Agents are gathered by
 * priority, and only priorities are sorted: they are few.
 */
function inOrder(agents: readonly Agent[]): number[] {
  const byPriority = new Map<number, number[]>();
  for (const [i, { contract }] of agents.entries()) {
    const equals = byPriority.get(contract.priority);
    if (equals === undefined) byPriority.set(contract.priority, [i]);
    else equals.push(i);
  }
  return [...byPriority].sort(([a], [b]) => b - a).flatMap(([, equals]) => equals);
}

/**
 * What rolls over into the next period. Open holds count as unspent, because they are booked in the period in which they
 * commit; overage is not carried as a debt.
 */
function rolledOver({ settings, total, consumed }: Pool): number {
  const unspent = Math.max(0, total - consumed);
  const refill = settings?.refill;
  if (refill == null || refill.rollover === "none") return 0;
  return refill.rollover === "capped" ? Math.min(unspent, refill.rollover_cap) : unspent;
}

/**
 * The allocation that an agent's period begins with: what its contract says, less what its sub-agents have of it, and at
 * least what it holds. A closing agent gets only what it holds: more would only be handed back.
 */
function targetOf(pool: Pool, agent: Agent): number {
  return agent.closing ? agent.held : Math.max(agent.held, agent.contract.max - handedDownBy(pool, agent));
}

/** The event of an agent's own period, inside the pool's: its spending limit is filled again, the pool's budget is not. */
function agentStarted(pool: Pool, agent: Agent, now: number): EventOf<"agent_period_started"> {
  const { period, contract } = agent;
  if (period?.ends_at == null || contract.refill === null) throw new Error(`${agent.name} has no period that ends`);
  // From the calendar, not from the end of the last period plus a length: days of a time zone have 23 to 25 hours.
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

/**
 * What its allocation grows by (or shrinks, below zero). What it consumed has moved by then, with the budget that paid for
 * it, to its parent or the closed accounts: otherwise each period of an agent would spend the pool's budget anew.
 */
function growthOf(pool: Pool, agent: Agent): number {
  const paid = paidBy(agent);
  return Math.min(targetOf(pool, agent) - (agent.allocated - paid), obtainable(pool, agent, agent.consumed - paid));
}

/** What of its consumption its own allocation paid for; the rest was overage. */
function paidBy({ allocated, consumed }: Agent): number {
  return Math.min(allocated, consumed);
}

/** How far its allocation can grow, once its parent has taken over `overspent`: the overage that no allocation paid for. */
function obtainable(pool: Pool, { contract }: Agent, overspent: number): number {
  if (contract.parent !== null) return Math.max(0, available(agentOf(pool, contract.parent)) - overspent);
  return pool.settings?.budget === null ? limits.total - pool.total : pool.unallocated;
}

/** A moment at which budget is filled again, and what the agent could get then, in the pool's unit. */
export type Refill = { readonly at: number; readonly potential: number };

/**
 * The next refills that concern `agent`, its own and the pool's, the earlier first, with what it could get if nothing more
 * is spent until then and what is open comes back. `kept` is the part of its own budget that it may not take. A refusal
 * names the first that helps as `resets_at`: a caller that retries earlier is refused again.
 */
export function refillsOf(pool: Pool, agent: Agent, kept: number): Refill[] {
  const refills: Refill[] = [];
  if (pool.period !== null && pool.period.ends_at !== null) {
    refills.push({ at: pool.period.ends_at, potential: potentialOfRefill(pool, agent, kept) });
  }
  if (agent.period !== null && agent.period.ends_at !== null) {
    refills.push({ at: agent.period.ends_at, potential: potential(pool, agent, kept, refillOf(pool, agent)) });
  }
  // At most two, so that this sort costs nothing.
  return refills.sort((a, b) => a.at - b.at);
}

/** What `recipient` could get, its own and by transfers, once the pool is filled again and nothing is held. */
function potentialOfRefill(pool: Pool, recipient: Agent, kept: number): number {
  const { total, unallocated, given, spare } = afterRefill(pool);
  const own = given.get(recipient) ?? 0;
  let others = unallocated;
  for (const [priority, sum] of spare) if (mayGiveFrom(pool, priority, recipient)) others += sum;
  if (!recipient.closing && mayGiveFrom(pool, recipient.contract.priority, recipient)) {
    others -= spareOf(recipient, own);
  }
  // Transfers are bounded by the contract, and nothing is granted beyond the pool's total.
  const most = own - kept + Math.min(others, roomUnderCeiling(recipient, own));
  return Math.max(0, Math.min(most, total));
}

/** How the next period would begin, with the `roster` and `carried` that it was computed for. */
type AfterRefill = {
  readonly roster: number;
  readonly carried: number;
  readonly total: number;
  readonly unallocated: number;
  readonly given: ReadonlyMap<Agent, number>;
  /** What agents of each priority could give. */
  readonly spare: ReadonlyMap<number, number>;
};

/**
 * A cache of one answer for each pool. It follows from contracts, the budget and what rolls over alone, while every refusal
 * in a pool with periods asks for it: computed each time, a refusal would cost a walk over all agents.
 */
const refills = new WeakMap<Pool, AfterRefill>();

/** How the next period would begin if nothing were held. Agents that are closing have left by then. */
function afterRefill(pool: Pool): AfterRefill {
  const { carried } = fixedTotal(pool);
  const known = refills.get(pool);
  if (known !== undefined && known.roster === pool.roster && known.carried === carried) return known;
  const { total, unallocated, given: amounts } = shared(pool, () => 0);
  const given = new Map<Agent, number>();
  const spare = new Map<number, number>();
  for (const agent of pool.agents.values()) {
    const amount = amounts[given.size] ?? 0;
    given.set(agent, amount);
    const { priority } = agent.contract;
    if (!agent.closing) spare.set(priority, (spare.get(priority) ?? 0) + spareOf(agent, amount));
  }
  const found = { roster: pool.roster, carried, total, unallocated, given, spare };
  refills.set(pool, found);
  return found;
}

/** What an agent with this allocation could lend if it had spent nothing. */
function spareOf(agent: Agent, allocated: number): number {
  return Math.max(0, allocated - keeps(agent));
}

/** What an agent's own refill would change, for `potential`: its balance, its parent's, and the budget it comes from. */
function refillOf(pool: Pool, recipient: Agent): Change {
  // A copy: what is asked is what the agent could get, and the state must not change while it is worked out.
  const agent = { ...recipient, held: 0 };
  const more = growthOf(pool, agent);
  const paid = paidBy(agent);
  const { consumed, contract } = agent;
  const balances = new Map([[agent.name, { allocated: more - paid, consumed: -consumed }]]);
  if (contract.parent !== null) balances.set(contract.parent, { allocated: paid - more, consumed });
  const isIssued = sourceOf(pool, contract.parent) === "issued";
  return { balances, unallocated: contract.parent === null && !isIssued ? -more : 0, total: isIssued ? more : 0 };
}
