/** What a proof says when it is over: for people, for machines, and as `docs/proof.md`. */
import { type Counts, type Part, total } from "../parts/part.ts";
import type { Entry } from "./ledger.ts";

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

/**
 * `docs/proof.md`: what all slices on this machine have shown, which runs they belong to, and what was found on the
 * way. A slice that found something is not among the sums; it is listed, with what it found.
 */
export function report(parts: readonly Part[], ledger: readonly Entry[]): string {
  const good = ledger.filter(({ findings }) => findings.length === 0);
  const lines = [
    "# Proof",
    "",
    "Written by `npm run prove -- --write`; not by hand. What each part does is at the head of its file in `prove/parts/`.",
    "The runs that the figures rest on are listed below; each is repeated by its seed, as far as the moments of the",
    "operating system can be.",
    "",
  ];
  for (const part of parts) lines.push(...section(part, good));
  lines.push("## Runs", "", "| begun | minutes | seed | commit | parts | machine |", "|---|---|---|---|---|---|");
  for (const entries of byRun(good)) lines.push(row(entries));
  lines.push("", "## Found on the way", "");
  const found = ledger.flatMap((entry) => entry.findings.map(({ text }) => foundLine(entry, text)));
  lines.push(...(found.length === 0 ? ["Nothing."] : found), "");
  return lines.join("\n");
}

/** The first line that says something, without paths of the machine. */
function foundLine({ at, part, commit }: Entry, text: string): string {
  const [first = ""] = text.split("\n");
  const said = /Error: .*/.exec(text)?.[0] ?? first;
  return `- ${at.slice(0, 16).replace("T", " ")} UTC, ${part}, commit ${commit}: ${said.replaceAll(/\/[\w./-]+/g, "…").slice(0, 200)}`;
}

function section(part: Part, entries: readonly Entry[]): string[] {
  const sums = sumsOf(part, entries);
  if (Object.keys(sums).length === 0) return [`## ${part.name}`, "", `${part.shows} Not run.`, ""];
  const seconds = entries.filter((entry) => entry.part === part.name).reduce((sum, entry) => sum + entry.seconds, 0);
  const lines = [
    `## ${part.name}`,
    "",
    `${part.shows} \`npm run prove -- --parts ${part.name}\`; ${progress(seconds)} of it in all.`,
    "",
    "| | | asked for |",
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
    part.greatest,
  );
}

function byRun(entries: readonly Entry[]): Entry[][] {
  return [...Map.groupBy(entries, ({ run }) => run).values()];
}

function row(entries: readonly Entry[]): string {
  const [first] = entries;
  if (first === undefined) return "";
  const minutes = entries.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
  const names = [...new Set(entries.map(({ part }) => part))].join(", ");
  const commits = [...new Set(entries.map(({ commit }) => commit))].join(", ");
  const begun = new Date(first.run).toISOString().slice(0, 16).replace("T", " ");
  return `| ${begun} UTC | ${minutes.toFixed(1)} | ${first.seed} | ${commits} | ${names} | ${first.machine} |`;
}
