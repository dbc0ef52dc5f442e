/** Counts refusals by agent and code since the pool woke: what they tell is not worth a row. */
import type { Pool } from "../engine/state.ts";
import type { Command, Outcome } from "../protocol/commands.ts";
import type { LiveRefusal } from "../protocol/frames.ts";
import type { RefusalCounts } from "../protocol/pool.ts";

export class RefusalCounter {
  readonly #counts = new Map<string, Map<string, number>>();

  /** Counts what was refused of `commands`, and gives it as watchers are shown it. */
  note(pool: Pool, commands: readonly Command[], outcomes: readonly Outcome[], at: number): LiveRefusal[] {
    const refused: LiveRefusal[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const command = commands[index];
      if (outcome.ok || command === undefined) continue;
      const { code } = outcome.refusal;
      const agent = "agent" in command ? command.agent : null;
      refused.push({ at, op: command.op, agent, code });
      // Only agents that are there are counted, or strangers' names would pile up.
      if (agent === null || !pool.agents.has(agent)) continue;
      const codes = this.#counts.get(agent) ?? new Map<string, number>();
      this.#counts.set(agent, codes.set(code, (codes.get(code) ?? 0) + 1));
    }
    return refused;
  }

  counts(): RefusalCounts {
    return Object.fromEntries([...this.#counts].map(([agent, codes]) => [agent, Object.fromEntries(codes)]));
  }

  /** An agent has left. */
  forget(agent: string): void {
    this.#counts.delete(agent);
  }

  clear(): void {
    this.#counts.clear();
  }
}
