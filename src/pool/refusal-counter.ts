/** Counts refusals by agent and code since the pool woke. In memory only: a refusal must not cost a row. */
import type { Pool } from "../engine/state.ts";
import type { Command, Outcome } from "../protocol/commands.ts";
import type { LiveRefusal } from "../protocol/frames.ts";
import type { RefusalCounts } from "../protocol/pool.ts";

export class RefusalCounter {
  readonly #counts = new Map<string, Map<string, number>>();

  /** Counts the refusals among `outcomes`, and returns them as subscribers get them. */
  note(pool: Pool, commands: readonly Command[], outcomes: readonly Outcome[], at: number): LiveRefusal[] {
    const refused: LiveRefusal[] = [];
    for (const [index, outcome] of outcomes.entries()) {
      const command = commands[index];
      if (outcome.ok || command === undefined) continue;
      const { code } = outcome.refusal;
      const agent = "agent" in command ? command.agent : null;
      refused.push({ at, op: command.op, agent, code });
      // Only registered agents are counted, or unknown names would pile up in memory.
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
