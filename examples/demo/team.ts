/** An agent that works for its money: reserves before each call of the model, commits what the call used. */
import type { Hold, Pool } from "../../src/client/index.ts";
import { estimateTokens } from "../../src/providers/estimate.ts";
import type { Narrator } from "./narrator.ts";
import type { Completion } from "./provider.ts";

const outputLimit = 400;

export type Agent = {
  /** Asks the model about `sources`. Throws `BudgetExceededError` when the governor says no. */
  ask(question: string, sources: string): Promise<string>;
};

/** What tokens come to in the unit of the pool. */
export type Counter = (input: number, output: number) => number;

/** In tokens, or in microusd at the price that the governor has for `model`. */
export async function counterOf(pool: Pool, model: string): Promise<Counter> {
  if (pool.unit === "tokens") return (input, output) => input + output;
  const price = await pool.prices.inForce(model);
  return (input, output) => Math.ceil((input * price.input + output * price.output) / 1e6);
}

/** `providerUrl` is where an OpenAI-shaped API answers. */
export function newAgent(pool: Pool, name: string, providerUrl: string, count: Counter, narrator: Narrator): Agent {
  return {
    ask: async (question, sources) => {
      const content = `${question}\n${sources}`;
      // The upper bound: all of the prompt, and as much output as the call is allowed.
      const bound = count(estimateTokens(content), outputLimit);
      narrator.asks(name, bound, question);
      await using hold = await pool.reserve(name, bound);
      narrator.holds(hold);
      const answer = await complete(providerUrl, content);
      await settle(hold, answer);
      return answer.choices[0]?.message.content ?? "";
    },
  };

  async function settle(hold: Hold, answer: Completion): Promise<void> {
    const sure = /^Confidence ([\d.]+)\./.exec(answer.choices[0]?.message.content ?? "")?.[1];
    const confidence = sure === undefined ? undefined : Number(sure);
    const { prompt_tokens, completion_tokens } = answer.usage;
    const { consumed, agent } = await hold.commit(count(prompt_tokens, completion_tokens), { confidence });
    narrator.used(name, consumed, hold.granted, confidence, agent?.gate === "closed");
  }
}

async function complete(url: string, content: string): Promise<Completion> {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "stand-in", max_tokens: outputLimit, messages: [{ role: "user", content }] }),
  });
  return (await response.json()) as Completion;
}
