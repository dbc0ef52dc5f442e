/** `npm start` as its users meet it when something is in the way. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, vi } from "vitest";
import { freePort } from "../support/port.ts";
import { root } from "../support/tree.ts";

const directory = mkdtempSync(join(tmpdir(), "bursar-start-"));
const children: ChildProcess[] = [];

afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(directory, { recursive: true, force: true });
});

type Ended = { readonly code: unknown; readonly said: string };

/** Runs it until it ends, which here it does because it can't start. */
function start(...args: string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [join(root, "scripts/start.ts"), ...args], { timeout: 60_000 }, (error, _, said) =>
      resolve({ code: error?.code ?? 0, said }),
    );
  });
}

function answers(url: string): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

describe("npm start", () => {
  it("refuses a folder that another governor keeps, and ends when whoever started it is killed", async () => {
    const data = join(directory, "data");
    const [port, other] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    // Between npm and the script is a shell; this one says which it is and waits, as npm's does.
    const command = `"${process.execPath}" "${join(root, "scripts/start.ts")}" --port ${port} --data "${data}"; true`;
    const shell = spawn("sh", ["-c", command], { stdio: "ignore" });
    children.push(shell);
    await vi.waitUntil(() => existsSync(join(data, "admin-key")), { timeout: 60_000 });

    const second = await start("--port", String(other), "--data", data);
    expect(second.code).toBe(1);
    expect(second.said).toMatch(/^Another governor \(process \d+, http:\/\/127\.0\.0\.1:\d+\) keeps its pools in /);
    expect(second.said).toContain("--data DIR");
    expect(await answers(url)).toBe(true);

    shell.kill("SIGKILL");
    await vi.waitUntil(() => !existsSync(join(data, "governor")), { timeout: 20_000 });
    await vi.waitUntil(async () => !(await answers(url)), { timeout: 20_000 });
  }, 120_000);

  it.each([
    ["a folder that can't be made", ["--data", "{file}/pools"], "can't be the folder of the pools: ENOTDIR"],
    ["a port that is none", ["--port", "99999"], "--port 99999 is not a port.\n\nnpm start -- [options]"],
    ["an option that it doesn't have", ["--bogus"], "Unknown option '--bogus'"],
  ])("says at once what is wrong with %s", async (_, args, expected) => {
    const file = join(directory, "file");
    writeFileSync(file, "");
    const port = ["--port", String(await freePort())];
    const given = args.map((arg) => arg.replace("{file}", file));
    const { code, said } = await start(...(args.includes("--port") ? given : [...port, ...given]));
    expect(code).toBe(1);
    expect(said).toContain(expected);
    expect(said).not.toContain("    at ");
  });
});
