/**
 * Mutants of the engine, the prices and the providers' formats, thousands of them, made by Stryker: how many of them
 * the tests notice. Hours on a small machine; Stryker itself goes on where it was (`.prove/mutation.json`).
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Counts, Part } from "./part.ts";

const root = new URL("../..", import.meta.url).pathname;
const folders = ["engine", "pricing", "providers"] as const;
const leastScore = 90;

export const mutation: Part = {
  name: "mutation",
  shows: "Of thousands of small changes to engine, pricing and providers, the tests notice at least nine in ten.",
  share: 0,
  slice: 1,
  goals: Object.fromEntries(folders.map((folder) => [scoreOf(folder), leastScore])),
  zero: [],
  latest: folders.flatMap((folder) => [scoreOf(folder), mutantsOf(folder)]),
  run: async ({ say }) => {
    await stryker(say);
    const report: Report = JSON.parse(readFileSync(join(root, ".prove/mutation-report.json"), "utf8"));
    const counts = Object.assign({}, ...folders.map((folder) => countsOf(folder, report))) as Counts;
    const low = folders.filter((folder) => !((counts[scoreOf(folder)] ?? 0) >= leastScore));
    return { counts, findings: low.map((folder) => ({ text: `${scoreOf(folder)}: ${counts[scoreOf(folder)]}` })) };
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

function stryker(say: (text: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, "node_modules/.bin/stryker"), ["run", "prove/mutation/stryker.json"], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    });
    child.stdout.setEncoding("utf8").on("data", (text: string) => say(text.trim()));
    child.once("close", (status) => {
      if (status === 0) resolve();
      else reject(new Error(`Stryker ended with ${status}`));
    });
  });
}
