/**
 * Mutants of the engine, the prices and the providers' formats, thousands of them, made by Stryker: how many of them
 * the tests notice. A slice is a folder, whose mutants are asked from nothing: what Stryker remembers of an earlier
 * run (`incremental`) is of tests that may have changed since.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Counts, Part } from "./part.ts";

const root = new URL("../../..", import.meta.url).pathname;
/** The quickest first: the engine takes three quarters of the time. */
const folders = ["pricing", "providers", "engine"] as const;
const leastScore = 90;

export const mutation: Part = {
  name: "mutation",
  shows:
    "Mutation testing: the tests detect at least nine in ten of thousands of small changes to engine, pricing and " +
    "providers. The three take turns.",
  share: 0,
  slice: 1,
  goals: Object.fromEntries(folders.map((folder) => [scoreOf(folder), leastScore])),
  zero: [],
  latest: folders.flatMap((folder) => [scoreOf(folder), mutantsOf(folder)]),
  run: async ({ turn, say }) => {
    const folder = folders[turn % folders.length] ?? folders[0];
    await stryker(folder, say);
    const report: Report = JSON.parse(readFileSync(join(root, ".prove/mutation-report.json"), "utf8"));
    const counts = countsOf(folder, report);
    const score = counts[scoreOf(folder)] ?? 0;
    return { counts, findings: score >= leastScore ? [] : [{ text: `${scoreOf(folder)}: ${score}` }] };
  },
};

type Report = {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>;
};

function scoreOf(folder: string): string {
  return `% of the mutants of ${folder} noticed`;
}

function mutantsOf(folder: string): string {
  return `mutants of ${folder}`;
}

/** A mutant that never ends is noticed, too; those outside of any function are not asked (`ignoreStatic`). */
function countsOf(folder: string, { files }: Report): Counts {
  const mutants = Object.entries(files)
    .filter(([path]) => path.startsWith(`src/${folder}/`))
    .flatMap(([, file]) => file.mutants)
    .filter(({ status }) => status !== "Ignored" && status !== "CompileError");
  const noticed = mutants.filter(({ status }) => status === "Killed" || status === "Timeout").length;
  const score = Math.floor((1_000 * noticed) / mutants.length) / 10;
  return { [mutantsOf(folder)]: mutants.length, [scoreOf(folder)]: score };
}

function stryker(folder: string, say: (text: string) => void): Promise<void> {
  // The table of prices is made when the project is built, which a mutant of its code would not be.
  const mutated = `src/${folder}/**/*.ts,!src/pricing/table.ts`;
  const options = ["run", "evidence/prove/mutation/stryker.json", "--mutate", mutated];
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, "evidence/node_modules/.bin/stryker"), options, {
      cwd: root,
      env: { ...process.env, BURSAR_MUTATED: folder },
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => say(text.trim()));
    child.once("close", (status) => {
      if (status === 0) resolve();
      else reject(new Error(`Stryker ended with ${status}`));
    });
  });
}
