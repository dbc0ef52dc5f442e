/** How a period goes on when the rule is changed that ends it. */
import type { Period, RefillRule } from "../../protocol/period.ts";
import { periodAt } from "../calendar.ts";
import { firstDifference } from "./decision.ts";

/** How the period goes on that `rule` ends from now on, where it is another rule than `before`; null without any. */
export function periodChange(
  current: Period | null,
  before: RefillRule | null,
  rule: RefillRule | null,
  now: number,
): Period | null | undefined {
  if (firstDifference([["rule", before, rule]]) === undefined) return undefined;
  if (rule === null) return null;
  const { number = 1, starts_at = now } = current ?? {};
  // A period that began while the clock was ahead starts later than now, and must not end before it starts.
  return { number, starts_at, ends_at: periodAt(rule, Math.max(now, starts_at)).ends_at };
}
