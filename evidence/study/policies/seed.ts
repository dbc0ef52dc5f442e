/**
 * The rule of the library that Bursar carries on (tbcontracts 0.1, as its description says): look, call, record, and
 * let budget flow afterwards. In one process, and without a hold: calls under way are not seen.
 */
import type { FleetAgent } from "../fleet.ts";
import { go, nobody, type Policy, refused } from "./policy.ts";

type Books = { readonly agent: FleetAgent; allocated: number; consumed: number; readonly keeps: number };

export const seed: Policy = {
  name: "look, call, record, reallocate",
  what: "Equal shares; before a call what is recorded is looked at (and its prompt's shortfall reallocated), afterwards the call is recorded and its shortfall reallocated; agents of lower or equal priority give.",
  govern: ({ agents }, budget) => {
    const share = Math.floor(budget / agents.length);
    const all = agents.map((agent): Books => ({ agent, allocated: share, consumed: 0, keeps: Math.floor(share / 10) }));
    const of = (agent: FleetAgent): Books => {
      const books = all.find((one) => one.agent === agent);
      if (books === undefined) throw new Error(`no books of ${agent.name}`);
      return books;
    };
    return {
      begin: () => undefined,
      ask: ({ agent, prompt, bound }) => {
        const books = of(agent);
        const missing = prompt - remaining(books);
        if (missing > 0 && surplus(all, books) < missing) return refused;
        if (missing > 0) reallocate(all, books, missing);
        return go(bound);
      },
      end: ({ agent }, used) => {
        const books = of(agent);
        const missing = used - remaining(books);
        if (missing > 0) reallocate(all, books, missing);
        books.consumed += used;
        return nobody;
      },
      giveUp: () => undefined,
      spent: () => all.reduce((sum, { consumed }) => sum + consumed, 0),
    };
  },
};

function remaining({ allocated, consumed }: Books): number {
  return allocated - consumed;
}

function couldGive(donor: Books): number {
  return Math.max(0, remaining(donor) - donor.keeps);
}

function donorsOf(all: readonly Books[], needy: Books): Books[] {
  return all.filter((one) => one !== needy && one.agent.priority <= needy.agent.priority && couldGive(one) > 0);
}

function surplus(all: readonly Books[], needy: Books): number {
  return donorsOf(all, needy).reduce((sum, donor) => sum + couldGive(donor), 0);
}

/** The least important first, then the most idle; as far as it goes. */
function reallocate(all: readonly Books[], needy: Books, missing: number): void {
  const donors = donorsOf(all, needy).sort(
    (a, b) => a.agent.priority - b.agent.priority || a.consumed / a.allocated - b.consumed / b.allocated,
  );
  let left = missing;
  for (const donor of donors) {
    const amount = Math.min(left, couldGive(donor));
    donor.allocated -= amount;
    needy.allocated += amount;
    left -= amount;
    if (left === 0) return;
  }
}
