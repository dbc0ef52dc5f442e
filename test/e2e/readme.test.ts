/** The README's examples are run as they stand there, against a governor that `npm start` has started. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { freePort } from "../support/port.ts";
import { read, root } from "../support/tree.ts";

const blocks = [...read("README.md").matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text ?? "",
}));
const codeBlocks = blocks.filter(({ language }) => language === "ts");
/** Inside the project, so that `import … from "bursar"` finds it. */
const scratch = join(root, ".bursar/readme");
const data = mkdtempSync(join(tmpdir(), "bursar-readme-"));
let governor: ChildProcess;
let environment: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  mkdirSync(scratch, { recursive: true });
  const port = await freePort();
  governor = spawn("npm", ["start", "--", "--port", String(port), "--data", data], { cwd: root, detached: true });
  const printed = await new Promise<string>((resolve, reject) => {
    let text = "";
    const add = (chunk: Buffer): void => {
      text += chunk.toString();
      if (text.includes("/reservations")) resolve(text);
    };
    governor.stdout?.on("data", add);
    governor.stderr?.on("data", add);
    governor.once("exit", () => reject(new Error(`npm start ended:\n${text}`)));
  });
  const [, url = "", key = ""] = /BURSAR_URL=(\S+) BURSAR_KEY=(\S+)/.exec(printed) ?? [];
  environment = { ...process.env, BURSAR_URL: url, BURSAR_KEY: key };
}, 90_000);

afterAll(async () => {
  const ended = new Promise((resolve) => governor.once("exit", resolve));
  // The whole group: npm, its shell, the script, and the governor.
  if (governor.pid !== undefined) process.kill(-governor.pid, "SIGTERM");
  await ended;
  rmSync(data, { recursive: true, force: true });
  rmSync(scratch, { recursive: true, force: true });
});

function run(number: number): string {
  const file = join(scratch, `block-${number}.ts`);
  writeFileSync(file, codeBlocks[number]?.text ?? "throw new Error('the block is gone')");
  return execFileSync(process.execPath, [file], { cwd: scratch, env: environment, encoding: "utf8" });
}

/** What a block's comments say that it prints. */
function promised(number: number): string {
  const text = codeBlocks[number]?.text ?? "";
  return [...text.matchAll(/console\.log\(.*?\);(?: \/\/ (.*)|\n((?:\/\/ .*\n)+))/g)]
    .map(([, beside, below = ""]) => beside ?? below.replaceAll(/^\/\/ /gm, ""))
    .join("\n");
}

const squeeze = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

describe("the gateway", () => {
  it("answers at its addresses in the dialects of the providers", async () => {
    const url = environment["BURSAR_URL"] ?? "";
    const asked = await fetch(`${url}/openai/v1/chat/completions`, { method: "POST", body: "{}" });
    expect([asked.status, await asked.json()]).toMatchObject([401, { error: { code: "invalid_api_key" } }]);
    const also = await fetch(`${url}/anthropic/v1/messages`, { method: "POST", body: "{}" });
    expect([also.status, await also.json()]).toMatchObject([401, { error: { type: "authentication_error" } }]);
  });
});

describe("the README", () => {
  it("shows curl commands that work", () => {
    const commands = blocks.find(({ language, text }) => language === "sh" && text.includes("curl"))?.text ?? "";
    const lines = commands.trim().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(5);
    const answers = lines.map((line) =>
      JSON.parse(execFileSync("sh", ["-c", `${line} -sS`], { env: environment, encoding: "utf8" })),
    );
    expect(answers.at(-1)).toMatchObject({
      pool: "demo",
      agents: { writer: { allocated: 1_000, consumed: 312, remaining: 688 } },
    });
  });

  it("shows commands of the operator's tool that work", () => {
    const commands =
      blocks.find(({ language, text }) => language === "sh" && text.startsWith("npx bursar"))?.text ?? "";
    const lines = commands.trim().split("\n");
    expect(lines.length).toBeGreaterThanOrEqual(5);
    for (const line of lines) execFileSync("sh", ["-c", line], { cwd: root, env: environment, encoding: "utf8" });
  });

  it.each(codeBlocks.map((_, number) => number))(
    "shows code that runs and prints what it says (example %i)",
    (number) => {
      expect(squeeze(run(number))).toBe(squeeze(promised(number)));
    },
  );

  it.each(["tokens", "microusd"])("starts with a demo that ends well, counting %s", (unit) => {
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
