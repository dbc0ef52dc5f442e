/** Decides what concerns an agent's contract: registering, closing, pausing, reopening its gate, starting it again. */
import type {
  CloseCommand,
  Contract,
  PauseCommand,
  RegisterCommand,
  ReopenCommand,
  ResetCommand,
  ResumeCommand,
} from "../../protocol/agent.ts";
import type { PoolEvent } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import { type AllocationSource, ruleOf } from "../../protocol/period.ts";
import { type Agent, agentOf, available, gateOf, type Pool } from "../state.ts";
import { type Decision, firstDifference, kept, nothingToDo, refuse, unitMismatch, usedBefore } from "./decision.ts";
import { periodChange } from "./period-change.ts";
import { wouldPassTotal } from "./pool.ts";

/**
 * Registers an agent or changes its contract. Its allocation moves by the difference between the new `max` and the
 * one last named: what transfers brought or took stays, and repeating a PUT changes nothing.
 */
export function decideRegister(pool: Pool, command: RegisterCommand, now: number): Decision {
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  const agent = pool.agents.get(command.agent);
  const parent = command.parent === undefined ? (agent?.contract.parent ?? null) : command.parent;
  const refusal = cannotChange(pool, agent, parent);
  if (refusal !== undefined) return refusal;

  const contract = contractOf(command, agent?.contract, parent, now);
  if (contract.ceiling !== null && contract.ceiling < contract.max) {
    const reason = "the ceiling that the agent has is below the new allocation; give another one, or null for none";
    return refuse({ code: "contract_conflict", field: "ceiling", reason, needed: contract.max });
  }
  if (agent !== undefined && firstDifference([["contract", agent.contract, contract]]) === undefined)
    return nothingToDo;
  const allocated = contract.max - (agent?.contract.max ?? 0);
  const source = sourceOf(pool, parent);
  const conflict = allocated >= 0 ? cannotGrow(pool, parent, source, allocated) : cannotShrink(agent, -allocated);
  if (conflict !== undefined) return conflict;
  const limit =
    (agent === undefined ? tooMany(pool, parent) : undefined) ??
    (source === "issued" ? wouldPassTotal(pool, allocated) : undefined);
  if (limit !== undefined) return limit;

  const period = periodChange(agent?.period ?? null, agent?.contract.refill ?? null, contract.refill, now);
  const event = { type: "registered", at: now, agent: command.agent, contract, allocated, source } as const;
  return { events: [period === undefined ? event : { ...event, period }] };
}

/**
 * What is left out keeps its value, as in a pool's settings (or, at first, has its default); null takes it away. A
 * reserve that is kept shrinks with the allocation.
 */
function contractOf(
  command: RegisterCommand,
  known: Contract | undefined,
  parent: string | null,
  now: number,
): Contract {
  const { max } = command;
  return {
    priority: command.priority,
    max,
    min_reserve: command.min_reserve ?? (known === undefined ? Math.floor(max / 10) : Math.min(known.min_reserve, max)),
    confidence_threshold: kept(command.confidence_threshold, known?.confidence_threshold),
    ceiling: kept(command.ceiling, known?.ceiling),
    parent,
    confidence_path: kept(command.confidence_path, known?.confidence_path),
    final_reserve: command.final_reserve ?? Math.min(known?.final_reserve ?? 0, max),
    max_reserves_per_minute: kept(command.max_reserves_per_minute, known?.max_reserves_per_minute),
    refill: command.refill == null ? kept(command.refill, known?.refill) : ruleOf(command.refill, now, known?.refill),
  };
}

function cannotChange(pool: Pool, agent: Agent | undefined, parent: string | null): Decision | undefined {
  const above = parent === null ? undefined : pool.agents.get(parent);
  if (parent !== null && above === undefined) return refuse({ code: "agent_not_found", agent: parent });
  const closing = [agent, above].find((one) => one?.closing === true);
  if (closing !== undefined) return refuse({ code: "agent_closing", agent: closing.name });
  return agent !== undefined && parent !== agent.contract.parent
    ? refuse({
        code: "contract_conflict",
        field: "parent",
        reason: "an agent keeps the parent it was registered with; close it and register it again",
      })
    : undefined;
}

