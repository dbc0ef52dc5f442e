/**
 * The engine against the naive model: random sequences of commands, each of a seed of its own, on every core. After
 * each command both must have answered the same, stand the same, and every invariant must hold.
 */
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import { seedOf } from "../../../test/support/random.ts";
import { type Counts, type Finding, type Part, total } from "./part.ts";

/** What a worker is told, and what it tells. */
export type Task = { readonly seed: number; readonly seconds: number };
export type Played = { readonly counts: Counts; readonly findings: readonly Finding[] };

export const model: Part = {
  name: "model",
  shows: "The engine gives the answers of a second, naive pool, and every invariant holds after every command.",
  share: 8,
  slice: 20,
  goals: { commands: 100_000_000, seeds: 500_000 },
  zero: ["differences"],
  run: async ({ seconds, seed }) => {
    const workers = Array.from({ length: availableParallelism() }, (_, index) =>
      play({ seed: seedOf(seed, index), seconds }),
    );
    const played = await Promise.all(workers);
    return { counts: total(played.map(({ counts }) => counts)), findings: played.flatMap(({ findings }) => findings) };
  },
};

function play(task: Task): Promise<Played> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./model-worker.ts", import.meta.url).pathname, { workerData: task });
    worker.once("message", resolve);
    worker.once("error", reject);
  });
}
