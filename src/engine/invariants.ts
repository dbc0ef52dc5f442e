/**
 * What must hold after every event, recomputed from the parts and never trusted: tests call it after each step, and
 * `GET …/audit` calls it in production.
 */
import { limits } from "../protocol/limits.ts";
import { type Agent, earliestEnd, type Pool, type Reservation } from "./state.ts";

/** The violations, as sentences; none if all is well. */
export function violations(pool: Pool): string[] {
  const found: string[] = [];
  const expect = (holds: boolean, sentence: () => string): void => {
    if (!holds) found.push(sentence());
  };
  const books = recompute(pool);

  for (const [name, value] of amountsOf(pool)) {
    expect(Number.isSafeInteger(value) && value >= 0, () => `${name} is ${value}, not a whole number of at least 0`);
  }
  const allocated = books.allocated + pool.float + pool.closed.allocated;
  expect(
    allocated === pool.total,
    () => `float, allocations and closed books are ${allocated}, the total ${pool.total}`,
  );
  const consumed = books.consumed + pool.closed.consumed;
  expect(consumed === pool.consumed, () => `agents and closed books consumed ${consumed}, the pool ${pool.consumed}`);
  expect(books.held === pool.held, () => `open reservations hold ${books.held}, the pool ${pool.held}`);
  expect(books.open === pool.open, () => `${books.open} reservations are open, the pool counts ${pool.open}`);
  expect(books.unsettled === pool.unsettledCount, () => `${books.unsettled} are unsettled, not ${pool.unsettledCount}`);

  expect(pool.periodsEndAt === earliestEnd(pool), () => `periods end at ${pool.periodsEndAt}, not when the first does`);

  for (const agent of pool.agents.values()) {
    const own = books.agents.get(agent.name);
    const says = (what: string, is: number, should: number): void =>
      expect(is === should, () => `${agent.name} has ${what} ${is}, its parts say ${should}`);
    says("held", agent.held, own?.held ?? 0);
    says("open", agent.open, own?.open ?? 0);
    says("unsettled", agent.unsettled, own?.unsettled ?? 0);
    says("sub-agents", agent.subAgents, own?.subAgents ?? 0);
    const { parent } = agent.contract;
    expect(parent === null || pool.agents.has(parent), () => `${agent.name} has a parent ${parent} that is gone`);
    expect(!agent.closing || agent.open + agent.subAgents > 0, () => `${agent.name} is closing and nothing keeps it`);
  }
  expect(pool.agents.size <= limits.agents, () => `${pool.agents.size} agents`);
  expect(pool.settled.size <= limits.outcomesMax, () => `${pool.settled.size} outcomes are remembered`);
  return found;
}

type Own = { held: number; open: number; unsettled: number; subAgents: number };

function recompute(pool: Pool) {
  const agents = new Map<string, Own>();
  const of = (name: string): Own => {
    const known = agents.get(name) ?? { held: 0, open: 0, unsettled: 0, subAgents: 0 };
    agents.set(name, known);
    return known;
  };
  const sums = { allocated: 0, consumed: 0, held: 0, open: 0, unsettled: 0 };
  for (const agent of pool.agents.values()) {
    sums.allocated += agent.allocated;
    sums.consumed += agent.consumed;
    if (agent.contract.parent !== null) of(agent.contract.parent).subAgents++;
  }
  for (const known of pool.remembered.values()) {
    if (known.op !== "reserve") continue;
    if (known.state === "held") {
      sums.held += known.granted;
      sums.open++;
      of(known.agent).held += known.granted;
      of(known.agent).open++;
    }
    if (known.state === "expired") {
      sums.unsettled++;
      if (known.owner !== null) of(known.owner).unsettled++;
    }
  }
  return { ...sums, agents };
}

function amountsOf(pool: Pool): [string, number][] {
  const { total, float, consumed, held, open, seq, at, horizon, closed } = pool;
  const amounts: [string, number][] = Object.entries({ total, float, consumed, held, open, seq, at, horizon });
  for (const [name, value] of Object.entries(closed)) amounts.push([`closed ${name}`, value]);
  for (const agent of pool.agents.values()) {
    for (const name of [
      "allocated",
      "consumed",
      "held",
      "open",
      "unsettled",
      "subAgents",
    ] as const satisfies (keyof Agent)[]) {
      amounts.push([`${agent.name} ${name}`, agent[name]]);
    }
  }
  for (const known of pool.remembered.values()) {
    if (known.op !== "reserve") continue;
    for (const name of ["granted", "charged", "chargedBefore"] as const satisfies (keyof Reservation)[]) {
      amounts.push([`${known.id} ${name}`, known[name]]);
    }
  }
  return amounts;
}
