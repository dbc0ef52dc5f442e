/**
 * Who lends, in which order, and how much. Budget flows from the pool's float first, then from agents of lower (or,
 * where the pool allows it, equal) priority; never uphill, and never below what a donor keeps in reserve.
 */
import type { Donor, Transfer } from "../protocol/events.ts";
import { Heap } from "./heap.ts";
import { type Agent, available, gateOf, type Pool } from "./state.ts";

/** Budget that can move to an agent: from the float, and from donors. Nothing has moved yet. */
export type Plan = {
  readonly moved: number;
  readonly transfers: readonly Transfer[];
  readonly donors: readonly Donor[];
};

const nothing: Plan = { moved: 0, transfers: [], donors: [] };

/** What float and donors could give `recipient` now, under its ceiling. */
export function transferable(pool: Pool, recipient: Agent): number {
  let sum = pool.float;
  for (const agent of pool.agents.values()) if (mayGive(pool, agent, recipient)) sum += couldGive(agent);
  return Math.min(sum, roomUnderCeiling(recipient, recipient.allocated));
}

/** Whether the rules let `agent` give to `recipient` at all: never uphill, and nobody who is leaving. */
export function mayGive(pool: Pool, agent: Agent, recipient: Agent): boolean {
  if (agent === recipient || agent.closing) return false;
  const equal = pool.settings?.equal_priority_donates ?? true;
  const { priority } = recipient.contract;
  return equal ? agent.contract.priority <= priority : agent.contract.priority < priority;
}

/** `ceiling` is the guard against a runaway important agent: transfers never lift its allocation above. */
export function roomUnderCeiling({ contract }: Agent, allocated: number): number {
  return contract.ceiling === null ? Number.MAX_SAFE_INTEGER : Math.max(0, contract.ceiling - allocated);
}

/**
 * Finds `need` for `recipient`, or as much as there is: exactly that, in the documented order. The caller decides
 * whether less than `need` is of use.
 */
export function plan(pool: Pool, recipient: Agent, need: number): Plan {
  const wanted = Math.min(need, roomUnderCeiling(recipient, recipient.allocated));
  if (wanted <= 0) return nothing;
  const transfers: Transfer[] = [];
  const fromFloat = Math.min(wanted, pool.float);
  if (fromFloat > 0) transfers.push({ from: null, amount: fromFloat });
  let missing = wanted - fromFloat;
  if (missing === 0) return { moved: wanted, transfers, donors: [] };

  const candidates = new Heap(asksFirst, candidatesFor(pool, recipient));
  const donors: Donor[] = [];
  while (missing > 0) {
    const next = candidates.pop();
    if (next === undefined) break;
    const amount = Math.min(missing, next.gives);
    missing -= amount;
    transfers.push({ from: next.agent.name, amount });
    donors.push({
      agent: next.agent.name,
      priority: next.agent.contract.priority,
      gate: next.gated ? "closed" : "open",
      available: available(next.agent),
      min_reserve: next.agent.contract.min_reserve,
      could_give: next.gives,
      gives: amount,
    });
  }
  return { moved: wanted - missing, transfers, donors };
}

/** A donor keeps `min_reserve` of what it has *available*: enough to work with, not merely on paper. */
function couldGive(agent: Agent): number {
  return Math.max(0, available(agent) - agent.contract.min_reserve);
}

type Candidate = { readonly agent: Agent; readonly gives: number; readonly gated: boolean; readonly used: number };

function candidatesFor(pool: Pool, recipient: Agent): Candidate[] {
  const found: Candidate[] = [];
  for (const agent of pool.agents.values()) {
    if (!mayGive(pool, agent, recipient)) continue;
    const gives = couldGive(agent);
    if (gives === 0) continue;
    const used = (agent.consumed + agent.held) / agent.allocated;
    found.push({ agent, gives, gated: gateOf(agent) === "closed", used });
  }
  return found;
}

/** Lowest priority first; within it gated agents, then the least used, then the longest idle, then by name. */
function asksFirst(a: Candidate, b: Candidate): boolean {
  const byPriority = a.agent.contract.priority - b.agent.contract.priority;
  if (byPriority !== 0) return byPriority < 0;
  if (a.gated !== b.gated) return a.gated;
  if (a.used !== b.used) return a.used < b.used;
  if (a.agent.activeAt !== b.agent.activeAt) return a.agent.activeAt < b.agent.activeAt;
  return a.agent.name < b.agent.name;
}
