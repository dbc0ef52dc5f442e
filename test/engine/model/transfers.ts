/** Who gives, how much, and in which order: section *reserve*, 2 and 3. */
import type { Transfer } from "../../../src/protocol/reservation.ts";
import { allocatedOf, availableOf, consumedOf, gateOf, heldOf, unallocatedOf } from "./books.ts";
import { type Agent, book, findAgent, settingsOf, type World } from "./world.ts";

export type Standing = {
  readonly agent: string;
  readonly priority: number;
  readonly gate: "open" | "closed";
  readonly available: number;
  readonly min_reserve: number;
  readonly could_give: number;
};

/** The donors of `agent`, first to give first. */
export function donorsOf(world: World, agent: Agent): Standing[] {
  const equal = settingsOf(world).equal_priority_donates;
  return world.agents
    .filter((other) => other !== agent && !other.closing)
    .filter((other) => {
      const difference = other.contract.priority - agent.contract.priority;
      return difference < 0 || (equal && difference === 0);
    })
    .map((donor) => ({ donor, standing: standingOf(world, donor), used: usedOf(world, donor) }))
    .filter(({ standing }) => standing.could_give > 0)
    .sort(
      (a, b) =>
        a.standing.priority - b.standing.priority ||
        Number(b.standing.gate === "closed") - Number(a.standing.gate === "closed") ||
        a.used - b.used ||
        a.donor.activeAt - b.donor.activeAt ||
        (a.donor.name < b.donor.name ? -1 : 1),
    )
    .map(({ standing }) => standing);
}

/** What unallocated budget and donors could give, under the agent's ceiling. */
export function transferableTo(world: World, agent: Agent): number {
  const ceiling = agent.contract.ceiling;
  const room = ceiling === null ? Number.POSITIVE_INFINITY : Math.max(0, ceiling - allocatedOf(world, agent));
  let sum = unallocatedOf(world);
  for (const donor of donorsOf(world, agent)) sum += donor.could_give;
  return Math.min(sum, room);
}

/** What would move to `agent` if it is short of `shortfall`. */
export function planFor(world: World, agent: Agent, shortfall: number): { transfers: Transfer[]; donors: Standing[] } {
  const donors = donorsOf(world, agent);
  const gifts = [
    { from: null, amount: unallocatedOf(world) },
    ...donors.map((donor) => ({ from: donor.agent, amount: donor.could_give })),
  ];
  let missing = Math.min(shortfall, transferableTo(world, agent));
  const transfers: Transfer[] = [];
  for (const { from, amount } of gifts) {
    const given = Math.min(amount, missing);
    if (given <= 0) continue;
    transfers.push({ from, amount: given });
    missing -= given;
  }
  return { transfers, donors: donors.filter((donor) => transfers.some(({ from }) => from === donor.agent)) };
}

export function move(world: World, to: Agent, transfers: readonly Transfer[]): void {
  for (const { from, amount } of transfers) {
    const giver = from === null ? "unallocated" : findAgent(world, from);
    if (giver === undefined) throw new Error(`no donor ${from}`);
    book(world, giver, -amount, 0);
    book(world, to, amount, 0);
  }
}

export function sumOf(transfers: readonly Transfer[]): number {
  return transfers.reduce((sum, { amount }) => sum + amount, 0);
}

function standingOf(world: World, donor: Agent): Standing {
  const available = availableOf(world, donor);
  const { priority, min_reserve } = donor.contract;
  const could_give = Math.max(0, available - Math.max(min_reserve, donor.contract.final_reserve));
  return { agent: donor.name, priority, gate: gateOf(donor), available, min_reserve, could_give };
}

function usedOf(world: World, donor: Agent): number {
  return (consumedOf(world, donor) + heldOf(world, donor)) / allocatedOf(world, donor);
}
