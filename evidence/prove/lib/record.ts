/**
 * What has been proven on any machine: `docs/proof.json`, which `--write` adds this machine's ledger to. A ledger goes
 * away with its machine; what it has shown must not.
 */
import { existsSync, readFileSync } from "node:fs";
import { type Counts, type Part, total } from "../parts/part.ts";
import type { Entry } from "./ledger.ts";

/** Runs, and what they have shown together. Each run is a chapter of its own, where its own sums are known. */
export type Chapter = {
  readonly runs: readonly Run[];
  /** By the part's name. */
  readonly sums: Readonly<Record<string, Sum>>;
  readonly found: readonly Found[];
};

export type Run = {
  /** ISO 8601, UTC. */
  readonly begun: string;
  readonly minutes: number;
  readonly seed: number;
  readonly commits: readonly string[];
  readonly parts: readonly string[];
  readonly machine: string;
};

export type Sum = { readonly seconds: number; readonly counts: Counts };

/** What a slice found, which is among no sums. */
export type Found = { readonly at: string; readonly part: string; readonly commit: string; readonly text: string };

export function readRecord(file: string): readonly Chapter[] {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : [];
}

/**
 * The record with the runs of a ledger, the oldest first. A run that it has already is the ledger's afterwards, which
 * may be longer.
 */
export function recorded(record: readonly Chapter[], ledger: readonly Entry[], parts: readonly Part[]): Chapter[] {
  const chapters = [...Map.groupBy(ledger, ({ run }) => run)].map(([run, entries]) => chapterOf(run, entries, parts));
  const begun = new Set(chapters.map(begunAt));
  return [...record.filter((chapter) => !begun.has(begunAt(chapter))), ...chapters].toSorted((a, b) =>
    begunAt(a).localeCompare(begunAt(b)),
  );
}

function begunAt({ runs }: Chapter): string {
  return runs[0]?.begun ?? "";
}

/** `run` is when it was begun, milliseconds since 1970. */
function chapterOf(run: number, entries: readonly Entry[], parts: readonly Part[]): Chapter {
  const good = entries.filter(({ findings }) => findings.length === 0);
  const sums: Record<string, Sum> = {};
  for (const part of parts) {
    const own = good.filter((entry) => entry.part === part.name);
    if (own.length === 0) continue;
    const counts = own.map((entry) => entry.counts);
    sums[part.name] = { seconds: secondsOf(own), counts: total(counts, part) };
  }
  const found = entries.flatMap(({ at, part, commit, findings }) =>
    findings.map(({ text }) => ({ at, part, commit, text: essence(text) })),
  );
  const one = {
    begun: new Date(run).toISOString(),
    minutes: Math.round(secondsOf(entries) / 6) / 10,
    seed: entries[0]?.seed ?? 0,
    commits: [...new Set(entries.map(({ commit }) => commit))],
    parts: [...new Set(entries.map(({ part }) => part))],
    machine: entries[0]?.machine ?? "unknown",
  };
  return { runs: [one], sums, found };
}

/** The first line that says something, without paths of the machine. */
function essence(text: string): string {
  const [first = ""] = text.split("\n");
  const said = /Error: .*/.exec(text)?.[0] ?? first;
  return said.replaceAll(/\/[\w./-]+/g, "…").slice(0, 200);
}

function secondsOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { seconds }) => sum + seconds, 0);
}
