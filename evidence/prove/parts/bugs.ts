/**
 * Plants one of the bugs in `evidence/prove/bugs/bugs.ts` in a copy of the tree, and runs the tests: one of them must
 * fail. A bug whose place is gone, because what it changes was rewritten, is counted and named, and the others go on.
 */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Bug, bugs as list } from "../bugs/bugs.ts";
import { plantings } from "../bugs/place.ts";
import type { Part } from "./part.ts";

const root = new URL("../../..", import.meta.url).pathname;
const uncaught = "bugs that no test caught";
const gone = "bugs whose place is gone";

export const bugs: Part = {
  name: "bugs",
  shows: `A plausible bug, seeded in a copy of the code, makes a test fail. ${list.length} bugs are listed and take turns.`,
  share: 3,
  slice: 1,
  goals: Object.fromEntries(list.map((bug) => [caught(bug), 1])),
  zero: [uncaught, gone],
  latest: [...list.map(caught), gone],
  run: async ({ turn, say }) => {
    const placed = list.filter((one) => {
      const places = plantedIn(one, root).length;
      if (places !== 1) say(`the place of "${one.name}" (in ${one.within}) is there ${places} times, not once`);
      return places === 1;
    });
    const missing = { [gone]: list.length - placed.length };
    const bug = placed[turn % placed.length];
    if (bug === undefined) return { counts: missing, findings: [] };
    say(bug.name);
    const tree = copyTree();
    try {
      await mustPass(tree, bug.tests);
      plant(bug, tree);
      const named = await failing(tree, bug.tests.split(" "));
      const catcher = named ?? (await failing(tree, elsewhere));
      const isCaught = catcher !== undefined;
      say(isCaught ? `caught by ${catcher}` : "not caught");
      return {
        counts: { ...missing, [uncaught]: isCaught ? 0 : 1, [caught(bug)]: isCaught ? 1 : 0 },
        findings: isCaught ? [] : [{ text: `no test caught: ${bug.name} (in ${bug.within})` }],
      };
    } finally {
      rmSync(tree, { recursive: true, force: true });
    }
  },
};

function caught({ name }: Bug): string {
  return `caught: ${name}`;
}

/** The project's own files, and what is built of them. */
function copyTree(): string {
  const tree = mkdtempSync(join(tmpdir(), "bursar-bug-"));
  const files = spawnSync("git", ["ls-files", "-co", "--exclude-standard"], { cwd: root, encoding: "utf8" }).stdout;
  for (const file of files.split("\n").filter((name) => name !== "" && name !== "node_modules")) {
    mkdirSync(dirname(join(tree, file)), { recursive: true });
    cpSync(join(root, file), join(tree, file));
  }
  cpSync(join(root, "dist"), join(tree, "dist"), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
  return tree;
}

function plant(bug: Bug, tree: string): void {
  const [planted] = plantedIn(bug, tree);
  if (planted === undefined) throw new Error(`${bug.name}: its place is not there`);
  writeFileSync(planted.path, planted.text);
}

/** The files of `src` with the bug in them, one for each place that it fits. */
function plantedIn(bug: Bug, tree: string): { readonly path: string; readonly text: string }[] {
  return sourcesOf(tree).flatMap((path) => plantings(readFileSync(path, "utf8"), bug).map((text) => ({ path, text })));
}

function sourcesOf(tree: string): string[] {
  return readdirSync(join(tree, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(tree, "src", name));
}

/** All tests but those of the tree itself and of what is built of it, which a copy is not. */
const elsewhere = "engine pool protocol providers pricing calls answers http tenant client webhooks archive gateway"
  .split(" ")
  .map((name) => `test/${name}`);

const passed = new Set<string>();

/** Without a bug they pass: or a failure would say nothing. */
async function mustPass(tree: string, tests: string): Promise<void> {
  if (passed.has(tests)) return;
  const failed = await failing(tree, tests.split(" "));
  if (failed !== undefined) throw new Error(`without any bug, this fails: ${failed}`);
  passed.add(tests);
}

/** The test that fails, if one does: not merely that the tests could not be run. */
function failing(tree: string, tests: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, "node_modules/.bin/vitest"), ["run", "--bail", "1", "--no-color", ...tests], {
      cwd: tree,
      env: { ...process.env, NO_COLOR: "1", CI: "true", BURSAR_COMMANDS: "40000" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let output = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.once("close", (status) => {
      const [, failed] = /× (.+?)(?: \d+ms)?$/m.exec(output) ?? [];
      if (status === 0) resolve(undefined);
      else if (failed !== undefined && /Tests .*\d+ failed/.test(output)) resolve(failed);
      else reject(new Error(`the tests could not be run:\n${output.slice(-2_000)}`));
    });
  });
}
