/**
 * The counters that a provider reports, by the dialect's own names, before they are added up. A stream reports more
 * than once, and a later report may name only some of them. They are therefore merged counter by counter: an object
 * that replaced the earlier one whole would lose what only the first had, such as the split of cache writes.
 */
import { fieldOf, type Usage } from "./shape.ts";

export type Counter =
  /** Tokens of the prompt; whether cached ones are among them is the dialect's to know. */
  | "input"
  | "output"
  | "total"
  | "cacheRead"
  | "cacheWrite"
  | "cacheWrite1h"
  | "reasoning"
  /** Gemini's: candidates and thoughts are counted apart, and so is what tools put into the prompt. */
  | "toolPrompt";

export type Counts = { readonly [name in Counter]?: number };

/** Where each counter may stand in a report: the first path that holds a number counts. Levels are joined by dots. */
export type Paths = { readonly [name in Counter]?: readonly string[] };

/** Reads a report; undefined if it holds no counter. A missing counter is not a zero. */
export function countsIn(report: unknown, paths: Paths): Counts | undefined {
  if (typeof report !== "object" || report === null) return undefined;
  const counts: { [name in Counter]?: number } = {};
  let isEmpty = true;
  for (const name of Object.keys(paths) as Counter[]) {
    const value = paths[name]?.map((path) => counterAt(report, path)).find((one) => one !== undefined);
    if (value === undefined) continue;
    counts[name] = value;
    isEmpty = false;
  }
  return isEmpty ? undefined : counts;
}

/** What is known after one more report: a named counter replaces the one before, an unnamed one keeps its value. */
export function mergeCounts(before: Counts, now: Counts): Counts {
  const merged = { ...before, ...now };
  // Counts are cumulative. One that falls to zero is a relay's way of saying nothing.
  if (inputOf(now) === 0 && inputOf(before) > 0) {
    for (const name of inputs) if (before[name] !== undefined) merged[name] = before[name];
  }
  if (now.output === 0 && before.output !== undefined) merged.output = before.output;
  // The split of cache writes belongs to their total.
  if (now.cacheWrite1h === undefined && merged.cacheWrite !== before.cacheWrite) delete merged.cacheWrite1h;
  return merged;
}

const inputs = ["input", "cacheRead", "cacheWrite"] as const;

function inputOf(counts: Counts): number {
  return inputs.reduce((sum, name) => sum + (counts[name] ?? 0), 0);
}

/** Usage, and whether the report named what came out: one that did not says nothing of the answer's length. */
export type Reported = { readonly usage: Usage; readonly isComplete: boolean };

export type Reading = {
  /** Whether `input` is without what was read from the cache and written to it. */
  readonly isInputPlain?: boolean;
  /** For calls that write nothing: what a total has beyond its parts went in. */
  readonly isInputOnly?: boolean;
};

/**
 * Adds counters up. A total is believed where the parts come to less: some providers count reasoning beside the output,
 * and show it in the total alone.
 */
export function usageFrom(counts: Counts, { isInputPlain = false, isInputOnly = false }: Reading = {}): Reported {
  const { total, cacheRead = 0, cacheWrite = 0, cacheWrite1h = 0, reasoning = 0 } = counts;
  const cached = cacheRead + cacheWrite;
  const known = counts.input;
  // What is cached can't be more than the whole: then it was counted apart, unless the total says that it was not.
  const whole = (known ?? 0) + cached + (counts.output ?? 0);
  const isApart = known !== undefined && (isInputPlain || (cached > known && (total === undefined || total >= whole)));
  let input = known === undefined ? cached : isApart ? known + cached : known;
  let output = counts.output ?? 0;
  // Reasoning is part of the output; more reasoning than output was counted apart, unless the total says otherwise.
  if (reasoning > output) output += reasoning;
  const rest = Math.max(0, (total ?? 0) - input - output);
  const isOfInput = isInputOnly || (known === undefined && counts.output !== undefined);
  if (isOfInput) input += rest;
  else output += rest;
  const usage = { input, output, cacheRead, cacheWrite, reasoning: Math.min(reasoning, output) };
  return {
    usage: cacheWrite1h === 0 ? usage : { ...usage, cacheWrite1h: Math.min(cacheWrite1h, cacheWrite) },
    isComplete: isInputOnly || counts.output !== undefined || total !== undefined,
  };
}

function counterAt(report: object, path: string): number | undefined {
  let value: unknown = report;
  for (const name of path.split(".")) value = fieldOf(value, name);
  // Some servers write their counts as strings.
  const count = typeof value === "string" && /^\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof count === "number" && Number.isSafeInteger(count) && count >= 0 ? count : undefined;
}
