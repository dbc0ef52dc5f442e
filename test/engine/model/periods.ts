/** Periods: section *Periods*. The calendar of the sequences is simple enough to be arithmetic: hours, and days of UTC. */

import { limits } from "../../../src/protocol/limits.ts";
import type { RefillRule } from "../../../src/protocol/period.ts";
import {
  allocatedOf,
  availableOf,
  consumedOf,
  heldOf,
  ownerOf,
  spentOf,
  subAgentsOf,
  totalOf,
  unallocatedOf,
} from "./books.ts";
import { remember } from "./remembered.ts";
import { coveredOf, nothingSaid } from "./warnings.ts";
import { type Agent, type Answer, book, type CommandOf, happened, settingsOf, type World } from "./world.ts";

/** The end of the period that `now` lies in. */
export function endAfter(rule: RefillRule, now: number): number {
  return startBefore(rule, now) + lengthOf(rule);
}

export function startBefore(rule: RefillRule, now: number): number {
  const from = rule.every === "hours" ? rule.from : 0;
  return now - ((((now - from) % lengthOf(rule)) + lengthOf(rule)) % lengthOf(rule));
}

function lengthOf(rule: RefillRule): number {
  if (rule.every === "hours") return rule.hours * 3_600_000;
  if (rule.every === "day" && rule.time_zone === "UTC") return 86_400_000;
  throw new Error(`the model has no calendar for ${rule.every}`);
}

/** When the first period ends, the pool's or an agent's. */
export function firstEnd(world: World): number {
  const ends = [world.period, ...world.agents.map(({ period }) => period)].map(
    (period) => period?.ends_at ?? Number.POSITIVE_INFINITY,
  );
  return Math.min(...ends);
}

/** Begins every period that is due at `end`, as of `now`; says whose they were. */
export function beginDue(world: World, end: number, now: number): string[] {
  const begun: string[] = [];
  const { refill } = settingsOf(world);
  if (world.period?.ends_at === end && refill !== null) {
    begin(world);
    const number = world.period.number + 1;
    world.period = { number, starts_at: startBefore(refill, now), ends_at: endAfter(refill, now) };
    begun.push(`period ${number}`);
  }
  for (const agent of world.agents) {
    const rule = agent.contract.refill;
    if (agent.period?.ends_at !== end || rule === null) continue;
    beginOwn(world, agent);
    const number = agent.period.number + 1;
    agent.period = { number, starts_at: startBefore(rule, now), ends_at: endAfter(rule, now) };
    begun.push(`period ${number} of ${agent.name}`);
  }
  return begun;
}

export function resetPeriod(world: World, command: CommandOf<"reset_period">, now: number): Answer {
  begin(world);
  const number = (world.period?.number ?? 1) + 1;
  world.period = { number, starts_at: now, ends_at: world.period?.ends_at ?? null };
  remember(world, command, { id: command.id });
  return happened({ id: command.id, period: world.period });
}

/** Everybody's books begin anew. */
export function begin(world: World): void {
  const { budget, refill } = settingsOf(world);
  const unspent = Math.max(0, totalOf(world) - spentOf(world));
  const rollover = refill?.rollover ?? "none";
  const wished =
    rollover === "none" ? 0 : Math.min(unspent, refill?.rollover === "capped" ? refill.rollover_cap : unspent);
  const carried = Math.min(wished, limits.total - (budget ?? 0));
  const most = budget === null ? limits.total : budget + carried;
  const first = [...world.agents].sort((a, b) => b.contract.priority - a.contract.priority);
  const given = new Map<Agent, number>(first.map((agent) => [agent, 0]));
  const left = (): number => most - [...given.values()].reduce((sum, amount) => sum + amount, 0);
  for (const agent of first) given.set(agent, Math.min(left(), heldOf(world, agent)));
  for (const agent of first) {
    const has = given.get(agent) ?? 0;
    given.set(agent, has + Math.min(left(), Math.max(0, dueTo(world, agent) - heldOf(world, agent))));
  }
  const unallocated = budget === null ? Math.min(carried, left()) : left();
  world.lines = [];
  book(world, "unallocated", unallocated, 0);
  for (const [agent, amount] of given) {
    book(world, agent, amount, 0);
    agent.said = { ...nothingSaid(), gate: agent.said.gate };
  }
  world.said = nothingSaid();
  for (const reservation of world.reservations) if (reservation.state === "expired") reservation.wiped = true;
}

/** One agent's books begin anew; what it used goes to its parent's, or the closed ones. */
export function beginOwn(world: World, agent: Agent): void {
  const heir = agent.parent ?? "closed";
  const covered = coveredOf(world, agent);
  const consumed = consumedOf(world, agent);
  book(world, agent, -covered, -consumed);
  book(world, heir, covered, consumed);
  const issued = agent.parent === null && settingsOf(world).budget === null;
  const reach =
    agent.parent !== null
      ? Math.max(0, availableOf(world, agent.parent))
      : issued
        ? limits.total - totalOf(world)
        : unallocatedOf(world);
  const more = Math.min(reach, dueTo(world, agent) - allocatedOf(world, agent));
  book(world, agent, more, 0);
  if (agent.parent !== null) book(world, agent.parent, -more, 0);
  else if (!issued) book(world, "unallocated", -more, 0);
  agent.said = { ...nothingSaid(), gate: agent.said.gate };
  for (const reservation of world.reservations) {
    if (reservation.state === "expired" && ownerOf(world, reservation.agent) === agent) reservation.wiped = true;
  }
}

function dueTo(world: World, agent: Agent): number {
  const lent = subAgentsOf(world, agent).reduce((sum, { contract }) => sum + contract.max, 0);
  return agent.closing ? heldOf(world, agent) : Math.max(heldOf(world, agent), agent.contract.max - lent);
}
