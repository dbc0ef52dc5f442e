/**
 * The commands and programs of the README, the tutorial and the guides, run as they stand there, in a fresh copy of the
 * project and against a governor that `npm start` has started. `sh` and `ts` blocks are run, in order, with the
 * variables that earlier blocks have exported; a `json` or `text` block below one is what it prints. What needs an
 * account or a value of the reader's own is a `console` block, and is not run.
 */
import { execFileSync } from "node:child_process";
import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Block, blocksOf, promisedBy, squeeze } from "../support/documents.ts";
import { FreshCopy } from "../support/fresh-copy.ts";
import { freePort } from "../support/port.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { files, root } from "../support/tree.ts";

const documents = files.filter((path) => /^(README|docs\/(guides\/.*|tutorial|reference\/http-api))\.md$/.test(path));
/** What starts a governor or the demo: first-minute.test.ts, and the demo below, run these. */
const startLine =
  /^(npm start|npm run secrets && npx wrangler dev|eval "\$\(npx bursar init --dev\)"|npm ci && npm run demo)$/m;
/** What changes more than the copy: the packages, which it shares with the project, or an account. */
const notHere = /\bnpm (ci|i|install|publish)\b|\bwrangler (login|deploy|secret|r2)\b/;
/** The lines by which a guide changes a setting. */
const settingLine = /^echo "[A-Z_]+=.*" >> \.dev\.vars$/gm;

const copy = new FreshCopy();
const programs = join(copy.directory, "programs");
const variablesFile = join(copy.directory, "variables");
let provider: Provider;
let variables: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  provider = await startProvider();
  mkdirSync(programs);
  // All settings that the guides make, at once, and the providers' addresses.
  const lines = documents.flatMap((document) =>
    blocksOf(document).flatMap(({ text }) => text.match(settingLine) ?? []),
  );
  await copy.sh(["npm run --silent secrets", ...new Set(lines)].join("\n"));
  appendFileSync(
    join(copy.directory, ".dev.vars"),
    `OPENAI_UPSTREAM=${provider.url}/v1\nANTHROPIC_UPSTREAM=${provider.url}\nANTHROPIC_API_KEY=sk-ant\n`,
  );
  const printed = await copy.start(`npm start -- --port ${await freePort()} --data pools`, (said) =>
    said.includes("/reservations"),
  );
  const [, url, key] = /BURSAR_URL=(\S+) BURSAR_KEY=(\S+)/.exec(printed) ?? [];
  variables = {
    BURSAR_URL: url,
    BURSAR_KEY: key,
    // What a reader's programs have of their own.
    OPENAI_API_KEY: "sk-of-the-caller",
    OPENAI_BASE_URL: `${provider.url}/v1`,
    ANTHROPIC_API_KEY: "sk-ant-of-the-caller",
    ANTHROPIC_BASE_URL: provider.url,
  };
}, 120_000);

afterAll(async () => {
  await copy.remove();
  provider.stop();
});

/** What a block prints. What it exports is there for those after it. */
async function run({ language, text, at }: Block): Promise<string> {
  if (language === "ts") {
    const file = programOf(at);
    writeFileSync(file, text);
    return copy.run(process.execPath, [file], variables);
  }
  // A status that is not a success fails the script. npx takes a second to find the command (first-minute.test.ts).
  const shell = `
    curl() { command curl -sS --fail-with-body "$@" && echo; }
    npx() { if [ "$1" = bursar ]; then shift; "${process.execPath}" dist/cli/bursar.js "$@"; else command npx "$@"; fi; }`;
  const printed = await copy.sh(`${shell}\n${text}\nenv -0 > ${variablesFile}`, variables);
  const exported = readFileSync(variablesFile, "utf8").split("\0").filter(Boolean);
  variables = Object.fromEntries(
    exported.map((one) => [one.slice(0, one.indexOf("=")), one.slice(one.indexOf("=") + 1)]),
  );
  return printed;
}

/** What starts the governor, or sets what it reads. */
const isRunElsewhere = (text: string): boolean => startLine.test(text) || text.match(settingLine) !== null;

const programOf = (at: string): string => join(programs, `${at.replaceAll(/\W+/g, "-")}.ts`);

describe("the demo", () => {
  it.each(["tokens", "microusd"])("ends well, counting %s", (unit) => {
    const printed = execFileSync("npm", ["run", "--silent", "demo", "--", "--json", "--unit", unit], {
      cwd: root,
      encoding: "utf8",
      timeout: 30_000,
    });
    const events = printed
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    const kinds = new Set(events.map(({ event }) => event));
    expect(kinds).toEqual(new Set(["asks", "holds", "refused", "report", "title", "used", "verdict"]));
    expect(events.some((one) => one.event === "holds" && one.transfers.length > 0)).toBe(true);
    expect(events.some((one) => one.event === "used" && one.gate_closed)).toBe(true);
    expect(events.filter((one) => one.event === "refused").map((one) => one.code)).toEqual([
      "confidence_reached",
      "budget_exceeded",
    ]);
    expect(events.at(-1)).toMatchObject({ event: "verdict", audit: { ok: true } });
  });
});

describe("the documents", () => {
  it("exist, and have nothing run that would change more than a copy of the project", () => {
    expect(documents.length).toBeGreaterThan(1);
    const wrong = documents
      .flatMap(blocksOf)
      .filter(({ language, text }) => language === "sh" && !isRunElsewhere(text) && notHere.test(text));
    expect(wrong).toEqual([]);
  });

  it.each(documents)("%s works, block by block, and prints what it says", async (document) => {
    const blocks = blocksOf(document);
    for (const [index, block] of blocks.entries()) {
      if (!/^(sh|ts)$/.test(block.language) || isRunElsewhere(block.text)) continue;
      if (notHere.test(block.text)) throw new Error(`${block.at} is not to be run: make it a console block`);
      const printed = await run(block).catch((error: unknown) => {
        throw new Error(`${block.at} fails`, { cause: error });
      });
      const promised = promisedBy(block.text);
      if (promised !== "") expect([block.at, squeeze(printed)]).toEqual([block.at, squeeze(promised)]);
      const next = blocks[index + 1];
      if (next?.language === "text") expect([next.at, squeeze(printed)]).toEqual([next.at, squeeze(next.text)]);
      if (next?.language === "json")
        expect(JSON.parse(lastLine(printed)), next.at).toMatchObject(JSON.parse(next.text));
    }
  });

  it("have programs that type-check as strictly as a reader may", async () => {
    const options = "--noEmit --strict --module nodenext --target es2024 --lib esnext,dom --types node --skipLibCheck";
    const all = documents.flatMap((document) => blocksOf(document).filter(({ language }) => language === "ts"));
    for (const { at, text } of all) writeFileSync(programOf(at), text);
    const printed = await copy
      .sh(`node_modules/.bin/tsc --ignoreConfig ${options} ${all.map(({ at }) => programOf(at)).join(" ")}`)
      .catch((error: { stdout?: string }) => error.stdout);
    expect(printed).toBe("");
  });
});

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}
