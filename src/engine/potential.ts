/**
 * What an agent could get if every open reservation came back: whether waiting can help a refused one. By then the
 * agents that are closing have left, and what they leave is their parents' or the float's.
 */
import { mayGive, roomUnderCeiling } from "./donors.ts";
import { type Agent, keeps, type Pool } from "./state.ts";

/** Never below zero; as large as every hold put together allows. `kept` is what of its own it may not take. */
export function potential(pool: Pool, agent: Agent, kept: number): number {
  const { float, total, left } = whenAllReturned(pool);
  const booksOf = ({ name, allocated, consumed }: Agent): Books => {
    const more = left.get(name);
    return more === undefined
      ? { allocated, consumed }
      : { allocated: allocated + more.allocated, consumed: consumed + more.consumed };
  };
  let others = float;
  for (const donor of pool.agents.values()) {
    if (!mayGive(pool, donor, agent)) continue;
    const { allocated, consumed } = booksOf(donor);
    others += Math.max(0, allocated - consumed - keeps(donor));
  }
  const { allocated, consumed } = booksOf(agent);
  const most = allocated - consumed - kept + Math.min(others, roomUnderCeiling(agent, allocated));
  return Math.max(0, Math.min(most, total - pool.consumed));
}

type Books = { allocated: number; consumed: number };

function whenAllReturned(pool: Pool) {
  const left = new Map<string, Books>();
  const leftFor = (name: string): Books => {
    const books = left.get(name) ?? { allocated: 0, consumed: 0 };
    left.set(name, books);
    return books;
  };
  const roots: Agent[] = [];
  for (const agent of pool.agents.values()) {
    if (!agent.closing) continue;
    const heir = heirOf(pool, agent);
    const books = leftFor(heir.name);
    books.allocated += agent.allocated;
    books.consumed += agent.consumed;
    if (heir === agent) roots.push(agent);
  }
  let { float, total } = pool;
  for (const root of roots) {
    const { allocated, consumed } = leftFor(root.name);
    const unspent = Math.max(0, allocated - consumed);
    const unminted = pool.settings?.budget === null ? Math.min(unspent, root.contract.max) : 0;
    float += unspent - unminted;
    total -= unminted;
  }
  return { float, total, left };
}

/** The nearest agent above `closing` that stays; itself if none does. */
function heirOf(pool: Pool, closing: Agent): Agent {
  const { parent } = closing.contract;
  const above = parent === null ? undefined : pool.agents.get(parent);
  if (above === undefined) return closing;
  return above.closing ? heirOf(pool, above) : above;
}
