/** What a proof says when it is over: for people, for machines, and as `docs/proof.md`. */
import { type Counts, type Part, total } from "../parts/part.ts";
import type { Entry } from "./ledger.ts";
import type { Chapter, Found, Run } from "./record.ts";

export type Summary = { readonly name: string; readonly shows: string; readonly counts: Counts };

export function summary(parts: readonly Part[], entries: readonly Entry[]): Summary[] {
  return parts.map((part) => ({ name: part.name, shows: part.shows, counts: sumsOf(part, entries) }));
}

/** What did not hold. */
export function verdict(parts: readonly Part[], entries: readonly Entry[]): string[] {
  const texts = entries.flatMap(({ part, findings }) => findings.map(({ text }) => `${part}: ${text}`));
  for (const part of parts) {
    const sums = sumsOf(part, entries);
    for (const name of part.zero) {
      if ((sums[name] ?? 0) !== 0) texts.push(`${part.name}: ${sums[name]} ${name}, of which there must be none`);
    }
  }
  return texts;
}

/** Minutes and seconds. */
export function progress(seconds: number): string {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")} min`;
}

/** `docs/proof.md`: what all runs of the record have shown, which they are, and what was found on the way. */
export function report(parts: readonly Part[], record: readonly Chapter[]): string {
  const lines = [
    "# Proof",
    "",
    "`npm run prove -- --write` writes this page from `docs/proof.json`, which it adds its runs to; don't edit it by hand.",
    "Each section is a part, and the head of its file in `evidence/prove/parts/` says what it does. The runs behind the",
    "figures are listed below. A run can be repeated by its seed, as far as the timing of the operating system can.",
    "",
  ];
  for (const part of parts) lines.push(...section(part, record));
  lines.push("## Runs", "", "| begun | minutes | seed | commit | parts | machine |", "|---|---|---|---|---|---|");
  lines.push(...record.flatMap((chapter) => chapter.runs).map(row));
  lines.push("", "## Findings on the way", "");
  const found = record.flatMap((chapter) => chapter.found);
  lines.push(...(found.length === 0 ? ["Nothing."] : found.map(foundLine)), "");
  return lines.join("\n");
}

/** A slice that found something is not among the sums. */
function foundLine({ at, part, commit, text }: Found): string {
  return `- ${minuteOf(at)}, ${part}, commit ${commit}: ${text}`;
}

function section(part: Part, record: readonly Chapter[]): string[] {
  const own = record.flatMap(({ sums }) => sums[part.name] ?? []);
  if (own.length === 0) return [`## ${part.name}`, "", `${part.shows} Not run.`, ""];
  const counts = own.map((sum) => sum.counts);
  const sums = total(counts, part);
  const seconds = own.reduce((sum, one) => sum + one.seconds, 0);
  const lines = [
    `## ${part.name}`,
    "",
    `${part.shows} \`npm run prove -- --parts ${part.name}\` has run for ${progress(seconds)} in all.`,
    "",
    "| | found | goal |",
    "|---|---|---|",
  ];
  for (const name of new Set([...Object.keys(sums), ...Object.keys(part.goals), ...part.zero])) {
    const goal = part.goals[name]?.toLocaleString("en-US");
    const asked = part.zero.includes(name) ? "0" : goal === undefined ? "" : `≥ ${goal}`;
    lines.push(`| ${name} | ${sums[name]?.toLocaleString("en-US") ?? "not run"} | ${asked} |`);
  }
  lines.push("");
  return lines;
}

function sumsOf(part: Part, entries: readonly Entry[]): Record<string, number> {
  const own = entries.filter((entry) => entry.part === part.name);
  return total(
    own.map(({ counts }) => counts),
    part,
  );
}

function row({ begun, minutes, seed, commits, parts, machine }: Run): string {
  return `| ${minuteOf(begun)} | ${minutes.toFixed(1)} | ${seed} | ${commits.join(", ")} | ${parts.join(", ")} | ${machine} |`;
}

function minuteOf(at: string): string {
  return `${at.slice(0, 16).replace("T", " ")} UTC`;
}
