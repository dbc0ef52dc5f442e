/** How a governed call ended: what it used, as far as it is known. */
import type { ToolUses } from "../pricing/tariff.ts";
import type { Usage } from "../providers/shape.ts";

export type Ending = {
  readonly usage: Usage;
  /** Whether the provider reported it; otherwise it is an estimate. */
  readonly isReported: boolean;
  /** What the provider reported before an answer broke off: an estimate is not booked below it. */
  readonly atLeast: Usage | undefined;
  /** The same use without what may have been reasoned unseen: what was delivered for certain. */
  readonly delivered: Usage;
  /** Nothing was delivered and nothing will be billed: the hold is given back. */
  readonly isFree: boolean;
  /** The model that answered, where it said so. */
  readonly model: string | undefined;
  /** How often the provider ran each of its tools. */
  readonly toolUses: ToolUses;
  /** The tier that served the call, or its region, where the answer names one. */
  readonly tier: string | undefined;
  readonly confidence: number | undefined;
};

/** So long without a word is waiting in a queue, … */
const queueMs = 2_000;
/** … and beyond it models reason about so fast. */
const reasoningPerSecond = 100;

/** Estimates the tokens of hidden reasoning in a silence of `ms`: models bill it, and may not show it. */
export function hiddenReasoning(ms: number): number {
  return ms <= queueMs ? 0 : Math.ceil(((ms - queueMs) / 1_000) * reasoningPerSecond);
}
