/**
 * What else happens to a machine: its disk is full, it is down when a lease ends, and one day a new version of the
 * Worker is started on data that an old one wrote.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { randomOf } from "../../../test/support/random.ts";
import { startWorkerd, type Workerd } from "../../../test/support/workerd.ts";
import { ask } from "../../bench/lib/ask.ts";
import { startSwarm, wrongs } from "../lib/swarm.ts";
import { type Counts, findingsIn, type Part, total } from "./part.ts";

const root = new URL("../../..", import.meta.url).pathname;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const leases = 20;
/** Alarms are set on whole half minutes (docs/explanation/storage.md). */
const alarmGridMs = 30_000;
/** An alarm that was due while nobody was there runs soon after the start. */
const longestAlarmMs = 15_000;
const zero = [...wrongs, "leases that no alarm ended", "changed by the new version"];

export const faults: Part = {
  name: "faults",
  shows:
    "When the disk is full, nothing that was acknowledged is lost. Leases that end while the machine is down are ended " +
    "by the alarm afterwards. A new version resumes where the version before it was killed.",
  share: 2,
  slice: 30,
  goals: {},
  zero,
  run: async ({ seed, say }) => {
    const found: Counts[] = [];
    for (const fault of [fullDisk, lateAlarm, upgrade]) {
      say(fault.name);
      found.push(await fault(seed));
    }
    const counts = total(found);
    return { counts, findings: findingsIn(counts, zero, seed) };
  },
};

/** A disk of 16 MB that is filled to the last byte three times, while callers spend. Needs root, to mount it. */
async function fullDisk(seed: number): Promise<Counts> {
  if (process.getuid?.() !== 0 || process.platform !== "linux") return {};
  let folder = "";
  const prepare = (path: string): void => {
    folder = path;
    const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", path]);
    if (mounted.status !== 0) folder = "";
  };
  const workerd = await startWorkerd({ bursar: "PoolObject" }, { isQuiet: true, prepare });
  try {
    return folder === "" ? {} : await fill(workerd, folder, seed);
  } finally {
    workerd.process.kill("SIGKILL");
    if (folder !== "") spawnSync("umount", ["--lazy", folder]);
    await workerd.stop();
  }
}

async function fill(workerd: Workerd, folder: string, seed: number): Promise<Counts> {
  const url = workerd.urls.bursar;
  const swarm = await startSwarm(url, url, randomOf(seed));
  let isOver = false;
  const spending = swarm.spend(8, () => isOver);
  const filler = join(folder, "filler");
  let [fullDisks, atFull, felt] = [0, 0, 0];
  for (let round = 0; round < 3; round++) {
    await pause(400);
    spawnSync("dd", ["if=/dev/zero", `of=${filler}`, "bs=4k", "conv=notrunc"], { stdio: "ignore" });
    const [before, refused] = [swarm.acknowledged(), swarm.askedAgain()];
    await pause(600);
    atFull += swarm.acknowledged() - before;
    fullDisks++;
    if (swarm.askedAgain() > refused) felt++;
    truncateSync(filler, 0);
  }
  await pause(300);
  isOver = true;
  await spending;
  const books = await swarm.compare();
  await swarm.stop();
  return {
    ...books,
    "full disks": fullDisks,
    "full disks that stopped calls": felt,
    "acknowledged while the disk was full": atFull,
  };
}

/** Leases that end while nobody is there: after the restart nobody asks for the pool, and its alarm must end them. */
async function lateAlarm(): Promise<Counts> {
  let workerd = await startWorkerd({ bursar: "PoolObject" }, { isQuiet: true });
  try {
    const url = workerd.urls.bursar;
    await ask(url, "PUT", "/v1/pools/late", {});
    await ask(url, "PUT", "/v1/pools/late/agents/a", { priority: 1, max_tokens: 1_000_000 });
    const commands = Array.from({ length: leases }, (_, i) => ({
      op: "reserve",
      agent: "a",
      tokens: 10,
      id: `l${i}`,
      ttl_ms: 600,
    }));
    await ask(url, "POST", "/v1/pools/late/batch", { commands });
    const due = Math.ceil((Date.now() + 600) / alarmGridMs) * alarmGridMs;
    workerd.process.kill("SIGKILL");
    await pause(due + 500 - Date.now());
    workerd = await workerd.restart();
    const until = Date.now() + longestAlarmMs;
    const folder = join(workerd.directory, "data", "bursar");
    let ended = 0;
    while (ended < leases && Date.now() < until) {
      await pause(500);
      ended = expiredIn(folder);
    }
    return {
      "alarms due while the machine was down": 1,
      "leases that ended then": leases,
      "leases that no alarm ended": leases - ended,
    };
  } finally {
    await workerd.stop();
  }
}

