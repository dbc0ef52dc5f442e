/**
 * The first minute as its documents tell it, in a fresh copy of the project: the commands are read out of README.md and
 * docs/reference/gateway.md and run as they stand there, once with `npm start` and once with plain `wrangler dev`. Only the ports
 * and the provider are the test's.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { appendFileSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/port.ts";
import { type Provider, startProvider, used } from "../support/provider.ts";
import { files, read, root } from "../support/tree.ts";

const clone = mkdtempSync(join(tmpdir(), "bursar-first-minute-"));
const home = join(clone, "home");
let provider: Provider;
const children: ChildProcess[] = [];

beforeAll(async () => {
  provider = await startProvider();
  for (const path of files) {
    mkdirSync(dirname(join(clone, path)), { recursive: true });
    cpSync(join(root, path), join(clone, path));
  }
  // What `npm ci` leaves behind.
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"));
  cpSync(join(root, "dist"), join(clone, "dist"), { recursive: true });
  mkdirSync(home);
});

afterAll(async () => {
  await Promise.all(children.map(ended));
  provider.stop();
  rmSync(clone, { recursive: true, force: true });
});

/** The lines of the `number`th shell block behind `heading`. */
function commands(document: string, heading: string, number: number): string[] {
  const section = read(document).split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  const blocks = [...section.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text.trim().split("\n"));
  const lines = blocks[number];
  if (lines === undefined) throw new Error(`${document} has no block ${number} under ${heading}`);
  return lines;
}

const environment = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env["PATH"],
  HOME: home,
  WRANGLER_SEND_METRICS: "false",
  ...more,
});

/** What it prints. Not synchronous: the provider answers from this process. */
async function sh(script: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
  const options = { cwd: clone, env: environment(more), timeout: 60_000 };
  return (await promisify(execFile)("sh", ["-ec", script], options)).stdout;
}

/** Starts what goes on running; resolves with what it has printed once `isUp` says so. */
async function running(script: string, isUp: (printed: string) => boolean | Promise<boolean>): Promise<string> {
  const child = spawn("sh", ["-c", script], { cwd: clone, env: environment(), detached: true });
  children.push(child);
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (printed += String(chunk)));
  for (const until = Date.now() + 60_000; !(await isUp(printed)); ) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`${script} did not start:\n${printed}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return printed;
}

/** Ends it with all that it started. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGTERM");
  await exit;
}

const isWell = async (url: string): Promise<boolean> =>
  (await fetch(`${url}/healthz`).catch(() => undefined))?.ok === true;

/** The agent's call as the document makes it, and what became of it. */
async function callAsDocumented(variables: NodeJS.ProcessEnv): Promise<void> {
  const [create = "", set = "", key = "", curl = "", show = ""] = commands("docs/reference/gateway.md", "Start", 1);
  const printed = await sh([create, set, key, `${curl} -sS`, show].join("\n"), variables);
  expect(printed).toContain('"object":"chat.completion"');
  expect(printed).toMatch(new RegExp(`writer +1 +20,000 +${used} `));
}

describe("the first minute", () => {
  const [keyLine = "", startLine = ""] = commands("docs/reference/gateway.md", "Start", 0);

  it("is as the documents say by wrangler dev, which tells what is missing until the secrets are made", async () => {
    const [both = ""] = commands("README.md", "Run it", 1);
    const [secrets = "", dev = ""] = both.split(" && ");
    const [init = ""] = commands("README.md", "Run it", 2);
    expect([secrets, dev, startLine]).toEqual(["npm run secrets", "npx wrangler dev", "npm start"]);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const start = `${dev} --port ${port} --inspector-port 0 --show-interactive-dev-session=false`;

    // Given no .dev.vars at all, it starts, and says what to do.
    expect(existsSync(join(clone, ".dev.vars"))).toBe(false);
    await running(start, async () => (await fetch(url).catch(() => undefined)) !== undefined);
    for (const path of ["/", "/healthz"]) {
      const answer = await fetch(url + path, { redirect: "manual" });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({
        code: "misconfigured",
        detail: expect.stringContaining("run `npm run secrets`"),
        errors: [{ field: "BURSAR_OPERATOR_TOKEN" }, { field: "BURSAR_KEY_SECRET" }],
      });
    }
    await Promise.all(children.splice(0).map(ended));

    // When the secrets are made and the provider's key is written down as the document says, …
    await sh(secrets);
    await sh(keyLine);
    appendFileSync(join(clone, ".dev.vars"), `OPENAI_UPSTREAM=${provider.url}/v1\n`);
    await running(start, () => isWell(url));

    // … then the front page leads to the dashboard, and the gateway asks the provider with that key.
    const front = await fetch(url);
    expect([front.status, new URL(front.url).pathname]).toEqual([200, "/dashboard/"]);
    const exported = (await sh(`${init}; echo "$BURSAR_URL $BURSAR_KEY"`, { BURSAR_URL: url })).trim().split(" ");
    await callAsDocumented({ BURSAR_URL: exported[0], BURSAR_KEY: exported[1] });
    const key = /^echo "OPENAI_API_KEY=(.+?)"/.exec(keyLine)?.[1];
    expect(provider.calls.at(-1)?.headers.authorization).toBe(`Bearer ${key}`);
    // Asked again, it makes another admin key rather than fail.
    expect(await sh(init, { BURSAR_URL: url })).toBe("");
    await Promise.all(children.splice(0).map(ended));
  }, 180_000);

  it("is as the documents say by npm start, with the same secrets and every other line of .dev.vars", async () => {
    const before = readFileSync(join(clone, ".dev.vars"), "utf8");
    // A setting that is neither a secret nor the gateway's.
    const receiver = "http://127.0.0.1:9";
    appendFileSync(join(clone, ".dev.vars"), `BURSAR_WEBHOOK_ORIGINS=${receiver}\n`);
    const port = await freePort();
    const printed = await running(`${startLine} -- --port ${port} --data pools`, (said) =>
      said.includes("/reservations"),
    );
    const url = `http://127.0.0.1:${port}`;
    expect(printed).toContain(`${url}/dashboard/`);
    expect(printed).toContain(`${url}/docs`);
    expect(printed).toContain("has a key for OpenAI\n");
    const [, BURSAR_URL = "", BURSAR_KEY = ""] = /BURSAR_URL=(\S+) BURSAR_KEY=(\S+)/.exec(printed) ?? [];
    expect(BURSAR_URL).toBe(url);
    await callAsDocumented({ BURSAR_URL, BURSAR_KEY });
    expect(readFileSync(join(clone, ".dev.vars"), "utf8").startsWith(before)).toBe(true);
    expect(await sh(`npx bursar webhooks add ${receiver}/hook`, { BURSAR_URL, BURSAR_KEY })).toMatch(/^whsec_/);
    await Promise.all(children.splice(0).map(ended));
  }, 180_000);
});
