/** `register`, `close`, `reopen` and `reset`: an agent's contract from its first to its last day. */
import type { Contract } from "../../../src/protocol/agent.ts";
import { limits } from "../../../src/protocol/limits.ts";
import type { GivenRule, RefillRule } from "../../../src/protocol/period.ts";
import {
  allocatedOf,
  availableOf,
  consumedOf,
  depthOf,
  heldOf,
  openOf,
  ownerOf,
  subAgentsOf,
  totalOf,
  unallocatedOf,
} from "./books.ts";
import { endAfter } from "./periods.ts";
import { remember } from "./remembered.ts";
import { nothingSaid, rearm, warn } from "./warnings.ts";
import {
  type Agent,
  type Answer,
  again,
  book,
  type CommandOf,
  findAgent,
  happened,
  refuse,
  settingsOf,
  type World,
} from "./world.ts";

export function register(world: World, command: CommandOf<"register">, now: number): Answer {
  const known = findAgent(world, command.agent);
  const parentName = command.parent === undefined ? (known?.contract.parent ?? null) : command.parent;
  const parent = parentName === null ? null : findAgent(world, parentName);
  if (parent === undefined) return refuse("agent_not_found", { agent: parentName });
  if (known?.closing === true) return refuse("agent_closing", { agent: known.name });
  if (parent?.closing === true) return refuse("agent_closing", { agent: parent.name });
  if (known !== undefined && known.parent !== parent) return refuse("contract_conflict", { field: "parent" });

  // Whatever is not said stays as it was; a reserve that stays fits into what the agent is allocated now.
  const was: Partial<Contract> = known?.contract ?? {};
  const fits = (amount: number): number => (amount > command.max ? command.max : amount);
  const said = <T>(given: T | null | undefined, before: T | null | undefined): T | null =>
    given === undefined ? (before ?? null) : given;
  const contract: Contract = {
    priority: command.priority,
    max: command.max,
    min_reserve:
      command.min_reserve ?? (known === undefined ? Math.floor(command.max / 10) : fits(known.contract.min_reserve)),
    confidence_threshold: said(command.confidence_threshold, was.confidence_threshold),
    ceiling: said(command.ceiling, was.ceiling),
    parent: parentName,
    confidence_path: said(command.confidence_path, was.confidence_path),
    final_reserve: command.final_reserve ?? fits(was.final_reserve ?? 0),
    max_reserves_per_minute: said(command.max_reserves_per_minute, was.max_reserves_per_minute),
    refill: command.refill ? ruleIn(command.refill, was.refill, now) : said(command.refill, was.refill),
  };
  if (contract.ceiling !== null && contract.ceiling < contract.max) {
    return refuse("contract_conflict", { field: "ceiling" });
  }
  const growth = contract.max - (known?.contract.max ?? 0);
  const reach = reachOf(world, parent);
  if (growth > 0 && growth > reach) return refuse("contract_conflict");
  if (growth < 0 && known !== undefined && -growth > availableOf(world, known)) return refuse("contract_conflict");
  if (known === undefined && parent !== null && depthOf(parent) + 1 > limits.agentDepth) {
    return refuse("limit_reached", { limit: "agentDepth" });
  }
  const isIssued = parent === null && settingsOf(world).budget === null;
  if (isIssued && totalOf(world) + growth > limits.total) return refuse("limit_reached", { limit: "total" });

  const unchanged = known !== undefined && JSON.stringify(known.contract) === JSON.stringify(contract);
  const agent = known ?? {
    name: command.agent,
    parent,
    contract,
    closing: false,
    paused: false,
    activeAt: now,
    period: null,
    said: nothingSaid(),
    reported: [],
  };
  if (known === undefined) world.agents.push(agent);
  const ruleBefore = known?.contract.refill ?? null;
  agent.contract = contract;
  grow(world, agent, growth);
  if (JSON.stringify(ruleBefore) !== JSON.stringify(contract.refill)) {
    agent.period =
      contract.refill === null
        ? null
        : {
            number: 1,
            starts_at: now,
            ...agent.period,
            ends_at: endAfter(contract.refill, Math.max(now, agent.period?.starts_at ?? now)),
          };
  }
  if (!unchanged) {
    rearm(world, agent);
    warn(world, agent, now, false);
  }
  return unchanged ? again({}) : happened({});
}