/** Counts what expired, in the journals themselves: to ask the pool would end its leases. */
function expiredIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".sqlite"));
  let expired = 0;
  for (const name of files) {
    const database = new DatabaseSync(join(folder, name), { readOnly: true });
    const hasJournal = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'journal'").get() !== undefined;
    const rows = hasJournal ? database.prepare("SELECT events FROM journal").all() : [];
    for (const { events } of rows) expired += String(events).split('"type":"expired"').length - 1;
    database.close();
  }
  return expired;
}

/** The release before this version, killed under load; then this version on its data. Without a release there is none. */
async function upgrade(seed: number): Promise<Counts> {
  const checkout = checkOutRelease();
  if (checkout === undefined) return {};
  const { startWorkerd: startOld, key }: typeof import("../../../test/support/workerd.ts") = await import(
    checkout.starter
  );
  const old = await startOld({ bursar: "PoolObject" });
  let current: Workerd | undefined;
  try {
    const acknowledged = await spendUntilKilled(old, key, randomOf(seed));
    current = await startWorkerd(
      { bursar: "PoolObject" },
      { prepare: (folder) => cpSync(join(old.directory, "data", "bursar"), folder, { recursive: true }) },
    );
    return await compareWith(current.urls.bursar, acknowledged);
  } finally {
    await current?.stop();
    await old.stop();
    rmSync(checkout.folder, { recursive: true, force: true });
  }
}

function checkOutRelease(): { readonly folder: string; readonly starter: string } | undefined {
  const git = (...args: string[]) => spawnSync("git", args, { cwd: root, encoding: "utf8" });
  const [tag = ""] = git("tag", "--list", "v*", "--sort=-v:refname", "--merged").stdout.split("\n");
  if (tag === "") return undefined;
  const folder = mkdtempSync(join(tmpdir(), "bursar-old-"));
  const archive = join(folder, "old.tar");
  git("archive", "--output", archive, tag);
  spawnSync("tar", ["-xf", archive, "-C", folder]);
  const starter = join(folder, "test/support/workerd.ts");
  if (!existsSync(starter)) return undefined;
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  writeFileSync(archive, "");
  return { folder, starter };
}

type Spent = { readonly held: Set<string>; readonly committed: Map<string, number> };

/** Eight callers, until the kill; what was answered is kept. */
async function spendUntilKilled(old: Workerd, key: string, random: () => number): Promise<Spent> {
  const url = old.urls.bursar;
  const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
  const call = async (method: string, path: string, body: unknown): Promise<void> => {
    const response = await fetch(`${url}/v1/pools/old${path}`, { method, headers, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    await response.arrayBuffer();
  };
  await call("PUT", "", {});
  await call("PUT", "/agents/a", { priority: 1, max_tokens: 1_000_000_000 });
  const spent: Spent = { held: new Set(), committed: new Map() };
  let ids = 0;
  const loop = async (): Promise<void> => {
    for (;;) {
      const id = `o${ids++}`;
      await call("POST", "/reservations", { agent: "a", tokens: 100, id, ttl_ms: 3_600_000 });
      spent.held.add(id);
      if (random() < 0.2) continue;
      const used = Math.floor(random() * 100);
      spent.held.delete(id);
      await call("POST", `/reservations/${id}/commit`, { tokens: used });
      spent.committed.set(id, used);
    }
  };
  const loops = Array.from({ length: 8 }, () => loop().catch(() => undefined));
  await pause(1_000 + random() * 1_000);
  old.process.kill("SIGKILL");
  await Promise.all(loops);
  return spent;
}

async function compareWith(url: string, { held, committed }: Spent): Promise<Counts> {
  let changed = 0;
  for (const [ids, state] of [
    [[...held], "held"],
    [[...committed.keys()], "committed"],
  ] as const) {
    for (const id of ids) {
      const view = await ask(url, "GET", `/v1/pools/old/reservations/${id}`);
      if (view["state"] !== state || (state === "committed" && view["consumed"] !== committed.get(id))) changed++;
    }
  }
  for (const id of held) await ask(url, "POST", `/v1/pools/old/reservations/${id}/commit`, { tokens: 1 });
  const audit = await ask(url, "GET", "/v1/pools/old/audit");
  return {
    "upgrades under load": 1,
    "reservations carried over": held.size + committed.size,
    "changed by the new version": changed,
    "findings of the audit": Array.isArray(audit["findings"]) ? audit["findings"].length : 1,
  };
}
