/** What a model may have thought, and bills, without a word of it: an estimate for calls that end without a report. */

/** So long without a word is waiting in line, … */
const queueMs = 2_000;
/** … and beyond it models think about so fast. */
const thoughtsPerSecond = 100;

/** Tokens of thought in a silence of `ms` before the first word, or the end. */
export function thoughtsIn(ms: number): number {
  return ms <= queueMs ? 0 : Math.ceil(((ms - queueMs) / 1_000) * thoughtsPerSecond);
}
