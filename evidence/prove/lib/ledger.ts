/**
 * What has been proven on this machine, a line for each slice of work in `.prove/ledger.ndjson`: a proof that is
 * interrupted goes on where it was, and a report can cite the runs that it rests on.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, mkdirSync, readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import { join } from "node:path";
import type { Counts, Finding } from "../parts/part.ts";

export type Entry = {
  /** The run that the slice belongs to: the moment it was begun at. */
  readonly run: number;
  readonly minutes: number;
  readonly part: string;
  readonly at: string;
  readonly seconds: number;
  /** The run's seed, which all seeds in it come from. */
  readonly seed: number;
  /** The commit, with a + where files differed from it. */
  readonly commit: string;
  readonly machine: string;
  readonly counts: Counts;
  readonly findings: readonly Finding[];
};

/** Where proofs are kept. */
const directory = new URL("../../../.prove/", import.meta.url).pathname;
const file = join(directory, "ledger.ndjson");

export function readLedger(): Entry[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  // The last line may be cut, where the machine went away as it was written.
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

export function write(entry: Entry): void {
  mkdirSync(directory, { recursive: true });
  // A line that was cut off must not take the next one along.
  const isCut = existsSync(file) && !/(^|\n)$/.test(readFileSync(file, "utf8").slice(-1));
  appendFileSync(file, `${isCut ? "\n" : ""}${JSON.stringify(entry)}\n`);
}

export const machine =
  `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, ` +
  `${Math.round(totalmem() / 2 ** 30)} GB, Node ${process.version}`;

/** The commit that is checked out; "unknown" where there is no history. */
export function commit(): string {
  const git = (...args: string[]) =>
    spawnSync("git", args, { encoding: "utf8", cwd: directory.replace(".prove/", "") });
  const head = git("rev-parse", "--short=9", "HEAD");
  if (head.status !== 0) return "unknown";
  return head.stdout.trim() + (git("status", "--porcelain", "src", "test", "evidence").stdout === "" ? "" : "+");
}
