/**
 * What-if replay: the calls of a journal, in their order and at their times, under other rules, decided by the governor's own
 * engine. Each call asks for and uses what it did then, if it is granted. Under the rules that were in force, the result is
 * what happened. Calls that were refused then are not in the journal, and so are not replayed.
 */
import { execute } from "../../../src/engine/execute.ts";
import { fromImage, toImage } from "../../../src/engine/image.ts";
import { agentOf, available, emptyPool, type Pool } from "../../../src/engine/state.ts";
import type { Contract } from "../../../src/protocol/agent.ts";
import type { Command } from "../../../src/protocol/commands.ts";
import type { JournalEvent } from "../../../src/protocol/journal.ts";
import type { Unit } from "../../../src/protocol/unit.ts";

/** The part of a contract that can be changed in a replay. */
export type Plan = Pick<Contract, "priority" | "max" | "min_reserve">;
export type Plans = ReadonlyMap<string, Plan>;

/** `governed`: agents lend. `flat`: each agent has its own cap. `shared`: one budget, first come, first served. */
export type Rules = "governed" | "flat" | "shared";

export type Replay = {
  readonly asked: number;
  readonly served: number;
  readonly refused: number;
  /** Calls that were not granted. */
  readonly missed: number;
};

/** The current or last contract of each agent. */
export function plansIn(start: Pool, events: readonly JournalEvent[]): Map<string, Plan> {
  const plans = new Map<string, Plan>();
  for (const { name, contract } of start.agents.values()) plans.set(name, planOf(contract));
  for (const event of events) if (event.type === "registered") plans.set(event.agent, planOf(event.contract));
  return plans;
}

function planOf({ priority, max, min_reserve }: Contract): Plan {
  return { priority, max, min_reserve };
}

/** Replays `events`, which continue from `start`, under `rules`; `edited` has the changed contracts. */
export function play(
  start: Pool,
  events: readonly JournalEvent[],
  edited: Plans,
  rules: Rules,
  unit: Unit,
): Map<string, Replay> {
  const outcomes = new Map<string, Replay>();
  const pool = rules === "governed" ? copyOf(start) : capped(start, rules, unit);
  if (rules !== "shared") {
    for (const { name, contract } of pool.agents.values()) {
      const plan = edited.get(name);
      if (plan !== undefined) execute(pool, registering(name, contract, plan, rules, unit), start.at, []);
    }
  }
  let pot = rules === "shared" ? agentOf(pool, sharedPot).allocated : 0;
  const seen = new Set(start.agents.keys());
  for (const event of events) {
    if (rules === "shared") {
      const growth = potGrowth(event, edited, seen);
      if (growth !== 0) {
        pot += growth;
        execute(pool, potOf(pot, unit), event.at, []);
      }
    }
    const command = commandOf(event, edited, rules, unit);
    if (command === undefined) continue;
    const done = execute(pool, command, event.at, []);
    if (event.type !== "reserved") continue;
    const { asked, served, refused, missed } = outcomes.get(event.agent) ?? nothing;
    outcomes.set(
      event.agent,
      done.ok
        ? { asked: asked + 1, served: served + 1, refused, missed }
        : { asked: asked + 1, served, refused: refused + 1, missed: missed + event.asked },
    );
  }
  return outcomes;
}

const nothing: Replay = { asked: 0, served: 0, refused: 0, missed: 0 };
/** The one agent of a shared pot. */
const sharedPot = "shared";

function copyOf(pool: Pool): Pool {
  return fromImage(structuredClone(toImage(pool)));
}

/** A pool without lending, with what is left to each at `start`; or with one pot of all that. */
function capped(start: Pool, rules: "flat" | "shared", unit: Unit): Pool {
  const pool = emptyPool();
  execute(pool, { op: "configure", unit, equal_priority_donates: false }, start.at, []);
  const agents = [...start.agents.values()];
  if (rules === "shared") {
    const max = agents.reduce((sum, agent) => sum + Math.max(0, available(agent)), start.unallocated);
    execute(pool, potOf(max, unit), start.at, []);
    return pool;
  }
  for (const agent of agents) {
    const plan = { ...planOf(agent.contract), max: Math.max(0, available(agent)), min_reserve: 0 };
    execute(pool, registering(agent.name, { ...agent.contract, parent: null }, plan, rules, unit), start.at, []);
  }
  return pool;
}

