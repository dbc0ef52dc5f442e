/**
 * What would have been: the demands of a journal, in their order and at their times, under other rules. Each call asks
 * for what it asked for then, and uses what it used then, if it is let; by the governor's own engine.
 */
import { execute } from "../../../src/engine/execute.ts";
import { emptyPool, type Pool } from "../../../src/engine/state.ts";
import type { Command, Unit } from "../../../src/protocol/commands.ts";
import type { JournalEvent } from "../../../src/protocol/events.ts";

/** An agent under other rules. */
export type Plan = { readonly priority: number; readonly max: number; readonly min_reserve: number };

/** `governed`: budget flows. `flat`: each has its cap. `shared`: one pot, first come. */
export type Rules = "governed" | "flat" | "shared";

export type Outcome = {
  readonly agent: string;
  readonly asked: number;
  readonly served: number;
  readonly refused: number;
  readonly consumed: number;
  /** What was asked for and not let. */
  readonly missed: number;
};

/** The contract that each agent had last, and whether it was ever there. */
export function plansIn(events: readonly JournalEvent[]): Map<string, Plan> {
  const plans = new Map<string, Plan>();
  for (const event of events) {
    if (event.type !== "registered") continue;
    const { priority, max, min_reserve } = event.contract;
    plans.set(event.agent, { priority, max, min_reserve });
  }
  return plans;
}

/** Plays the demands of `events` under `rules`, with `plans` for contracts. */
export function play(
  events: readonly JournalEvent[],
  plans: ReadonlyMap<string, Plan>,
  rules: Rules,
  unit: Unit,
): Outcome[] {
  const tally = new Map(
    [...plans.keys()].map((agent) => [agent, { asked: 0, served: 0, refused: 0, consumed: 0, missed: 0 }]),
  );
  const pool = stage(plans, rules, unit);
  /** Who was let in here, and so may commit. */
  const open = new Set<string>();
  for (const event of events) {
    const demand = demandOf(event, unit);
    if (demand === undefined) continue;
    const { command } = demand;
    if (command.op === "commit" && !open.has(command.id)) continue;
    const to = command.op === "reserve" ? { ...command, agent: rules === "shared" ? "all" : command.agent } : command;
    const outcome = execute(pool, to, event.at, []);
    const agent = command.op === "reserve" ? command.agent : demand.agent;
    const sums = agent === undefined ? undefined : tally.get(agent);
    if (sums === undefined) continue;
    if (command.op === "reserve") {
      sums.asked++;
      if (outcome.ok) {
        sums.served++;
        open.add(command.id);
        owners.set(command.id, command.agent);
      } else {
        sums.refused++;
        sums.missed += command.amount;
      }
    }
    if (command.op === "commit" && outcome.ok) sums.consumed += command.amount;
  }
  owners.clear();
  return [...tally].map(([agent, sums]) => ({ agent, ...sums }));
}

/** Whose each reservation is, while a play lasts. */
const owners = new Map<string, string>();

function stage(plans: ReadonlyMap<string, Plan>, rules: Rules, unit: Unit): Pool {
  const pool = emptyPool();
  const run = (command: Command): void => void execute(pool, command, 0, []);
  run({ op: "configure", unit, equal_priority_donates: rules === "governed" });
  if (rules === "shared") {
    const max = [...plans.values()].reduce((sum, plan) => sum + plan.max, 0);
    run({ op: "register", agent: "all", priority: 0, max, min_reserve: 0, unit });
    return pool;
  }
  for (const [agent, plan] of plans) {
    // Nobody lends where all are equal and equals don't.
    const priority = rules === "flat" ? 0 : plan.priority;
    run({ op: "register", agent, ...plan, min_reserve: Math.min(plan.min_reserve, plan.max), priority, unit });
  }
  return pool;
}

type Demand = {
  readonly command: Extract<Command, { op: "reserve" | "commit" | "release" }>;
  readonly agent: string | undefined;
};

function demandOf(event: JournalEvent, unit: Unit): Demand | undefined {
  switch (event.type) {
    case "reserved":
      return {
        command: {
          op: "reserve",
          id: event.id,
          agent: event.agent,
          amount: event.asked,
          unit,
          at_least: event.at_least,
          ttl_ms: 24 * 3_600_000,
        },
        agent: event.agent,
      };
    case "committed":
      return { command: { op: "commit", id: event.id, amount: event.amount, unit }, agent: owners.get(event.id) };
    case "released":
      return { command: { op: "release", id: event.id }, agent: owners.get(event.id) };
    case "expired":
      return event.charged > 0
        ? { command: { op: "commit", id: event.id, amount: event.charged, unit }, agent: owners.get(event.id) }
        : { command: { op: "release", id: event.id }, agent: owners.get(event.id) };
    default:
      return undefined;
  }
}
