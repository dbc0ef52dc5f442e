/** One core's share of `model.ts`: plays sequences until the time is up, or until one shows a difference. */
import { parentPort, workerData } from "node:worker_threads";
import fc from "fast-check";
import { sequence } from "../../../test/engine/model/commands.ts";
import { play } from "../../../test/engine/model/play.ts";
import { Tally } from "../../../test/engine/model/tally.ts";
import type { Played, Task } from "./model.ts";

const { seed: first, seconds }: Task = workerData;
const until = performance.now() + seconds * 1_000;
const tally = new Tally();
let played: Played | undefined;
let seeds = 0;
while (played === undefined && performance.now() < until) {
  const seed = (first + seeds++) | 0;
  try {
    fc.assert(
      fc.property(sequence, (steps) => play(steps, tally)),
      { seed, numRuns: 1 },
    );
  } catch (error) {
    const again = `BURSAR_SEED=${seed} BURSAR_COMMANDS=1 npx vitest run --project node test/engine/model`;
    played = told(1, [{ text: `seed ${seed}, again by: ${again}\n${String(error)}` }]);
  }
}
parentPort?.postMessage(played ?? told(0, []), []);

function told(differences: number, findings: Played["findings"]): Played {
  const accepted = [...tally.accepted.values()].reduce((sum, count) => sum + count, 0);
  return { counts: { commands: tally.commands, accepted, seeds, differences }, findings };
}
