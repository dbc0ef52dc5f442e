/** Every example is run as its reader would run it, against a governor as `npm start` starts one. */
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bursar } from "../../src/client/index.ts";
import { signKey } from "../../src/http/signature.ts";
import { type Governor, startGovernor } from "../support/governor.ts";
import { freePort } from "../support/port.ts";
import { answer, type Provider, startProvider, used } from "../support/provider.ts";

const root = join(import.meta.dirname, "../..");
const directory = mkdtempSync(join(tmpdir(), "bursar-examples-"));
let governor: Governor;
let provider: Provider;
let environment: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  provider = await startProvider();
  governor = await startGovernor(directory);
  const { key } = await new Bursar({ url: governor.url, key: governor.operatorToken }).tenants.create("examples");
  const provided = { OPENAI_API_KEY: "theirs", OPENAI_BASE_URL: `${provider.url}/v1` };
  environment = { ...process.env, ...provided, BURSAR_URL: governor.url, BURSAR_KEY: key.key };
}, 90_000);

afterAll(async () => {
  provider?.stop();
  await governor?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** The lines that an example prints; fails if it does. */
function run(program: string, ...args: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    execFile(program, args, { cwd: root, env: environment, timeout: 60_000 }, (error, out, err) => {
      if (error === null) resolve(out.trim().split("\n"));
      else reject(new Error(`${error.message}\n${out}${err}`));
    });
  });
}

const last = (lines: string[]): unknown => JSON.parse(lines.at(-1) ?? "");

describe("the examples", () => {
  it("curl: reserves, commits, and audits from a shell", async () => {
    const lines = await run("sh", "examples/curl/reserve-commit.sh");
    const answers = lines.map((line) => JSON.parse(line));
    expect(answers.find(({ transfers }) => transfers?.length > 0)).toMatchObject({
      granted: 5_000,
      transfers: [{ from: "critic", amount: 1_000 }],
    });
    expect(last(lines)).toMatchObject({ ok: true, findings: [] });
  });

  it("python: governs a function, and stops it once it is confident", async () => {
    const lines = await run("python3", "examples/python/quick_start.py");
    expect(lines[0]).toMatch(/^refused: The agent fact_checker reported a confidence of 0.9/);
    expect(last(lines)).toMatchObject({ researcher: { allocated: 4_000 }, fact_checker: { allocated: 3_000 } });
  });

  it("node: lends from the critic, then refuses", async () => {
    const lines = await run(process.execPath, "examples/node/quick-start.js");
    expect(lines[0]).toMatch(/^refused: The agent researcher needs 1 k tokens/);
    expect(last(lines)).toMatchObject({ researcher: { consumed: 2_820 }, critic: { consumed: 0 } });
  });

  it("ai-sdk: books an answer and a stream", async () => {
    const lines = await run(process.execPath, "examples/ai-sdk/governed-model.ts");
    expect(lines.slice(0, 2)).toEqual([answer, answer]);
    expect(last(lines)).toEqual({ writer: { allocated: 20_000, consumed: 2 * used, remaining: 20_000 - 2 * used } });
  });

  it("multi-agent: hands budget down, gets it back, and goes round until the critic is sure", async () => {
    const lines = await run(process.execPath, "examples/multi-agent/graph.ts");
    expect(lines.slice(0, 4)).toEqual(["plan", "research", "write", "criticise"]);
    expect(lines.at(-2)).toMatch(/^11 calls, 4 rounds$/);
    expect(Object.keys(Object(last(lines)))).toEqual(["planner", "writer", "critic"]);
  });

  it("worker: reaches the governor by a service binding", async () => {
    const port = await freePort();
    const child = startBoth(port, await keyForLocal());
    try {
      const url = `http://127.0.0.1:${port}/?prompt=hello`;
      await expect.poll(async () => (await fetch(url).catch(() => undefined))?.status, { timeout: 60_000 }).toBe(200);
      const second = await (await fetch(url)).json();
      expect(second).toMatchObject({ text: "You said: hello", report: { visitor: { allocated: 1_000 } } });
    } finally {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
  });
});

/** An admin key for a governor with the secrets of this machine, which are made if there are none yet. */
function keyForLocal(): Promise<string> {
  const made = spawnSync(process.execPath, [join(root, "scripts/secrets.ts")], { encoding: "utf8" });
  expect([made.status, made.stderr]).toEqual([0, ""]);
  const { BURSAR_KEY_SECRET = "" } = parseEnv(readFileSync(join(root, ".dev.vars"), "utf8"));
  return signKey({ tenant: "bound", key_id: "bound", scope: "admin" }, { BURSAR_KEY_SECRET });
}

/** The example's Worker in front, the governor behind it. */
function startBoth(port: number, key: string): ChildProcess {
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const files = ["-c", "examples/worker/wrangler.toml", "-c", "wrangler.toml", "--var", `BURSAR_KEY:${key}`];
  const options = ["--port", String(port), "--ip", "127.0.0.1", "--inspector-port", "0", "--log-level", "error"];
  const kept = ["--persist-to", join(directory, "bound"), "--show-interactive-dev-session=false"];
  return spawn(process.execPath, [wrangler, "dev", ...files, ...options, ...kept], {
    cwd: root,
    stdio: "ignore",
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
}

describe("the demo that is watched", () => {
  it("keeps a team at work, says where to watch it with which key, and ends when it is told to", async () => {
    const demo = spawn(process.execPath, ["examples/demo/demo.ts", "--watch"], { cwd: root });
    const ended = new Promise<number | null>((resolve) => demo.once("exit", resolve));
    let said = "";
    demo.stdout.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    await expect.poll(() => said, { timeout: 60_000 }).toMatch(/bursar_\S+\n/);
    const [, url = "", key = ""] = /(http:\S+)\/dashboard\/[\s\S]*?(bursar_\S+)/.exec(said) ?? [];
    expect(url).not.toContain("bursar_");
    expect((await fetch(`${url}/dashboard/`)).headers.get("content-security-policy")).toContain("default-src 'none'");
    const pool = new Bursar({ url, key, transport: "fetch" }).pool("newsroom");
    const transfers = async () =>
      (await pool.journal()).events.filter((event) => event.type === "committed" || event.type === "reserved").length;
    await expect.poll(transfers, { timeout: 30_000 }).toBeGreaterThan(10);
    demo.kill("SIGINT");
    expect(await ended).toBe(0);
    await expect(fetch(url)).rejects.toThrow();
  });
});
