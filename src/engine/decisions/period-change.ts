/** What happens to a running period when its refill rule is changed. */
import type { Period, RefillRule } from "../../protocol/period.ts";
import { periodAt } from "../calendar.ts";
import { firstDifference } from "./decision.ts";

/**
 * The current period under `rule`, if that is another rule than `before`: the same number and beginning, a new end. Undefined
 * if the rule is the same; null if there is none any more. The number stays, because a number that came twice would let a
 * period's report overwrite another's.
 */
export function periodChange(
  current: Period | null,
  before: RefillRule | null,
  rule: RefillRule | null,
  now: number,
): Period | null | undefined {
  if (firstDifference([["rule", before, rule]]) === undefined) return undefined;
  if (rule === null) return null;
  const { number = 1, starts_at = now } = current ?? {};
  // A period that began while a clock was ahead starts later than now, and must not end before it starts.
  return { number, starts_at, ends_at: periodAt(rule, Math.max(now, starts_at)).ends_at };
}
