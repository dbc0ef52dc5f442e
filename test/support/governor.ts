/** A governor as `npm start` starts it: `scripts/start.ts`, with a folder, settings and secrets of its own. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { freePort } from "./port.ts";
import { root } from "./tree.ts";

export type Governor = {
  /** Where it answers, such as `http://127.0.0.1:8787`. */
  readonly url: string;
  readonly operatorToken: string;
  /** Resolves when it has ended. Its data stays. */
  stop(): Promise<void>;
};

/** What of its words is kept for the case that it does not start. */
const lastWords = 2_000;

/**
 * Keeps its pools in `directory`/data and its settings in `directory`/settings, so that one that is started there again
 * has both. `settings` are those of the first start. Resolves when it answers; rejects with its last words if it ends
 * before.
 */
export async function startGovernor(
  directory: string,
  { port, settings = {} }: { readonly port?: number; readonly settings?: Readonly<Record<string, string>> } = {},
): Promise<Governor> {
  const file = join(directory, "settings");
  if (!existsSync(file)) {
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(file, lines.join(""));
  }
  const at = port ?? (await freePort());
  const child = spawn(
    process.execPath,
    [join(root, "scripts/start.ts"), "--port", String(at), "--data", join(directory, "data"), "--settings", file],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
  );
  const end = (): void => void child.kill("SIGTERM");
  process.once("exit", end);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      process.off("exit", end);
      resolve();
    });
  });
  let said = "";
  const started = new Promise<void>((resolve, reject) => {
    const keep = (chunk: Buffer): void => {
      said = (said + chunk.toString()).slice(-lastWords);
      if (said.includes("Bursar runs on")) resolve();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    void ended.then(() => reject(new Error(`the governor did not start:\n${said}`)));
  });
  await started;
  return {
    url: `http://127.0.0.1:${at}`,
    operatorToken: parseEnv(readFileSync(file, "utf8"))["BURSAR_OPERATOR_TOKEN"] ?? "",
    stop: () => {
      end();
      return ended;
    },
  };
}