function tooMany(pool: Pool, parent: string | null): Decision | undefined {
  if (parent !== null && agentOf(pool, parent).depth >= limits.agentDepth) {
    return refuse({ code: "limit_reached", limit: "agentDepth", maximum: limits.agentDepth });
  }
  return pool.agents.size >= limits.agents
    ? refuse({ code: "limit_reached", limit: "agents", maximum: limits.agents })
    : undefined;
}

export function sourceOf(pool: Pool, parent: string | null): AllocationSource {
  if (parent !== null) return "parent";
  return pool.settings?.budget === null ? "issued" : "unallocated";
}

function cannotGrow(pool: Pool, parent: string | null, source: AllocationSource, growth: number): Decision | undefined {
  if (source === "issued") return undefined;
  const obtainable = sourceHas(pool, parent);
  return growth > obtainable
    ? refuse({
        code: "contract_conflict",
        field: "max",
        reason:
          source === "parent"
            ? "a sub-agent's allocation comes out of what its parent has available"
            : "allocations come out of the pool's unallocated budget; fund the pool first",
        needed: growth,
        obtainable,
      })
    : undefined;
}

/** What unallocated budget or parent can hand out now. */
function sourceHas(pool: Pool, parent: string | null): number {
  return parent === null ? pool.unallocated : Math.max(0, available(agentOf(pool, parent)));
}

function cannotShrink(agent: Agent | undefined, amount: number): Decision | undefined {
  const obtainable = agent === undefined ? 0 : Math.max(0, available(agent));
  return amount > obtainable
    ? refuse({
        code: "contract_conflict",
        field: "max",
        reason: "only what the agent has available can be taken from it; it has spent, holds or lent the rest",
        needed: amount,
        obtainable,
      })
    : undefined;
}

/** Closing an agent closes those below it, whose budget is on its way back to it. Closing again does nothing. */
export function decideClose(pool: Pool, command: CloseCommand, now: number): Decision {
  const { id } = command;
  const used =
    id === undefined
      ? undefined
      : usedBefore(pool, id, command.agent, (known) =>
          firstDifference([
            ["op", known.op, "close"],
            ["agent", known.agent, command.agent],
          ]),
        );
  if (used !== undefined) return used;
  const agent = pool.agents.get(command.agent);
  if (agent === undefined) return refuse({ code: "agent_not_found", agent: command.agent });
  const leaving = [agent, ...(agent.subAgents > 0 ? descendantsOf(pool, agent) : [])];
  return {
    events: leaving
      .filter((one) => !one.closing)
      .map((one) => {
        const event = { type: "closing", at: now, agent: one.name } as const;
        return one === agent && id !== undefined ? { ...event, id } : event;
      }),
  };
}

function descendantsOf(pool: Pool, ancestor: Agent): Agent[] {
  const found = new Set([ancestor.name]);
  const descendants: Agent[] = [];
  // A parent is registered before its sub-agents and the map keeps that order, so one pass finds all.
  for (const agent of pool.agents.values()) {
    if (agent.contract.parent !== null && found.has(agent.contract.parent)) {
      found.add(agent.name);
      descendants.push(agent);
    }
  }
  return descendants;
}

/**
 * The event by which `agent` leaves, if it is closing and nothing keeps it: no open reservation, no sub-agent. Its
 * unspent budget goes to its parent, or to the unallocated budget; what its contract issued in a pool without budget is retired.
 */
export function leave(pool: Pool, agent: Agent, now: number): PoolEvent | undefined {
  if (!agent.closing || agent.open > 0 || agent.subAgents > 0) return undefined;
  const unspent = Math.max(0, agent.allocated - agent.consumed);
  const issued = sourceOf(pool, agent.contract.parent) === "issued";
  return {
    type: "closed",
    at: now,
    agent: agent.name,
    unspent,
    retired: issued ? Math.min(unspent, agent.contract.max) : 0,
  };
}

