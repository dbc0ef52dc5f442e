/**
 * What must hold after every event. Every sum is recomputed from its parts. Tests check it after each step, and
 * `GET …/audit` in production.
 */
import { limits } from "../protocol/limits.ts";
import { bytesOf } from "./bytes.ts";
import { type Agent, earliestEnd, type Pool, type Reservation, unsettledOne } from "./state.ts";

/** The violations, as sentences; none if all is well. */
export function violations(pool: Pool): string[] {
  const found: string[] = [];
  const expect = (holds: boolean, sentence: () => string): void => {
    if (!holds) found.push(sentence());
  };
  const sums = recompute(pool);

  for (const [name, value] of amountsOf(pool)) {
    expect(Number.isSafeInteger(value) && value >= 0, () => `${name} is ${value}, not a whole number of at least 0`);
  }
  const allocated = sums.allocated + pool.unallocated + pool.closed.allocated;
  expect(
    allocated === pool.total,
    () => `unallocated, allocations and closed accounts are ${allocated}, the total ${pool.total}`,
  );
  const consumed = sums.consumed + pool.closed.consumed;
  expect(
    consumed === pool.consumed,
    () => `agents and closed accounts consumed ${consumed}, the pool ${pool.consumed}`,
  );
  expect(sums.held === pool.held, () => `open reservations hold ${sums.held}, the pool ${pool.held}`);
  expect(sums.open === pool.open, () => `${sums.open} reservations are open, the pool counts ${pool.open}`);
  expect(sums.unsettled === pool.unsettledCount, () => `${sums.unsettled} are unsettled, not ${pool.unsettledCount}`);
  for (const sentence of historyViolations(pool)) found.push(sentence);

  expect(pool.periodsEndAt === earliestEnd(pool), () => `periods end at ${pool.periodsEndAt}, not when the first does`);

  for (const agent of pool.agents.values()) {
    const own = sums.agents.get(agent.name);
    const says = (what: string, is: number, should: number): void =>
      expect(is === should, () => `${agent.name} has ${what} ${is}, its parts say ${should}`);
    says("held", agent.held, own?.held ?? 0);
    says("open", agent.open, own?.open ?? 0);
    says("open bytes", agent.openBytes, own?.openBytes ?? 0);
    says("unsettled", agent.unsettled, own?.unsettled ?? 0);
    says("sub-agents", agent.subAgents, own?.subAgents ?? 0);
    const { parent } = agent.contract;
    expect(parent === null || pool.agents.has(parent), () => `${agent.name} has a parent ${parent} that is gone`);
    expect(!agent.closing || agent.open + agent.subAgents > 0, () => `${agent.name} is closing and nothing keeps it`);
  }
  expect(pool.agents.size <= limits.agents, () => `${pool.agents.size} agents`);
  expect(pool.outcomeBytes <= limits.outcomesBytes, () => `outcomes take ${pool.outcomeBytes} bytes`);
  expect(pool.unsettledBytes <= limits.unsettledBytes, () => `the unsettled take ${pool.unsettledBytes} bytes`);
  expect(pool.openBytes <= limits.openReservationsBytes, () => `open reservations take ${pool.openBytes} bytes`);
  return found;
}

type Own = { held: number; open: number; openBytes: number; unsettled: number; subAgents: number };

function recompute(pool: Pool) {
  const agents = new Map<string, Own>();
  const of = (name: string): Own => {
    const known = agents.get(name) ?? { held: 0, open: 0, openBytes: 0, unsettled: 0, subAgents: 0 };
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
      of(known.agent).openBytes += bytesOf(known);
    }
    if (known.state === "expired") {
      sums.unsettled++;
      if (known.owner !== null) of(known.owner).unsettled++;
    }
  }
  return { ...sums, agents };
}

/** Counts and sizes of what is remembered of each agent, recomputed. */
function historyViolations(pool: Pool): string[] {
  const found: string[] = [];
  const sums = { outcomeCount: 0, outcomeBytes: 0, unsettledCount: 0, unsettledBytes: 0, openBytes: 0 };
  for (const { agent, outcomes, unsettled, ...says } of pool.histories.values()) {
    const settled = outcomes.toArray().map((id) => pool.remembered.get(id));
    const waiting = unsettled.toArray().map((expiry) => unsettledOne(pool, expiry));
    const own = { outcomeBytes: 0, unsettledCount: 0, unsettledBytes: 0 };
    for (const known of settled) {
      if (known === undefined || (known.agent ?? "") !== agent) found.push(`an outcome of ${agent} is not remembered`);
      else own.outcomeBytes += bytesOf(known);
    }
    for (const known of waiting) {
      if (known === undefined) continue;
      own.unsettledCount++;
      own.unsettledBytes += bytesOf(known);
    }
    for (const name of ["outcomeBytes", "unsettledCount", "unsettledBytes"] as const) {
      sums[name] += own[name];
      if (says[name] !== own[name]) found.push(`the history of ${agent} has ${name} ${says[name]}, not ${own[name]}`);
    }
    sums.outcomeCount += settled.length;
  }
  let open = 0;
  for (const known of pool.remembered.values()) {
    if (known.op !== "reserve" || known.state !== "held") continue;
    open++;
    sums.openBytes += bytesOf(known);
  }
  for (const name of ["outcomeCount", "outcomeBytes", "unsettledBytes", "openBytes"] as const) {
    if (pool[name] !== sums[name]) found.push(`the pool has ${name} ${pool[name]}, its histories say ${sums[name]}`);
  }
  const kept = sums.outcomeCount + sums.unsettledCount + open;
  if (kept !== pool.remembered.size) found.push(`${pool.remembered.size} writes are remembered, not ${kept}`);
  return found;
}

function amountsOf(pool: Pool): [string, number][] {
  const { total, unallocated, consumed, held, open, seq, at, horizon, closed } = pool;
  const amounts: [string, number][] = Object.entries({ total, unallocated, consumed, held, open, seq, at, horizon });
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