export function close(world: World, command: CommandOf<"close">): Answer {
  const agent = findAgent(world, command.agent);
  if (agent === undefined) return refuse("agent_not_found", { agent: command.agent });
  const wasClosing = agent.closing;
  const all = [agent];
  for (const each of all) {
    each.closing = true;
    all.push(...subAgentsOf(world, each));
  }
  letGo(world);
  const says = { state: world.agents.includes(agent) ? "closing" : "closed" };
  return wasClosing ? again(says) : happened(says);
}

/** Closing agents leave, one after another, until none can. */
export function letGo(world: World): void {
  for (;;) {
    const agent = world.agents.find(
      (one) => one.closing && openOf(world, one) === 0 && subAgentsOf(world, one).length === 0,
    );
    if (agent === undefined) return;
    leave(world, agent);
  }
}

export function pause(world: World, { op, agent: name }: CommandOf<"pause" | "resume">): Answer {
  const one = name === null ? world : findAgent(world, name);
  if (one === undefined) return refuse("agent_not_found", { agent: name });
  const was = one.paused;
  one.paused = op === "pause";
  return was === one.paused ? again({ paused: was }) : happened({ paused: one.paused });
}

/** Who, on the way up from an agent, is paused: nobody, the pool (null), or an agent. */
export function pausedAt(world: World, agent: Agent): string | null | undefined {
  if (world.paused) return null;
  for (let one: Agent | null = agent; one !== null; one = one.parent) if (one.paused) return one.name;
  return undefined;
}

export function reopen(world: World, command: CommandOf<"reopen">): Answer {
  const agent = findAgent(world, command.agent);
  if (agent === undefined) return refuse("agent_not_found", { agent: command.agent });
  if (agent.closing) return refuse("agent_closing", { agent: agent.name });
  agent.reported = [];
  agent.said.gate = false;
  remember(world, command, { id: command.id });
  return happened({ id: command.id });
}

export function reset(world: World, command: CommandOf<"reset">): Answer {
  const agent = findAgent(world, command.agent);
  if (agent === undefined) return refuse("agent_not_found", { agent: command.agent });
  if (agent.closing) return refuse("agent_closing", { agent: agent.name });
  const lent = subAgentsOf(world, agent).reduce((sum, { contract }) => sum + contract.max, 0);
  const target = Math.max(heldOf(world, agent), agent.contract.max - lent);
  const growth = Math.min(target - allocatedOf(world, agent), Math.max(0, reachOf(world, agent.parent)));
  const isIssued = agent.parent === null && settingsOf(world).budget === null;
  if (isIssued && totalOf(world) + growth > limits.total) return refuse("limit_reached", { limit: "total" });

  book(world, agent, 0, -consumedOf(world, agent));
  grow(world, agent, growth);
  agent.reported = [];
  agent.said = nothingSaid();
  for (const reservation of world.reservations) {
    if (reservation.state === "expired" && ownerOf(world, reservation.agent) === agent) reservation.wiped = true;
  }
  remember(world, command, { id: command.id });
  return happened({ id: command.id });
}

/** The rule that was given, with what it leaves out. */
export function ruleIn(given: GivenRule, known: RefillRule | null | undefined, now: number): RefillRule {
  if (given.every !== "hours") throw new Error("the model has no calendar");
  const same = known?.every === "hours" && known.hours === given.hours;
  return { every: "hours", hours: given.hours, from: given.from ?? (same ? known.from : now) };
}

/** How far an allocation can grow: what the parent, the unallocated budget, or nobody has to give up for it. */
function reachOf(world: World, parent: Agent | null): number {
  if (parent !== null) return availableOf(world, parent);
  return settingsOf(world).budget === null ? Number.POSITIVE_INFINITY : unallocatedOf(world);
}

function grow(world: World, agent: Agent, amount: number): void {
  book(world, agent, amount, 0);
  if (agent.parent !== null) book(world, agent.parent, -amount, 0);
  else if (settingsOf(world).budget !== null) book(world, "unallocated", -amount, 0);
}

function leave(world: World, agent: Agent): void {
  const allocated = allocatedOf(world, agent);
  const consumed = consumedOf(world, agent);
  world.agents = world.agents.filter((other) => other !== agent);
  book(world, agent, -allocated, -consumed);
  if (agent.parent !== null) {
    book(world, agent.parent, allocated, consumed);
    return;
  }
  const unspent = Math.max(0, allocated - consumed);
  const retired = settingsOf(world).budget === null ? Math.min(unspent, agent.contract.max) : 0;
  book(world, "unallocated", unspent - retired, 0);
  book(world, "closed", allocated - unspent, consumed);
}
