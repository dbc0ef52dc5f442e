/**
 * A small graph of agents, as LangGraph and others draw them: plan → research (at once) → write ⇄ criticise. The
 * planner hands each researcher a part of its own budget and gets back what they leave; writer and critic go round
 * until the critic's gate closes. Needs BURSAR_URL and BURSAR_KEY. The model is made up; the budgets are real.
 */
import { BudgetExceededError, Bursar } from "bursar";

const bursar = new Bursar({ url: process.env["BURSAR_URL"] ?? "", key: process.env["BURSAR_KEY"] ?? "" });
const pool = bursar.pool(`graph-${Date.now()}`);
await pool.configure({ budget: 20_000 });
await pool.register("planner", { priority: 5, max_tokens: 9_000, min_reserve: 500 });
await pool.register("writer", { priority: 3, max_tokens: 3_000 });
await pool.register("critic", { priority: 1, max_tokens: 3_000, confidence_threshold: 0.8 });

type State = { readonly notes: string[]; draft: string; round: number };
type Answer = { readonly text: string; readonly confidence: number; readonly usage: object };
type Node = (state: State) => Promise<keyof typeof graph | undefined>;

let calls = 0;
/** Answers at once; longer prompts cost more, and every round makes it surer. */
async function model(prompt: string, round = 0): Promise<Answer> {
  calls++;
  const usage = { prompt_tokens: Math.ceil(prompt.length / 4), completion_tokens: 300 };
  return { text: `${prompt.slice(0, 40)}…`, confidence: 0.5 + round / 5, usage };
}

const topics = ["supply", "demand", "prices"];
const write = pool.govern("writer", model);
const criticise = pool.govern("critic", model, { confidence: (answer) => answer.confidence });

const graph: Record<"plan" | "research" | "write" | "criticise", Node> = {
  plan: async () => {
    await pool.govern("planner", model)(`Which of ${topics.join(", ")} matter?`);
    return "research";
  },
  research: async ({ notes }) => {
    await Promise.all(
      topics.map(async (topic) => {
        await using sub = await pool.agent("planner").spawn(`researcher-${topic}`, { priority: 2, max_tokens: 2_000 });
        notes.push((await sub.govern(model)(`What is known of ${topic}?`)).text);
      }),
    );
    return "write";
  },
  write: async (state) => {
    state.draft = (await write(`Write about ${state.notes.join(" ")} ${state.draft}`)).text;
    return "criticise";
  },
  criticise: async (state) => {
    try {
      await criticise(`What is wrong with: ${state.draft}?`, state.round++);
      return "write";
    } catch (error) {
      // The critic is sure: its gate has closed, and it spends no more.
      if (error instanceof BudgetExceededError && error.code === "confidence_reached") return undefined;
      throw error;
    }
  },
};

const state: State = { notes: [], draft: "", round: 0 };
for (let next: keyof typeof graph | undefined = "plan"; next !== undefined;) {
  console.log(next);
  next = await graph[next](state);
}
console.log(`${calls} calls, ${state.round} rounds`);
console.log(JSON.stringify(await pool.summary()));
bursar.close();
