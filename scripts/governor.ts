/** Starts a governor on this machine, by `wrangler dev`, as a child that ends with its starter. */
import { type ChildProcess, spawn } from "node:child_process";
import { createServer } from "node:net";
import { join } from "node:path";
import { answers, takeDataFolder } from "./data-folder.ts";

const root = join(import.meta.dirname, "..");
const startsWithinMs = 60_000;

export type Governor = {
  /** Where it answers, such as `http://localhost:8787`. */
  readonly url: string;
  readonly child: ChildProcess;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
};

export type GovernorOptions = {
  readonly port: number;
  /** Folder that keeps its pools. */
  readonly data: string;
  /** File with its secrets, a `NAME=value` per line. */
  readonly secrets: string;
};

/** What of its words is kept for the case that it does not start. */
const lastWords = 2_000;

/** Resolves when the governor answers; throws with its last words if it never does. */
export async function startGovernor({ port, data, secrets }: GovernorOptions): Promise<Governor> {
  const url = `http://127.0.0.1:${port}`;
  const folder = await takeDataFolder(data, url);
  const args = [
    "--port",
    port,
    "--ip",
    "127.0.0.1",
    "--persist-to",
    data,
    "--env-file",
    secrets,
    "--inspector-port",
    0,
  ];
  const child = spawn(
    process.execPath,
    [
      join(root, "node_modules/wrangler/bin/wrangler.js"),
      "dev",
      ...args.map(String),
      "--show-interactive-dev-session=false",
      "--log-level=warn",
    ],
    { cwd: root, stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
  );
  if (child.pid !== undefined) folder.keptBy(child.pid);
  let said = "";
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-lastWords);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => {
      folder.leave();
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    child.kill("SIGTERM");
    await ended;
  };
  process.once("exit", () => child.kill("SIGTERM"));

  const until = Date.now() + startsWithinMs;
  while (!(await answers(url))) {
    if (child.exitCode !== null || Date.now() > until) {
      await stop();
      throw new Error(`the governor did not start:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return { url, child, ended, stop };
}

/** A free port. */
export function freePort(): Promise<number> {
  return portOr(0);
}

/** Whether `port` can be listened on. */
export async function isFree(port: number): Promise<boolean> {
  try {
    await portOr(port);
    return true;
  } catch {
    return false;
  }
}

function portOr(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(wanted, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : wanted));
    });
  });
}
