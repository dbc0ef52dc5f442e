/** What a part of the proof is: something that can be shown for as long as one has time, a slice at a time. */

export type Counts = Readonly<Record<string, number>>;

/** One piece of work, whose result is kept when it is done: what an interruption loses is one slice. */
export type Slice = {
  readonly seconds: number;
  /** Everything random in it comes from this. */
  readonly seed: number;
  /** How many slices of this part were done before, ever: for parts that go through a list. */
  readonly turn: number;
  /** Says how far it is. */
  readonly say: (text: string) => void;
};

export type Finding = {
  /** What was wrong, and how to see it again. */
  readonly text: string;
};

export type Result = {
  readonly counts: Counts;
  readonly findings: readonly Finding[];
};

export type Part = {
  readonly name: string;
  /** What it shows, a sentence. */
  readonly shows: string;
  /** Of the minutes; 0 for a part that runs only when it is named. */
  readonly share: number;
  /** How long a slice is, in seconds. A part that goes through a list takes as long as its entry takes. */
  readonly slice: number;
  /** What all slices together are to reach. */
  readonly goals: Counts;
  /** Counts that must be zero. */
  readonly zero: readonly string[];
  /** Counts of which the greatest counts, where the others are added up. */
  readonly greatest?: readonly string[];
  /** Counts of which the newest counts. */
  readonly latest?: readonly string[];
  readonly run: (slice: Slice) => Promise<Result>;
};

/** Adds up what slices counted, the oldest first, as their part has it. */
export function total(
  results: readonly Counts[],
  { greatest = [], latest = [] }: Pick<Part, "greatest" | "latest"> = {},
): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const counts of results) {
    for (const [name, count] of Object.entries(counts)) {
      const before = latest.includes(name) ? 0 : (sums[name] ?? 0);
      sums[name] = greatest.includes(name) ? Math.max(before, count) : before + count;
    }
  }
  return sums;
}

/** A finding for each count that should be zero and isn't. */
export function findingsIn(counts: Counts, zero: readonly string[], seed: number): Finding[] {
  return zero
    .filter((name) => (counts[name] ?? 0) !== 0)
    .map((name) => ({ text: `${counts[name]} ${name}, slice of seed ${seed}` }));
}
