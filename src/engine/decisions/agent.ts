/**
 * Decides what concerns an agent's contract: registering, closing, pausing, reopening its gate, starting it again. All of
 * it conserves budget: an allocation grows only by what its source can hand out, and shrinks only by what nothing holds.
 */
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
 * Registers an agent or changes its contract. Its allocation moves by the difference between the new `max` and the one
 * last named, and is not set to the new `max`: that would undo transfers, and give an agent that has spent its allocation
 * a second one with every PUT. Repeating a PUT therefore changes nothing.
 *
 * Refused: `unit_mismatch`, `agent_not_found` (the parent), `agent_closing`, `limit_reached`, and `contract_conflict` where the
 * source has too little, the agent too little left, the ceiling is too low, or the parent is another.
 */
export function decideRegister(pool: Pool, command: RegisterCommand, now: number): Decision {
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  const agent = pool.agents.get(command.agent);
  const parent = command.parent === undefined ? (agent?.contract.parent ?? null) : command.parent;
  const refusal = cannotChange(pool, agent, parent);
  if (refusal !== undefined) return refusal;

  const contract = contractOf(command, agent?.contract, parent, now);
  // A ceiling that was left out is kept, and the schema could not compare it with the new `max`.
  if (contract.ceiling !== null && contract.ceiling < contract.max) {
    const reason = "the ceiling that the agent has is below the new allocation; give another one, or null for none";
    return refuse({ code: "contract_conflict", field: "ceiling", reason, needed: contract.max });
  }
  // The same contract is no event: a program that registers its agents at every start would fill the journal.
  if (agent !== undefined && firstDifference([["contract", agent.contract, contract]]) === undefined)
    return nothingToDo;
  // Signed: what the source gives, or gets back.
  const allocated = contract.max - (agent?.contract.max ?? 0);
  const source = sourceOf(pool, parent);
  const conflict = allocated >= 0 ? cannotGrow(pool, parent, source, allocated) : cannotShrink(agent, -allocated);
  if (conflict !== undefined) return conflict;
  // Only what is new counts against limits: a pool that is full can still change the contracts that it has.
  const limit =
    (agent === undefined ? tooMany(pool, parent) : undefined) ??
    (source === "issued" ? wouldPassTotal(pool, allocated) : undefined);
  if (limit !== undefined) return limit;

  // A new refill rule moves the end of the agent's own period; the one it had would end it on a day that no longer counts.
  const period = periodChange(agent?.period ?? null, agent?.contract.refill ?? null, contract.refill, now);
  const event = { type: "registered", at: now, agent: command.agent, contract, allocated, source } as const;
  return { events: [period === undefined ? event : { ...event, period }] };
}

/**
 * The whole contract after a partial update: what is left out keeps its value, or at first has its default; null takes it
 * away. A `min_reserve` or `final_reserve` that is kept shrinks with the allocation, which could otherwise never be lent or
 * spent.
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
    // A rule is stored with the time zone and beginning that it was first given, so that its periods never shift.
    refill: command.refill == null ? kept(command.refill, known?.refill) : ruleOf(command.refill, now, known?.refill),
  };
}

/** Why this agent can't be registered, or its contract not be changed, under `parent`; undefined if it can. */
function cannotChange(pool: Pool, agent: Agent | undefined, parent: string | null): Decision | undefined {
  const above = parent === null ? undefined : pool.agents.get(parent);
  if (parent !== null && above === undefined) return refuse({ code: "agent_not_found", agent: parent });
  const closing = [agent, above].find((one) => one?.closing === true);
  // A closing agent is about to hand its budget back; more of it would be out of reach of those that still work.
  if (closing !== undefined) return refuse({ code: "agent_closing", agent: closing.name });
  // Budget flows back to the parent: moved below another one, an agent would return what it never got there.
  return agent !== undefined && parent !== agent.contract.parent
    ? refuse({
        code: "contract_conflict",
        field: "parent",
        reason: "an agent keeps the parent it was registered with; close it and register it again",
      })
    : undefined;
}

