/**
 * The folder of a governor's pools. Two governors on one folder would each hold half of every pool's truth in memory,
 * so the second is refused.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

type Keeper = { readonly pid: number; readonly url: string };

/** A governor that starts answers within this time. After it, a process that doesn't is another that got its number. */
const startsWithinMs = 60_000;

export type DataFolder = {
  /** Says which process keeps it, so that one that outlives its starter is found. */
  keptBy(pid: number): void;
  leave(): void;
};

/** Makes `folder` and takes it for the governor at `url`. Throws if it can't be written, or another governor has it. */
export async function takeDataFolder(folder: string, url: string): Promise<DataFolder> {
  const lock = join(folder, "governor");
  try {
    // Not recursive: where a parent can't be made, such as in /proc, Node would try for ever.
    if (!existsSync(folder)) mkdirSync(folder);
    const other = await keeperOf(lock);
    if (other !== undefined)
      throw new Error(
        `Another governor (process ${other.pid}, ${other.url}) keeps its pools in ${folder}. Use that one, end it, or give ` +
          "another folder: --data DIR",
      );
    // Of two that start at once, the file system lets one through.
    writeFileSync(lock, JSON.stringify({ pid: process.pid, url } satisfies Keeper), { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error)) throw error;
    throw new Error(`${folder} can't be the folder of the pools: ${error.message}`, { cause: error });
  }
  return {
    keptBy: (pid) => writeFileSync(lock, JSON.stringify({ pid, url } satisfies Keeper)),
    leave: () => rmSync(lock, { force: true }),
  };
}

/** The process that keeps the folder; a lock whose process has ended is removed. */
async function keeperOf(lock: string): Promise<Keeper | undefined> {
  const since = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  if (since === undefined) return undefined;
  try {
    const keeper: Keeper = JSON.parse(readFileSync(lock, "utf8"));
    process.kill(keeper.pid, 0);
    if (Date.now() - since < startsWithinMs || (await answers(keeper.url))) return keeper;
  } catch {
    // Cut off while it was written, or its process has ended.
  }
  rmSync(lock, { force: true });
  return undefined;
}

/** Whether a governor answers at `url` within a second. */
export async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1_000) })).ok;
  } catch {
    return false;
  }
}
