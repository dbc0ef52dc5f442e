/** Plants one of the bugs in `evidence/prove/bugs/bugs.ts` in a copy of the tree, and runs the tests: one of them must fail. */
import { spawn, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Bug, bugs as list } from "../bugs/bugs.ts";
import type { Part } from "./part.ts";

const root = new URL("../../..", import.meta.url).pathname;

export const bugs: Part = {
  name: "bugs",
  shows: `A bug that somebody could make, planted in a copy, makes a test fail. ${list.length} are listed and take turns.`,
  share: 3,
  slice: 1,
  goals: Object.fromEntries(list.map((bug) => [caught(bug), 1])),
  zero: ["bugs that no test caught"],
  latest: list.map(caught),
  run: async ({ turn, say }) => {
    const bug = list[turn % list.length];
    if (bug === undefined) throw new Error("there are no bugs");
    for (const one of list) {
      const places = placesOf(one, root).length;
      if (places !== 1) throw new Error(`${one.name}: its place is there ${places} times`);
    }
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
        counts: { "bugs that no test caught": isCaught ? 0 : 1, [caught(bug)]: isCaught ? 1 : 0 },
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
  const [place] = placesOf(bug, tree);
  if (place === undefined) throw new Error(`${bug.name}: its place is not there`);
  writeFileSync(
    place.path,
    place.text.replace(bug.code, () => bug.becomes),
  );
}

/** Where a function of that name has that code. */
function placesOf({ within, code }: Bug, tree: string): { readonly path: string; readonly text: string }[] {
  const declares = new RegExp(`(function\\*? |^  (?:async |static |get )*)${within.replace("#", "\\#")}\\b`, "m");
  return sourcesOf(tree)
    .map((path) => ({ path, text: readFileSync(path, "utf8") }))
    .filter(({ text }) => declares.test(text))
    .flatMap((file) => Array.from({ length: file.text.split(code).length - 1 }, () => file));
}

function sourcesOf(tree: string): string[] {
  return readdirSync(join(tree, "src"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts"))
    .map((name) => join(tree, "src", name));
}

/** All tests but those of the tree itself and of what is built of it, which a copy is not. */
const elsewhere = "engine pool protocol providers pricing http tenant client webhooks archive gateway"
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
