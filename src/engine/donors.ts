/**
 * Plans transfers: which agents give, in which order, and how much. The pool's unallocated budget gives first, then agents of
 * lower (or, where the pool allows it, equal) priority: never uphill, and never below what a donor keeps in reserve.
 */
import type { Transfer } from "../protocol/reservation.ts";
import type { Donor } from "../protocol/usage.ts";
import { Heap } from "./heap.ts";
import { type Agent, available, gateOf, keeps, type Pool } from "./state.ts";

/** Budget that can move to an agent, from the unallocated budget and from donors. A plan: nothing has moved yet. */
export type Plan = {
  readonly moved: number;
  readonly transfers: readonly Transfer[];
  readonly donors: readonly Donor[];
};

export const emptyPlan: Plan = { moved: 0, transfers: [], donors: [] };

/** What unallocated budget and donors could give `recipient` now, under its ceiling. A sum: no donor is chosen. */
export function transferable(pool: Pool, recipient: Agent): number {
  const spare = spareOf(pool);
  let sum = pool.unallocated;
  for (const [priority, amount] of spare) if (mayGiveFrom(pool, priority, recipient)) sum += amount;
  if (mayGiveFrom(pool, recipient.contract.priority, recipient) && !recipient.closing) sum -= couldGive(recipient);
  return Math.min(sum, roomUnderCeiling(recipient, recipient.allocated));
}

/** Whether the rules let `agent` give to `recipient` at all: never uphill, and not from an agent that is leaving. */
export function mayGive(pool: Pool, agent: Agent, recipient: Agent): boolean {
  return agent !== recipient && !agent.closing && mayGiveFrom(pool, agent.contract.priority, recipient);
}

/** Whether budget may move from an agent of this priority to `recipient`. */
export function mayGiveFrom(pool: Pool, priority: number, recipient: Agent): boolean {
  const equal = pool.settings?.equal_priority_donates ?? true;
  return equal ? priority <= recipient.contract.priority : priority < recipient.contract.priority;
}

type Spare = { readonly seq: number; readonly byPriority: ReadonlyMap<number, number> };

/** A cache of one answer for each pool: whenever budget comes free, it is asked for every reserve in line. */
const spares = new WeakMap<Pool, Spare>();

/** What agents of each priority could give, as of the pool's last event. */
function spareOf(pool: Pool): ReadonlyMap<number, number> {
  const known = spares.get(pool);
  if (known?.seq === pool.seq) return known.byPriority;
  const byPriority = new Map<number, number>();
  for (const agent of pool.agents.values()) {
    if (agent.closing) continue;
    const { priority } = agent.contract;
    byPriority.set(priority, (byPriority.get(priority) ?? 0) + couldGive(agent));
  }
  spares.set(pool, { seq: pool.seq, byPriority });
  return byPriority;
}

/** How much transfers may still add: never above the `ceiling`, which stops a runaway agent of high priority. */
export function roomUnderCeiling({ contract }: Agent, allocated: number): number {
  return contract.ceiling === null ? Number.MAX_SAFE_INTEGER : Math.max(0, contract.ceiling - allocated);
}

/**
 * Finds `need` for `recipient`, or as much as there is, in the documented order. The caller decides whether
 * less than `need` is of use.
 */
export function plan(pool: Pool, recipient: Agent, need: number): Plan {
  const wanted = Math.min(need, roomUnderCeiling(recipient, recipient.allocated));
  if (wanted <= 0) return emptyPlan;
  const transfers: Transfer[] = [];
  const fromUnallocated = Math.min(wanted, pool.unallocated);
  if (fromUnallocated > 0) transfers.push({ from: null, amount: fromUnallocated });
  let missing = wanted - fromUnallocated;
  if (missing === 0) return { moved: wanted, transfers, donors: [] };

  const donors: Donor[] = [];
  for (const equals of candidatesFor(pool, recipient)) {
    for (let next = equals.pop(); next !== undefined && missing > 0; next = equals.pop()) {
      const gives = couldGive(next);
      const amount = Math.min(missing, gives);
      missing -= amount;
      transfers.push({ from: next.name, amount });
      donors.push({
        agent: next.name,
        priority: next.contract.priority,
        gate: gateOf(next),
        available: available(next),
        min_reserve: next.contract.min_reserve,
        could_give: gives,
        gives: amount,
      });
    }
    if (missing === 0) break;
  }
  return { moved: wanted - missing, transfers, donors };
}

/** What an agent has available above what it keeps; nothing while it is in overage. */
function couldGive(agent: Agent): number {
  return Math.max(0, available(agent) - keeps(agent));
}

/**
 * The agents that could give something, lowest priority first; those of one priority in a heap, because seldom all of them
 * are needed. Heaps are made on demand: most needs are met by the first.
 */
function* candidatesFor(pool: Pool, recipient: Agent): Generator<Heap<Agent>> {
  const byPriority = new Map<number, Agent[]>();
  for (const agent of pool.agents.values()) {
    if (!mayGive(pool, agent, recipient) || couldGive(agent) === 0) continue;
    const { priority } = agent.contract;
    const equals = byPriority.get(priority);
    if (equals === undefined) byPriority.set(priority, [agent]);
    else equals.push(agent);
  }
  const ascending = [...byPriority].sort(([a], [b]) => a - b);
  for (const [, equals] of ascending) yield new Heap(asksFirst, equals);
}

/**
 * The order among donors of one priority: closed gates first, then the least used, then the longest idle, then by name, so
 * that the order is total and every fold of the journal chooses the same donors.
 */
function asksFirst(a: Agent, b: Agent): boolean {
  const gated = gateOf(a) === "closed";
  if (gated !== (gateOf(b) === "closed")) return gated;
  const used = (a.consumed + a.held) / a.allocated - (b.consumed + b.held) / b.allocated;
  if (used !== 0) return used < 0;
  if (a.activeAt !== b.activeAt) return a.activeAt < b.activeAt;
  return a.name < b.name;
}
