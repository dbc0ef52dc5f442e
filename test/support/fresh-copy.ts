/** A fresh copy of the project, as `git clone` and `npm ci` leave it, and processes that run in it. */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { files, root } from "./tree.ts";

export class FreshCopy {
  readonly directory = mkdtempSync(join(tmpdir(), "bursar-fresh-copy-"));
  readonly #home = join(this.directory, "home");
  readonly #children: ChildProcess[] = [];

  constructor() {
    for (const path of files) {
      mkdirSync(dirname(join(this.directory, path)), { recursive: true });
      cpSync(join(root, path), join(this.directory, path));
    }
    // What `npm ci` leaves behind. Don't run it here: it would empty the folder that the link leads to.
    symlinkSync(join(root, "node_modules"), join(this.directory, "node_modules"));
    // Before what is built of it, or it would be built again.
    for (const built of ["src/providers/vocabulary.ts", "src/providers/vocabulary-start.ts"]) {
      cpSync(join(root, built), join(this.directory, built));
    }
    cpSync(join(root, "dist"), join(this.directory, "dist"), { recursive: true });
    mkdirSync(this.#home);
  }

  #environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return { PATH: process.env["PATH"], HOME: this.#home, WRANGLER_SEND_METRICS: "false", ...more };
  }

  /** What a shell script prints; rejects when a command of it fails. Not synchronous: the provider is in this process. */
  async sh(script: string, more: NodeJS.ProcessEnv = {}): Promise<string> {
    return this.run("sh", ["-ec", script], more);
  }

  async run(program: string, args: readonly string[], more: NodeJS.ProcessEnv = {}): Promise<string> {
    const options = { cwd: this.directory, env: this.#environment(more), timeout: 60_000 };
    return (await promisify(execFile)(program, args, options)).stdout;
  }

  /** Starts what does not end by itself; resolves with what it has printed once `isUp` says so. */
  async start(script: string, isUp: (printed: string) => boolean | Promise<boolean>): Promise<string> {
    const child = spawn("sh", ["-c", script], { cwd: this.directory, env: this.#environment({}), detached: true });
    this.#children.push(child);
    let printed = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (printed += String(chunk)));
    for (const until = Date.now() + 60_000; !(await isUp(printed));) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`${script} did not start:\n${printed}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return printed;
  }

  /** Ends what was started, with all that it started in turn. */
  async stop(): Promise<void> {
    await Promise.all(this.#children.splice(0).map(ended));
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const exit = new Promise((resolve) => child.once("exit", resolve));
  process.kill(-child.pid, "SIGTERM");
  await exit;
}
