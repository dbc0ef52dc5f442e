/** A pool to try commands on: the clock is moved by hand, and every step checks invariants and fold ≡ state. */
import { expect } from "vitest";
import { evolve } from "../../src/engine/evolve.ts";
import { applyDue, execute } from "../../src/engine/execute.ts";
import { toImage } from "../../src/engine/image.ts";
import { violations } from "../../src/engine/invariants.ts";
import { report } from "../../src/engine/results.ts";
import { emptyPool, type Pool } from "../../src/engine/state.ts";
import type { AgentView, RegisterCommand } from "../../src/protocol/agent.ts";
import type { Command, Outcome, Results } from "../../src/protocol/commands.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import type { ConfigureCommand } from "../../src/protocol/pool.ts";
import type { Refusal } from "../../src/protocol/refusals.ts";

type Plain<C> = C extends { unit: unknown } ? Omit<C, "unit"> & { unit?: "tokens" | "microusd" } : C;
export type PlainCommand = Plain<Command>;

export class Stage {
  now = 1_000_000;
  readonly pool: Pool = emptyPool();
  readonly events: PoolEvent[] = [];
  readonly #refolded: Pool = emptyPool();

  /** A configured pool with these agents. */
  static with(settings: Omit<ConfigureCommand, "op">, agents: Record<string, Partial<RegisterCommand>> = {}): Stage {
    const stage = new Stage();
    stage.does({ op: "configure", ...settings });
    for (const [agent, contract] of Object.entries(agents)) {
      stage.does({ op: "register", agent, priority: 1, max: 1_000, ...contract });
    }
    return stage;
  }

  /** Runs a command and returns whatever comes of it. */
  tries(command: PlainCommand): Outcome {
    const from = this.events.length;
    const outcome = execute(this.pool, { unit: "tokens", ...command } as Command, this.now, this.events);
    this.#check(from);
    return outcome;
  }

  /** Runs a command that must succeed. */
  does<Op extends Command["op"]>(command: Extract<PlainCommand, { op: Op }>): Results[Op] {
    const outcome = this.tries(command);
    if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`);
    return outcome.result as Results[Op];
  }

  /** Runs a command that must be refused, and must change nothing. */
  isRefused(command: PlainCommand): Refusal {
    const before = JSON.stringify(toImage(this.pool));
    const outcome = this.tries(command);
    if (outcome.ok) throw new Error(`accepted: ${JSON.stringify(outcome.result)}`);
    expect(JSON.stringify(toImage(this.pool))).toBe(before);
    return outcome.refusal;
  }

  /** Moves the clock; what is due expires. */
  waits(ms: number): void {
    this.now += ms;
    const from = this.events.length;
    applyDue(this.pool, this.now, this.events);
    this.#check(from);
  }

  agent(name: string): AgentView {
    const view = report(this.pool, "stage").agents[name];
    if (view === undefined) throw new Error(`no agent ${name}`);
    return view;
  }

  #check(from: number): void {
    expect(violations(this.pool)).toEqual([]);
    for (const event of this.events.slice(from)) evolve(this.#refolded, structuredClone(event));
    expect(JSON.stringify(toImage(this.#refolded))).toBe(JSON.stringify(toImage(this.pool)));
  }
}

let nextId = 0;

/** A reserve command; the id is new unless given. */
export function reserve(agent: string, amount: number, more: Partial<Extract<PlainCommand, { op: "reserve" }>> = {}) {
  return { op: "reserve", id: `r${nextId++}`, agent, amount, ...more } as const;
}

export function record(agent: string, amount: number, more: Partial<Extract<PlainCommand, { op: "record" }>> = {}) {
  return { op: "record", id: `u${nextId++}`, agent, amount, ...more } as const;
}
