/** Policies that run on Bursar's own engine: itself, and what it is without its ideas. */
import { lacksOnlyBudget } from "../../../src/engine/decisions/reservation.ts";
import { execute } from "../../../src/engine/execute.ts";
import { emptyPool, type Pool } from "../../../src/engine/state.ts";
import { WaitQueue } from "../../../src/pool/wait-queue.ts";
import type { Command, Outcome } from "../../../src/protocol/commands.ts";
import type { ReserveCommand } from "../../../src/protocol/reservation.ts";
import { type Call, costOf, type Fleet, type FleetAgent } from "../fleet.ts";
import { type Answer, type Governor, go, type Policy, refused, type Served } from "./policy.ts";

type Options = {
  /** How much of the budget no contract gives to anybody. */
  readonly float?: number;
  /** Everybody spends from one agent's budget. */
  readonly isPot?: boolean;
  /** Whether budget moves, as it does in Bursar. */
  readonly moves?: boolean;
  readonly waitMs?: number;
  /** An answer this long, at least, is worth its call: what is left is taken if it allows that. */
  readonly leastAnswer?: number;
  readonly isGated?: boolean;
};

const confidence = 0.9;
const threshold = 0.85;
const pot = "everybody";

export const flat: Policy = {
  name: "flat caps",
  what: "Every agent has an equal share of the budget, held before each call. Nothing moves.",
  govern: (fleet, budget) => onEngine(fleet, budget, {}),
};

export const shared: Policy = {
  name: "one shared pot",
  what: "All agents draw on one budget, held before each call: first come, first served.",
  govern: (fleet, budget) => onEngine(fleet, budget, { isPot: true }),
};

export const gatedPot: Policy = {
  name: "one shared pot and the gate",
  what: "As the pot. An agent reports its confidence, and is stopped at 0.85 until its next task.",
  govern: (fleet, budget) => onEngine(fleet, budget, { isPot: true, isGated: true }),
};

export const bursar: Policy = {
  name: "Bursar",
  what: "Equal shares. What is missing moves from agents of lower or equal priority in the same step.",
  govern: (fleet, budget) => onEngine(fleet, budget, { moves: true }),
};

export const floating: Policy = {
  name: "Bursar, half of it float",
  what: "As Bursar, with shares of half the budget. The other half is unallocated, for the agent that needs it first.",
  govern: (fleet, budget) => onEngine(fleet, budget, { moves: true, float: 0.5 }),
};

export const patient: Policy = {
  name: "Bursar, waiting and partial grants",
  what: "As Bursar. A call waits up to a minute in line, and takes less if 256 tokens of answer fit.",
  govern: (fleet, budget) => onEngine(fleet, budget, { moves: true, waitMs: 60_000, leastAnswer: 256 }),
};

export const gated: Policy = {
  name: "Bursar, all of it and the gate",
  what: "As the one before. An agent reports its confidence, and is stopped at 0.85 until its next task.",
  govern: (fleet, budget) => onEngine(fleet, budget, { moves: true, waitMs: 60_000, leastAnswer: 256, isGated: true }),
};

function onEngine({ agents }: Fleet, budget: number, options: Options): Governor {
  const { float = 0, isPot = false, moves = false, waitMs = 0, leastAnswer, isGated = false } = options;
  const pool = emptyPool();
  const line = new WaitQueue();
  const waiting = new Map<string, Call>();
  const tasks = new Map<FleetAgent, number>();
  /** Of a pot, whose engine knows one agent, the gates are kept here. */
  const closed = new Set<FleetAgent>();
  const nameOf = ({ name }: FleetAgent): string => (isPot ? pot : name);
  const run = (command: Command, now: number): Outcome => execute(pool, command, now, []);
  setUp(pool, isPot ? [{ name: pot, priority: 1 }] : agents, budget, { float, moves, isGated });

  const reserveOf = (call: Call): ReserveCommand => ({
    op: "reserve",
    id: call.id,
    agent: nameOf(call.agent),
    amount: call.bound,
    unit: "tokens",
    ttl_ms: 3_600_000,
    ...(leastAnswer === undefined ? undefined : { at_least: Math.min(call.bound, call.prompt + leastAnswer) }),
  });
  const serve = (now: number): Served[] =>
    line
      .serve(({ command }) => (lacksOnlyBudget(pool, command, now) ? undefined : run(command, now)))
      .flatMap(({ waiter, outcome }): Served[] => {
        const call = waiting.get(waiter.command.id);
        waiting.delete(waiter.command.id);
        return call === undefined ? [] : [{ call, answer: answerTo(outcome) }];
      });

  return {
    begin: ({ id, agent, task }, now) => {
      tasks.set(agent, task);
      closed.delete(agent);
      if (isGated && !isPot) run({ op: "reopen", id: `${id}-task`, agent: nameOf(agent) }, now);
    },
    ask: (call, now): Answer => {
      if (closed.has(call.agent)) return { kind: "gated" };
      const command = reserveOf(call);
      if (waitMs > 0 && lacksOnlyBudget(pool, command, now)) {
        const visit = { ticket: call.id, keyId: null, keyExpiresAt: Number.POSITIVE_INFINITY, until: now + waitMs };
        void line.join(command, call.agent.priority, visit);
        waiting.set(call.id, call);
        return { kind: "waits" };
      }
      return answerTo(run(command, now));
    },
    end: (call, used, now) => {
      // Calls overlap: by the time that this one ends, its agent may be at its next task, which it knows nothing of.
      const isCurrent = tasks.get(call.agent) === call.task;
      const isSure = isGated && call.isConfident && isCurrent && used === costOf(call);
      if (isSure && isPot) closed.add(call.agent);
      const reported = isSure && !isPot ? { confidence } : undefined;
      const outcome = run({ op: "commit", id: call.id, amount: used, unit: "tokens", ...reported }, now);
      if (!outcome.ok) throw new Error(JSON.stringify(outcome));
      return line.size === 0 ? [] : serve(now);
    },
    giveUp: (call) => {
      line.leave(call.id, call.id, { ok: false, refusal: { code: "reservation_not_found", id: call.id } });
      waiting.delete(call.id);
    },
    spent: () => pool.consumed,
  };
}

function setUp(
  pool: Pool,
  agents: readonly Pick<FleetAgent, "name" | "priority">[],
  budget: number,
  { float, moves, isGated }: { readonly float: number; readonly moves: boolean; readonly isGated: boolean },
): void {
  const must = (command: Command): void => {
    const outcome = execute(pool, command, 0, []);
    if (!outcome.ok) throw new Error(JSON.stringify(outcome));
  };
  must({ op: "configure", budget, equal_priority_donates: moves });
  const share = Math.floor((budget * (1 - float)) / agents.length);
  for (const { name, priority } of agents) {
    must({
      op: "register",
      agent: name,
      // Where nothing is to move, nobody is more important than anybody.
      priority: moves ? priority : 1,
      max: share,
      unit: "tokens",
      confidence_threshold: isGated ? threshold : null,
      // Flat caps are flat: the odd tokens of the division are nobody's.
      ...(moves ? undefined : { ceiling: share }),
    });
  }
}

function answerTo(outcome: Outcome): Answer {
  if (outcome.ok) return go(grantedOf(outcome));
  return outcome.refusal.code === "confidence_reached" ? { kind: "gated" } : refused;
}

function grantedOf(outcome: Outcome): number {
  if (!outcome.ok || !("granted" in outcome.result)) throw new Error(JSON.stringify(outcome));
  return outcome.result.granted;
}
