/**
 * The pool object in workerd against engine and naive model: `test/pool/differential.test.ts`, as long as one likes.
 * Each slice is some runtimes side by side, because each waits for its disk more than it computes.
 */
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { seedOf } from "../../../test/support/random.ts";
import { type Part, type Result, total } from "./part.ts";

const root = new URL("../../..", import.meta.url).pathname;
/** Of this many the runtime's own start is a small part. */
const commandsOfEach = 20_000;

export const differential: Part = {
  name: "differential",
  shows:
    "A pool object in workerd, evicted, aborted and woken by its alarm at random, answers as the engine alone does, " +
    "and its journal folds to the same state.",
  share: 4,
  slice: 60,
  goals: { commands: 1_000_000 },
  zero: ["differences"],
  run: async ({ seed, seconds }) => {
    const commands = Math.min(commandsOfEach, Math.ceil(seconds) * 300);
    const seeds = Array.from({ length: 2 * availableParallelism() }, (_, index) => seedOf(seed, index));
    const results = await Promise.all(seeds.map((one) => play(one, commands)));
    return {
      counts: total(results.map(({ counts }) => counts)),
      findings: results.flatMap(({ findings }) => findings),
    };
  },
};

async function play(seed: number, commands: number): Promise<Result> {
  const { status, output } = await vitest({ BURSAR_SEED: String(seed), BURSAR_POOL_COMMANDS: String(commands) });
  const found = /(\d+) commands, seed [-\d]+: (\{.*\})/.exec(output);
  if (status !== 0 || found === null) return failed(seed, commands, output);
  const met: Record<string, number> = JSON.parse(found[2] ?? "{}");
  delete met["none"];
  return { counts: { commands: Number(found[1]), ...met, differences: 0 }, findings: [] };
}

function failed(seed: number, commands: number, output: string): Result {
  const again = `BURSAR_SEED=${seed} BURSAR_POOL_COMMANDS=${commands} npx vitest run --config evidence/prove/vitest.config.ts`;
  // What workerd says of objects that were aborted on purpose says nothing.
  const told = output.split("\n").filter((line) => !/^(uncaught exception|stack:|workerd\/)/.test(line));
  return {
    counts: { differences: 1 },
    findings: [{ text: `seed ${seed}, again by: ${again}\n${told.slice(0, 200).join("\n")}` }],
  };
}

function vitest(settings: Readonly<Record<string, string>>): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(
      join(root, "node_modules/.bin/vitest"),
      ["run", "--config", join(root, "evidence/prove/vitest.config.ts"), "--no-color"],
      { cwd: root, env: { ...process.env, ...settings, NO_COLOR: "1" }, stdio: ["ignore", "pipe", "pipe"] },
    );
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    child.once("close", (status) => resolve({ status, output }));
  });
}