/** Agents and their depth are bounded: sums over all agents, and walks up to the top, are on the way of every refusal. */
function tooMany(pool: Pool, parent: string | null): Decision | undefined {
  if (parent !== null && agentOf(pool, parent).depth >= limits.agentDepth) {
    return refuse({ code: "limit_reached", limit: "agentDepth", maximum: limits.agentDepth });
  }
  return pool.agents.size >= limits.agents
    ? refuse({ code: "limit_reached", limit: "agents", maximum: limits.agents })
    : undefined;
}

/**
 * Where an agent's allocation comes from: its parent, the pool's unallocated budget, or, in a pool without a budget, its
 * contract, which then issues it and raises the pool's total.
 */
export function sourceOf(pool: Pool, parent: string | null): AllocationSource {
  if (parent !== null) return "parent";
  return pool.settings?.budget === null ? "issued" : "unallocated";
}

/** The refusal of a growth that its source can't hand out now; undefined if it can. Nothing is granted in part. */
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

/** What the parent, or the pool's unallocated budget, can hand out now. Overage of the parent hands out nothing. */
function sourceHas(pool: Pool, parent: string | null): number {
  return parent === null ? pool.unallocated : Math.max(0, available(agentOf(pool, parent)));
}

/** The refusal of taking from an agent what it has spent, holds or has lent: its ledger would go below zero. */
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

/**
 * Closes an agent and all agents below it, because their budget comes back through it. From then on none of them reserves;
 * each leaves when its open reservations are settled (`leave`). Closing again does nothing.
 *
 * Refused: `id_reused`, `id_too_old`, `agent_not_found`.
 */
