/**
 * What an agent could get if every open reservation were released: whether waiting can help it. By then closing agents have
 * left, and what they leave has gone to their parents or to the unallocated budget. The state is not copied: a refusal must
 * not cost more than a few looks at each agent.
 */
import { mayGive, roomUnderCeiling } from "./donors.ts";
import { type Agent, keeps, type Pool } from "./state.ts";

/** An agent's allocation and what is consumed of it. */
export type Balance = { allocated: number; consumed: number };

/** A hypothetical change: what would be added to the unallocated budget, the total, and the balances of some agents. */
export type Change = {
  readonly unallocated: number;
  readonly total: number;
  readonly balances: ReadonlyMap<string, Balance>;
};

const noChange: Change = { unallocated: 0, total: 0, balances: new Map() };

/**
 * What `agent` could get at most, never below zero. `kept` is the part of its own budget that it may not take; `change` is
 * applied first (a refill).
 */
export function potential(pool: Pool, agent: Agent, kept: number, change: Change = noChange): number {
  const { unallocated, total, left } = whenAllReturned(pool, change);
  const balanceOf = (one: Agent): Balance => {
    const balance = changed(one, change);
    const more = left.get(one.name);
    return more === undefined
      ? balance
      : { allocated: balance.allocated + more.allocated, consumed: balance.consumed + more.consumed };
  };
  let others = unallocated;
  for (const donor of pool.agents.values()) {
    if (!mayGive(pool, donor, agent)) continue;
    const { allocated, consumed } = balanceOf(donor);
    others += Math.max(0, allocated - consumed - keeps(donor));
  }
  const { allocated, consumed } = balanceOf(agent);
  const most = allocated - consumed - kept + Math.min(others, roomUnderCeiling(agent, allocated));
  return Math.max(0, Math.min(most, total - pool.consumed));
}

/** An agent's balance after `change`. */
function changed({ name, allocated, consumed }: Agent, { balances }: Change): Balance {
  const more = balances.size === 0 ? undefined : balances.get(name);
  return more === undefined
    ? { allocated, consumed }
    : { allocated: allocated + more.allocated, consumed: consumed + more.consumed };
}

/** The pool once all holds are released and closing agents have left; `left` is what each staying agent inherits from them. */
function whenAllReturned(pool: Pool, change: Change) {
  const left = new Map<string, Balance>();
  const leftTo = (name: string): Balance => {
    const balance = left.get(name) ?? { allocated: 0, consumed: 0 };
    left.set(name, balance);
    return balance;
  };
  const roots: Agent[] = [];
  for (const agent of pool.agents.values()) {
    if (!agent.closing) continue;
    const heir = heirOf(pool, agent);
    const { allocated, consumed } = changed(agent, change);
    const balance = leftTo(heir.name);
    balance.allocated += allocated;
    balance.consumed += consumed;
    if (heir === agent) roots.push(agent);
  }
  let unallocated = pool.unallocated + change.unallocated;
  let total = pool.total + change.total;
  for (const root of roots) {
    const { allocated, consumed } = leftTo(root.name);
    const unspent = Math.max(0, allocated - consumed);
    const retired = pool.settings?.budget === null ? Math.min(unspent, root.contract.max) : 0;
    unallocated += unspent - retired;
    total -= retired;
  }
  return { unallocated, total, left };
}

/** The agent that inherits from `closing`: the nearest above it that stays; itself if none does. */
function heirOf(pool: Pool, closing: Agent): Agent {
  const { parent } = closing.contract;
  const above = parent === null ? undefined : pool.agents.get(parent);
  if (above === undefined) return closing;
  return above.closing ? heirOf(pool, above) : above;
}
