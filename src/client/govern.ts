/** Wraps a function so that every call of it is reserved before it runs and booked after. */
import { estimateTokens } from "../providers/estimate.ts";
import { totalOf, type Usage, usageOf } from "../providers/usage.ts";
import type { Pool, ReserveOptions } from "./pool.ts";
import { estimateCall, textOf } from "./prompt.ts";

export type GovernOptions<Args extends readonly unknown[], Result> = ReserveOptions & {
  /**
   * What a call may use at most, in the pool's unit. By default the tokens of its arguments, plus their output limit
   * (`max_tokens` and the like) or `max_output`.
   */
  readonly estimate?: (...args: Args) => number;
  /** Output allowed for when the arguments name no limit. Default 1,000. */
  readonly max_output?: number;
  /**
   * What a call really used. By default what the result reports (OpenAI, Anthropic, AI SDK), otherwise an estimate
   * of its arguments and its result.
   */
  readonly usage?: (result: Result, ...args: Args) => number | Usage | undefined;
  /** How sure the result is, 0 to 1. At or above the agent's threshold no further call is approved. */
  readonly confidence?: (result: Result) => number | undefined;
};

/** `call`, governed. Throws `BudgetExceededError` instead of calling when the governor says no. */
export function govern<Args extends readonly unknown[], Result>(
  pool: Pool,
  agent: string,
  call: (...args: Args) => Result | Promise<Result>,
  options: GovernOptions<Args, Result>,
): (...args: Args) => Promise<Result> {
  const { estimate, max_output = 1_000, usage, confidence, ...reserve } = options;
  if (pool.unit !== "tokens" && (estimate === undefined || usage === undefined)) {
    throw new TypeError(`a pool in ${pool.unit} can't be governed by token counts: give estimate and usage`);
  }

  return async (...args) => {
    const asked = Math.max(1, Math.ceil(estimate?.(...args) ?? estimateCall(args, max_output)));
    // An exception leaves the hold uncommitted, and `await using` gives it back: a failed call is not billed.
    await using hold = await pool.reserve(agent, asked, reserve);
    const result = await call(...args);
    await hold.commit(used(result, args), { confidence: confidence?.(result) });
    return result;
  };

  function used(result: Result, args: Args): number {
    const given = usage?.(result, ...args) ?? usageOf(result);
    if (typeof given === "number") return Math.ceil(given);
    return given === undefined ? estimateCall(args, estimateTokens(textOf(result))) : totalOf(given);
  }
}