export function decideClose(pool: Pool, command: CloseCommand, now: number): Decision {
  const { id } = command;
  // With an id, a repeat is answered even once the agent has left and its name is free again: without this check it would
  // close a new agent of that name.
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
  // One event each, all in this delivery: a sub-agent that was left open could reserve from a parent that is leaving.
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

/** All agents below `ancestor`, parents before their sub-agents. */
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
 * The event by which `agent` leaves, if it is closing and nothing keeps it: no open reservation, no sub-agent. What it has
 * not spent goes to its parent, or to the unallocated budget. In a pool without a budget, what its contract issued is
 * retired instead: it would otherwise stay in the pool as budget that no contract stands for.
 */
export function leave(pool: Pool, agent: Agent, now: number): PoolEvent | undefined {
  // A running call still has to commit to it, and a sub-agent still has to return its budget to it.
  if (!agent.closing || agent.open > 0 || agent.subAgents > 0) return undefined;
  // In overage there is nothing left to return; what was overspent stays booked as consumed.
  const unspent = Math.max(0, agent.allocated - agent.consumed);
  const issued = sourceOf(pool, agent.contract.parent) === "issued";
  return {
    type: "closed",
    at: now,
    agent: agent.name,
    unspent,
    // Never more than was issued: what transfers brought from the unallocated budget goes back there.
    retired: issued ? Math.min(unspent, agent.contract.max) : 0,
  };
}

/** The agent itself, or the nearest above it, that is paused: pausing an agent stops its whole subtree. */
function pausedAbove(pool: Pool, agent: Agent): Agent | undefined {
  let one = agent;
  while (!one.paused) {
    const { parent } = one.contract;
    if (parent === null) return undefined;
    one = agentOf(pool, parent);
  }
  return one;
}

/**
 * Opens a confidence gate for a new task. It applies to an open gate, too, so that a repeat does the same.
 *
 * Refused: `id_reused`, `id_too_old`, `agent_not_found`, `agent_closing`.
 */
export function decideReopen(pool: Pool, command: ReopenCommand, now: number): Decision {
  const refusal = cannotRestart(pool, command);
  if (refusal !== undefined) return refusal;
  return { events: [{ type: "reopened", at: now, agent: command.agent, id: command.id }] };
}

/**
 * Starts an agent again: nothing consumed, and the allocation that its contract says, less what its sub-agents have of it.
 * It keeps at least what it holds, since those calls are running and must be paid for. What is missing comes from where its
 * allocation comes from, as far as that reaches: a reset is no way to get more than the pool has.
 *
 * Refused: as `decideReopen`, and `limit_reached` where the pool's total would pass its limit.
 */
export function decideReset(pool: Pool, command: ResetCommand, now: number): Decision {
  const refusal = cannotRestart(pool, command);
  if (refusal !== undefined) return refusal;
  const agent = agentOf(pool, command.agent);
  const target = Math.max(agent.held, agent.contract.max - handedDownBy(pool, agent));
  const source = sourceOf(pool, agent.contract.parent);
  const wanted = target - agent.allocated;
  const allocated = source === "issued" ? wanted : Math.min(wanted, sourceHas(pool, agent.contract.parent));
  // In a pool without a budget a reset issues budget anew, which raises the total.
  const tooMuch = source === "issued" ? wouldPassTotal(pool, allocated) : undefined;
  if (tooMuch !== undefined) return tooMuch;

  return { events: [{ type: "reset", at: now, agent: agent.name, id: command.id, allocated, source }] };
}

/** What of its contract's allocation an agent has handed down to its sub-agents, by their contracts. */
export function handedDownBy(pool: Pool, parent: Agent): number {
  let sum = 0;
  if (parent.subAgents === 0) return sum;
  for (const agent of pool.agents.values()) if (agent.contract.parent === parent.name) sum += agent.contract.max;
  return sum;
}

/** The same of all agents that have sub-agents, in one walk: a period starts for all of them at once. */
export function handedDown(pool: Pool): Map<string, number> {
  const handed = new Map<string, number>();
  for (const { contract } of pool.agents.values()) {
    if (contract.parent !== null) handed.set(contract.parent, (handed.get(contract.parent) ?? 0) + contract.max);
  }
  return handed;
}

/** What `reopen` and `reset` have in common: the idempotency check, and no new start for an agent that is leaving. */
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

/**
 * Pauses or resumes an agent with its subtree, or the whole pool: the kill switch. New reserves are refused at once; open
 * reservations still settle, because their calls are running and will be paid for. Pausing twice has no second effect.
 *
 * Refused: `agent_not_found`.
 */
export function decidePause(pool: Pool, command: PauseCommand | ResumeCommand, now: number): Decision {
  const { agent: name } = command;
  // The two are separate: resuming the pool leaves an agent paused that was paused by itself.
  const paused = name === null ? pool : pool.agents.get(name);
  if (paused === undefined) return refuse({ code: "agent_not_found", agent: name ?? "" });
  const pause = command.op === "pause";
  if (paused.paused === pause) return nothingToDo;
  return { events: [{ type: pause ? "paused" : "resumed", at: now, agent: name }] };
}

/**
 * Why the agent may not start to spend: it is closing, it (or an agent above it, or the pool) is paused, or its gate is
 * closed. Checked for reserves and reallocations, never for commits and records, which book what has been spent.
 */
export function cannotSpend(pool: Pool, agent: Agent): Decision | undefined {
  if (agent.closing) return refuse({ code: "agent_closing", agent: agent.name });
  if (pool.paused) return refuse({ code: "paused", agent: null });
  const paused = pausedAbove(pool, agent);
  if (paused !== undefined) return refuse({ code: "paused", agent: paused.name });
  // The agent said that it is done; spending more would be spending on a finished task.
  const { confidence } = agent;
  const threshold = agent.contract.confidence_threshold;
  return gateOf(agent) === "closed" && confidence !== null && threshold !== null
    ? refuse({ code: "confidence_reached", agent: agent.name, confidence, confidence_threshold: threshold })
    : undefined;
}
