/**
 * A fleet of agents that make the calls of a trace. Which agent makes which call, who is important, and when a task is
 * answered well enough, is ours and comes from a seed; arrival times and tokens are the trace's.
 */
import { randomOf, seedOf } from "../../test/support/random.ts";
import type { Trace } from "./trace.ts";

export const tiers = ["important", "usual", "least"] as const;
export type Tier = (typeof tiers)[number];

/** Of each ten agents two are important, four usual, four least. */
const priorities: Readonly<Record<Tier, number>> = { important: 3, usual: 2, least: 1 };

export type FleetAgent = { readonly name: string; readonly tier: Tier; readonly priority: number };

export type Call = {
  readonly id: string;
  readonly at: number;
  readonly agent: FleetAgent;
  readonly prompt: number;
  readonly answer: number;
  /** What the caller must be ready to pay: the prompt and the longest answer that it allows. */
  readonly bound: number;
  /** Of the agent's tasks, the how-manieth. */
  readonly task: number;
  readonly isFirstOfTask: boolean;
  /** Calls after the task was answered well enough cost the same and add nothing. */
  readonly isUseful: boolean;
  /** With this call the agent is confident. */
  readonly isConfident: boolean;
};

export type Fleet = { readonly agents: readonly FleetAgent[]; readonly calls: readonly Call[] };

/** Tasks take 4 to 16 calls, and are answered well enough after half of them at the earliest. */
const taskLength = { least: 4, most: 16 };
const earliestConfidence = 0.5;

/**
 * The fleets of five seeds in a row are shuffled alike, and an agent is of each tier in two, two and one of them: so how
 * much the important ask is not a matter of luck, on average over the five.
 */
export const balanced = 5;

export function makeFleet(trace: Trace, size: number, seed: number): Fleet {
  const random = randomOf(seedOf(Math.floor((seed - 1) / balanced), size, ...Buffer.from(trace.name)));
  const agents = makeAgents(size, seed - 1);
  const pick = picker(agents, random);
  const longest = trace.calls.reduce((most, { answer }) => Math.max(most, answer), 1);
  const allowed = 2 ** Math.ceil(Math.log2(longest));
  const tasks = new Map<FleetAgent, Task>();
  const calls = trace.calls.map(({ at, prompt, answer }, index): Call => {
    const agent = pick();
    const known = tasks.get(agent);
    const task =
      known === undefined || known.position === known.length ? newTask((known?.number ?? 0) + 1, random) : known;
    tasks.set(agent, task);
    const position = task.position++;
    return {
      id: `c${index}`,
      at,
      agent,
      prompt,
      answer,
      bound: prompt + allowed,
      task: task.number,
      isFirstOfTask: position === 0,
      isUseful: position < task.useful,
      isConfident: position === task.useful - 1,
    };
  });
  return { agents, calls };
}

/** Tokens that a call really takes. */
export function costOf({ prompt, answer }: Pick<Call, "prompt" | "answer">): number {
  return prompt + answer;
}

function makeAgents(size: number, turn: number): FleetAgent[] {
  const pattern: readonly Tier[] = ["important", "usual", "least", "usual", "least"];
  return Array.from({ length: size }, (_, index) => {
    const tier = pattern[(index + turn) % pattern.length] ?? "usual";
    return { name: `${tier}-${index}`, tier, priority: priorities[tier] };
  });
}

/** Some agents ask much more often than others, and whether they do has nothing to do with how important they are. */
function picker(agents: readonly FleetAgent[], random: () => number): () => FleetAgent {
  const shuffled = agents.map((agent) => ({ agent, order: random() })).sort((a, b) => a.order - b.order);
  const weights = shuffled.map((_, rank) => 1 / (rank + 1) ** 0.8);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return () => {
    let left = random() * sum;
    for (const [rank, { agent }] of shuffled.entries()) {
      left -= weights[rank] ?? 0;
      if (left < 0) return agent;
    }
    throw new Error("the weights don't add up");
  };
}

type Task = { readonly number: number; position: number; readonly length: number; readonly useful: number };

function newTask(number: number, random: () => number): Task {
  const length = taskLength.least + Math.floor(random() * (taskLength.most - taskLength.least + 1));
  const useful = Math.ceil(length * (earliestConfidence + random() * (1 - earliestConfidence)));
  return { number, position: 0, length, useful };
}
