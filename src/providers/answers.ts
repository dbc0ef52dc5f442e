/** What the answers of a dialect say: the same reading for every door, and for whole answers and streams. */
import { type Counts, countsIn, type Paths, type Reading, type Reported, usageFrom } from "./counts.ts";
import { fieldOf } from "./shape.ts";

/** What one event of a stream, or a whole answer, says. */
export type Seen = {
  /** Counters that it reports; undefined for none. */
  readonly counts?: Counts | undefined;
  /** Text that it delivers and that is billed as output: words, thinking, refusals, the arguments of tools. */
  readonly text?: string | undefined;
  /** The model that answered. */
  readonly model?: string | undefined;
  /** The tier that served it, or the region that is priced apart, in the provider's word. */
  readonly tier?: string | undefined;
  /** The provider says that the call failed. */
  readonly isError?: boolean;
  /** How many of the answers asked for end with it. */
  readonly finished?: number;
  /** A tool of the provider's that it ran once. */
  readonly used?: string | undefined;
  /** How often the provider ran each of its tools, in all. */
  readonly toolUses?: Readonly<Record<string, number>> | undefined;
  /** Ids by which a later request may refer to the answer, or to an item of it. */
  readonly ids?: readonly string[];
  /** The stream's own last event. */
  readonly isLast?: boolean;
};

export interface Answers {
  /** What an event of a stream says; its `data` as JSON, or a chunk as an SDK gives it. */
  event(event: unknown): Seen;
  /** What a whole answer says. */
  whole(body: unknown): Seen;
  /** What the counters of an answer add up to. */
  usage(counts: Counts): Reported;
}

export const nothingSeen: Seen = {};

/** Reads counters by `paths`, and adds them up by `reading`. */
export function countersOf(paths: Paths, reading: Reading = {}) {
  return {
    read: (report: unknown): Counts | undefined => countsIn(report, paths),
    usage: (counts: Counts): Reported => usageFrom(counts, reading),
  };
}

/**
 * All text under a value but for fields that name, mark or repeat. Fields are left out by name rather than let in,
 * because thinking, refusals and arguments are billed as output, and the next kind will come with a new name.
 */
export function textUnder(value: unknown, depth = 8): string {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || depth === 0) return "";
  let text = "";
  for (const [name, item] of Object.entries(value)) if (!silent.has(name)) text += textUnder(item, depth - 1);
  return text;
}

const silent = new Set([
  "annotations",
  "call_id",
  "citations",
  // What the provider encrypts has no length that says anything.
  "data",
  "encrypted_content",
  "finish_reason",
  "id",
  "index",
  "logprobs",
  "obfuscation",
  "role",
  "signature",
  "status",
  "stop_reason",
  "stop_sequence",
  "type",
]);

export function textOrNone(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** Whether an answer is, or holds, an error in any provider's shape; some send one with status 200. */
export function isErrorIn(value: unknown): boolean {
  const isThere = (error: unknown): boolean => error !== undefined && error !== null;
  return (
    fieldOf(value, "type") === "error" ||
    isThere(fieldOf(value, "error")) ||
    // vLLM, Groq, MiniMax.
    fieldOf(value, "object") === "error" ||
    isThere(fieldOf(fieldOf(value, "x_groq"), "error")) ||
    (fieldOf(fieldOf(value, "base_resp"), "status_code") ?? 0) !== 0
  );
}