function potOf(max: number, unit: Unit): Command {
  return { op: "register", agent: sharedPot, priority: 0, max, min_reserve: 0, unit };
}

/** What an event adds to the pot: budget, funds, and where there is no budget, what contracts issue. */
function potGrowth(event: JournalEvent, edited: Plans, seen: Set<string>): number {
  if (event.type === "configured") return event.unallocated;
  if (event.type === "funded") return event.amount;
  if (event.type !== "registered" || event.source !== "issued") return 0;
  const plan = edited.get(event.agent);
  const isNew = !seen.has(event.agent);
  seen.add(event.agent);
  if (plan === undefined) return event.allocated;
  return isNew ? plan.max : 0;
}

function registering(agent: string, contract: Contract, plan: Plan, rules: Rules, unit: Unit): Command {
  const { priority, max, min_reserve } = plan;
  return {
    op: "register",
    agent,
    ...contract,
    max,
    min_reserve: Math.min(min_reserve, max),
    // No agent lends where all are equal and equals don't.
    priority: rules === "flat" ? 0 : priority,
    unit,
  };
}

/** The command behind an event, as it is put under other rules; none for what the engine does by itself. */
function commandOf(event: JournalEvent, edited: Plans, rules: Rules, unit: Unit): Command | undefined {
  const isShared = rules === "shared";
  switch (event.type) {
    case "configured":
      return rules === "governed" ? { op: "configure", ...event.settings } : undefined;
    case "funded":
      if (rules === "governed") return { op: "fund", id: event.id, amount: event.amount, unit };
      return undefined;
    case "registered": {
      if (isShared) return undefined;
      const plan = edited.get(event.agent) ?? planOf(event.contract);
      return registering(event.agent, event.contract, plan, rules, unit);
    }
    case "closing":
      return isShared ? undefined : { op: "close", agent: event.agent };
    case "reopened":
      return isShared ? undefined : { op: "reopen", id: event.id, agent: event.agent };
    case "paused":
    case "resumed":
      if (isShared && event.agent !== null) return undefined;
      return { op: event.type === "paused" ? "pause" : "resume", agent: event.agent };
    case "reset":
      return isShared ? undefined : { op: "reset", id: event.id, agent: event.agent };
    case "period_started":
      // Under the governor's rules the engine begins periods by itself, but for those that were commanded.
      if (rules === "governed" && event.id === undefined) return undefined;
      return { op: "reset_period", id: event.id ?? `period ${event.number}` };
    case "agent_period_started":
      return rules === "flat"
        ? { op: "reset", id: `period ${event.number} of ${event.agent}`, agent: event.agent }
        : undefined;
    default:
      return spendingOf(event, isShared, unit);
  }
}

/** The command of an event by which an agent spends or settles. */
function spendingOf(event: JournalEvent, isShared: boolean, unit: Unit): Command | undefined {
  switch (event.type) {
    case "reserved":
      return {
        op: "reserve",
        id: event.id,
        agent: isShared ? sharedPot : event.agent,
        amount: event.asked,
        unit,
        at_least: event.at_least,
        ttl_ms: event.expires_at - event.at,
        on_expiry: event.on_expiry,
        final: event.final,
      };
    case "committed":
      return { op: "commit", id: event.id, amount: event.amount, unit, confidence: sureness(event, isShared) };
    case "released":
      return { op: "release", id: event.id };
    case "extended":
      return { op: "extend", id: event.id, ttl_ms: event.expires_at - event.at, on_expiry: event.on_expiry };
    case "recorded": {
      const agent = isShared ? sharedPot : event.agent;
      return { op: "record", id: event.id, agent, amount: event.amount, unit, confidence: sureness(event, isShared) };
    }
    case "reallocated":
      if (isShared) return undefined;
      return { op: "reallocate", id: event.id, agent: event.agent, amount: event.asked, unit };
    default:
      return undefined;
  }
}

/** A pot has no gate. */
function sureness({ confidence }: { readonly confidence?: number }, isShared: boolean): number | undefined {
  return isShared ? undefined : confidence;
}
