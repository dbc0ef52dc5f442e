/**
 * `npm run prove`: shows what the README promises, for as long as one has time. Parts take turns, a slice at a time;
 * each slice is written down when it is done, so that a proof that was interrupted goes on where it was.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fail, readOptions } from "../../scripts/options.ts";
import { seedOf } from "../../test/support/random.ts";
import { costPage } from "./lib/cost.ts";
import { commit, type Entry, machine, readLedger, write } from "./lib/ledger.ts";
import { readRecord, recorded } from "./lib/record.ts";
import { progress, report, summary, verdict } from "./lib/report.ts";
import type { Part } from "./parts/part.ts";
import { parts } from "./parts/parts.ts";

const usage = `Proves Bursar's promises, for as long as you like. Interrupted, it goes on where it was.

  --minutes N   how long in all (default 10)
  --parts A,B   only these: ${parts.map(({ name }) => name).join(", ")}
                (default: all but ${
                  parts
                    .filter(({ share }) => share === 0)
                    .map(({ name }) => name)
                    .join(", ") || "none"
                }, which ${parts.filter(({ share }) => share === 0).length === 1 ? "runs" : "run"} when named)
  --seed S      what all random choices come from (default: the moment; printed)
  --fresh       begin a new run, even if the last was interrupted
  --write       add what was proven on this machine to docs/proof.json, and write docs/proof.md
                and docs/cost.md
  --json        for machines
  --help        this text`;
const values = readOptions(usage, {
  minutes: { type: "string", default: "10" },
  parts: { type: "string", default: "" },
  seed: { type: "string", default: "" },
  fresh: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
});
const minutes = Number(values.minutes);
if (!(minutes >= 0)) fail(`--minutes ${values.minutes} is not a number, zero or above.`, usage);
if (!Number.isSafeInteger(Number(values.seed))) fail(`--seed ${values.seed} is not a whole number.`, usage);
const chosen = choose(values.parts);

const past = readLedger();
const run = runToGoOnWith() ?? { run: Date.now(), seed: Number(values.seed || Date.now() % 1_000_000_000), minutes };
const done = past.filter((entry) => entry.run === run.run);
console.error(
  `seed ${run.seed}${done.length > 0 ? `, going on after ${progress(secondsOf(done))} of ${progress(minutes * 60)}` : ""}`,
);
let hasFailed = false;
for (let next = nextPart(); next !== undefined && !hasFailed; next = nextPart()) await prove(next);

if (values.write) {
  const docs = new URL("../../docs/", import.meta.url).pathname;
  const ledger = readLedger();
  const record = recorded(readRecord(join(docs, "proof.json")), ledger, parts);
  writeFileSync(join(docs, "proof.json"), `${JSON.stringify(record, null, 1)}\n`);
  writeFileSync(join(docs, "proof.md"), report(parts, record));
  const costs = costPage(ledger);
  if (costs !== undefined) writeFileSync(join(docs, "cost.md"), costs);
}
const found = verdict(chosen, done);
if (values.json)
  console.log(JSON.stringify({ ...run, commit: commit(), machine, parts: summary(chosen, done), found }));
else {
  console.log(`${progress(secondsOf(done))} at ${commit()}, seed ${run.seed}, ${machine}`);
  for (const { name, shows, counts } of summary(chosen, done)) {
    console.log(`\n${name}: ${shows}`);
    for (const [count, value] of Object.entries(counts)) {
      console.log(`  ${value.toLocaleString("en-US").padStart(15)}  ${count}`);
    }
  }
  for (const text of found) console.log(`\nFOUND: ${text}`);
  console.log(found.length === 0 ? "\nEverything held." : `\n${found.length} promises did not hold.`);
}
process.exit(found.length === 0 ? 0 : 1);

function choose(names: string): Part[] {
  if (names === "") return parts.filter(({ share }) => share > 0);
  return names.split(",").map((name) => {
    const part = parts.find((one) => one.name === name);
    return part ?? fail(`--parts ${name}: there is no such part.`, usage);
  });
}

/** The newest run that is as long as asked for now, of these parts, has found nothing, and isn't over. */
function runToGoOnWith(): Pick<Entry, "run" | "seed" | "minutes"> | undefined {
  if (values.fresh) return undefined;
  const runs = [...Map.groupBy(past, (entry) => entry.run).values()].toReversed();
  const found = runs.find((entries) => {
    const [first] = entries;
    if (first === undefined || first.minutes !== minutes || secondsOf(entries) >= minutes * 60) return false;
    if (values.seed !== "" && first.seed !== Number(values.seed)) return false;
    return entries.every(({ part, findings }) => findings.length === 0 && chosen.some(({ name }) => name === part));
  });
  const [first] = found ?? [];
  return first === undefined ? undefined : { run: first.run, seed: first.seed, minutes };
}

/** The part that is furthest behind its share of the time; undefined when the time is over. */
function nextPart(): Part | undefined {
  const left = minutes * 60 - secondsOf(done);
  if (left <= 0) return undefined;
  const behind = (part: Part): number =>
    secondsOf(done.filter((entry) => entry.part === part.name)) / (part.share || 1);
  return chosen.toSorted((a, b) => behind(a) - behind(b))[0];
}

async function prove(part: Part): Promise<void> {
  const index = parts.indexOf(part);
  const slices = done.filter((entry) => entry.part === part.name).length;
  const before = past.filter((entry) => entry.part === part.name && entry.run !== run.run);
  const turn = before.filter(({ findings }) => findings.length === 0).length + slices;
  const left = minutes * 60 - secondsOf(done);
  const seconds = Math.max(2, Math.min(part.slice, left));
  const say = (text: string): void => console.error(`… ${progress(left)} left  ${part.name}: ${text}`);
  const began = performance.now();
  const seed = seedOf(run.seed, index, slices);
  const { counts, findings } = await part.run({ seconds, seed, turn, say }).catch((error: unknown) => {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { counts: {}, findings: [{ text: `slice of seed ${seed}: ${text}` }] };
  });
  const took = Math.round(performance.now() - began) / 1_000;
  const at = new Date().toISOString();
  const entry = { ...run, part: part.name, at, seconds: took, commit: commit(), machine, counts, findings };
  write(entry);
  done.push(entry);
  hasFailed = findings.length > 0;
  const sums = summary([part], done)[0]?.counts ?? {};
  say(
    Object.entries(sums)
      .map(([name, value]) => `${value.toLocaleString("en-US")} ${name}`)
      .join(", "),
  );
}

function secondsOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { seconds }) => sum + seconds, 0);
}