/** The agent itself, or the nearest above it, that is paused. */
function pausedAbove(pool: Pool, agent: Agent): Agent | undefined {
  let one = agent;
  while (!one.paused) {
    const { parent } = one.contract;
    if (parent === null) return undefined;
    one = agentOf(pool, parent);
  }
  return one;
}

export function decideReopen(pool: Pool, command: ReopenCommand, now: number): Decision {
  const refusal = cannotRestart(pool, command);
  if (refusal !== undefined) return refusal;
  return { events: [{ type: "reopened", at: now, agent: command.agent, id: command.id }] };
}

/**
 * Starts the agent again: what was consumed is forgotten, and the allocation is what the contract says, less what sub-agents
 * have of it, and at least what is held. Growth comes from where allocations come from, as far as that reaches.
 */
export function decideReset(pool: Pool, command: ResetCommand, now: number): Decision {
  const refusal = cannotRestart(pool, command);
  if (refusal !== undefined) return refusal;
  const agent = agentOf(pool, command.agent);
  const target = Math.max(agent.held, agent.contract.max - handedDownBy(pool, agent));
  const source = sourceOf(pool, agent.contract.parent);
  const wanted = target - agent.allocated;
  const allocated = source === "issued" ? wanted : Math.min(wanted, sourceHas(pool, agent.contract.parent));
  const tooMuch = source === "issued" ? wouldPassTotal(pool, allocated) : undefined;
  if (tooMuch !== undefined) return tooMuch;

  return { events: [{ type: "reset", at: now, agent: agent.name, id: command.id, allocated, source }] };
}

/** What of its contract's allocation an agent's sub-agents have. */
export function handedDownBy(pool: Pool, parent: Agent): number {
  let sum = 0;
  if (parent.subAgents === 0) return sum;
  for (const agent of pool.agents.values()) if (agent.contract.parent === parent.name) sum += agent.contract.max;
  return sum;
}

/** The same of all agents that have any, in one walk. */
export function handedDown(pool: Pool): Map<string, number> {
  const handed = new Map<string, number>();
  for (const { contract } of pool.agents.values()) {
    if (contract.parent !== null) handed.set(contract.parent, (handed.get(contract.parent) ?? 0) + contract.max);
  }
  return handed;
}

function cannotRestart(pool: Pool, command: ReopenCommand | ResetCommand): Decision | undefined {
  const used = usedBefore(pool, command.id, command.agent, (known) =>
    firstDifference([
      ["op", known.op, command.op],
      ["agent", known.agent, command.agent],
    ]),
  );
  if (used !== undefined) return used;
  const agent = pool.agents.get(command.agent);
  if (agent === undefined) return refuse({ code: "agent_not_found", agent: command.agent });
  return agent.closing ? refuse({ code: "agent_closing", agent: command.agent }) : undefined;
}

/** Stops spending at once, or lets it go on. A pause of a pause is none. What is open goes on and settles. */
export function decidePause(pool: Pool, command: PauseCommand | ResumeCommand, now: number): Decision {
  const { agent: name } = command;
  const paused = name === null ? pool : pool.agents.get(name);
  if (paused === undefined) return refuse({ code: "agent_not_found", agent: name ?? "" });
  const pause = command.op === "pause";
  if (paused.paused === pause) return nothingToDo;
  return { events: [{ type: pause ? "paused" : "resumed", at: now, agent: name }] };
}

/** Refuses what an agent that is leaving, is paused, or is done with its task, must not start. */
export function cannotSpend(pool: Pool, agent: Agent): Decision | undefined {
  if (agent.closing) return refuse({ code: "agent_closing", agent: agent.name });
  if (pool.paused) return refuse({ code: "paused", agent: null });
  const paused = pausedAbove(pool, agent);
  if (paused !== undefined) return refuse({ code: "paused", agent: paused.name });
  const { confidence } = agent;
  const threshold = agent.contract.confidence_threshold;
  return gateOf(agent) === "closed" && confidence !== null && threshold !== null
    ? refuse({ code: "confidence_reached", agent: agent.name, confidence, confidence_threshold: threshold })
    : undefined;
}
