/**
 * What a user would pick instead if nothing had to last: an in-memory limiter (rate-limiter-flexible) in the process
 * that asks. A hold takes its points, a commit gives back what was not used. A restart forgets everything.
 */
import { RateLimiterMemory } from "rate-limiter-flexible";
import { budget, type Governor } from "./governor.ts";

export function startMemory(): Promise<Governor> {
  const limiter = new RateLimiterMemory({ points: budget, duration: 0 });
  const held = new Map<string, { agent: string; amount: number }>();
  return Promise.resolve({
    reserve: async (id, agent, amount) => {
      if (held.has(id)) return;
      held.set(id, { agent, amount });
      await limiter.consume(agent, amount);
    },
    commit: async (id, used) => {
      const hold = held.get(id);
      if (hold === undefined) throw new Error(`no reservation ${id}`);
      held.delete(id);
      await limiter.reward(hold.agent, hold.amount - used);
    },
    stop: () => Promise.resolve(),
  });
}
