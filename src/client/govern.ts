/**
 * Wraps a function so that every call of it is reserved before it runs and booked after. What it gives back may be a
 * whole answer, or a stream that is booked when it ends.
 */
import { metered, newMeter, settled } from "../providers/meter.ts";
import { tokensIn } from "../providers/request.ts";
import { fieldOf } from "../providers/shape.ts";
import { totalOf, type Usage, usageOf } from "../providers/usage.ts";
import type { Hold } from "./hold.ts";
import type { Pool, ReserveOptions } from "./pool.ts";
import { estimateCall } from "./prompt.ts";
import { Settlement, type SettlementOptions } from "./settlement.ts";

export type GovernOptions<Args extends readonly unknown[], Result> = Omit<ReserveOptions, "id"> &
  SettlementOptions & {
    /**
     * What a call may use at most, in the pool's unit. By default the tokens of its arguments, plus their output limit
     * (`max_tokens` and the like) or `max_output`.
     */
    readonly estimate?: (...args: Args) => number;
    /** Output allowed for when the arguments name no limit. Default 1,000. */
    readonly max_output?: number;
    /**
     * What a call really used. By default what the result reports (OpenAI, Anthropic, AI SDK, streams of theirs),
     * otherwise an estimate of its arguments and its result.
     */
    readonly usage?: (result: Result, ...args: Args) => number | Usage | undefined;
    /** How sure the result is, 0 to 1. At or above the agent's threshold no further call is approved. */
    readonly confidence?: (result: Result) => number | undefined;
    /** Told when a call was made without the governor, which can't be reached (`on_unreachable: "allow"`). */
    readonly ungoverned?: (hold: Hold) => void;
  };

/** `call`, governed. Throws `BudgetExceededError` instead of calling when the governor says no. */
export function govern<Args extends readonly unknown[], Result>(
  pool: Pool,
  agent: string,
  call: (...args: Args) => Result | Promise<Result>,
  options: GovernOptions<Args, Result>,
): (...args: Args) => Promise<Result> {
  const { estimate, max_output = 1_000, usage, confidence, ungoverned, unbooked, ...reserve } = options;
  if (pool.unit !== "tokens" && (estimate === undefined || usage === undefined)) {
    throw new TypeError(`a pool in ${pool.unit} can't be governed by token counts: give estimate and usage`);
  }

  return async (...args) => {
    const asked = Math.max(1, Math.ceil(estimate?.(...args) ?? estimateCall(args, max_output)));
    const hold = await pool.reserve(agent, asked, reserve);
    if (!hold.governed) ungoverned?.(hold);
    const settlement = new Settlement(hold, { unbooked });
    let result: Result;
    try {
      result = await call(...args);
    } catch (error) {
      // A call that failed is not billed, as far as anybody can tell from here.
      await settlement.giveBack();
      throw error;
    }
    const book = (amount: number): Promise<void> => settlement.book(amount, confidence?.(result));
    if (usage === undefined) {
      const later = usageToCome(result);
      if (later !== undefined) {
        // The report comes when the stream has ended; the caller gets the stream now.
        void later.then((reported) => book(reported ?? asked)).catch(() => book(estimateCall(args, 0)));
        return result;
      }
      if (isIterable(result)) return meteredIterable(result, estimateCall(args, 0), book);
    }
    await book(used(result, args));
    return result;
  };

  function used(result: Result, args: Args): number {
    const given = usage?.(result, ...args) ?? usageOf(result);
    if (typeof given === "number") return Math.ceil(given);
    return given === undefined ? estimateCall(args, tokensIn(result)) : totalOf(given);
  }
}

function isIterable(result: unknown): result is AsyncIterable<unknown> & object {
  return typeof result === "object" && result !== null && Symbol.asyncIterator in result;
}

/** `stream`, booked when whoever reads it comes to its end, or leaves. */
function meteredIterable<Stream extends AsyncIterable<unknown> & object>(
  stream: Stream,
  prompt: number,
  book: (amount: number) => Promise<void>,
): Stream {
  const inner = fieldOf(stream, "iterator");
  const source = typeof inner === "function" ? inner : stream[Symbol.asyncIterator];
  async function* iterate(): AsyncGenerator<unknown, void, void> {
    let state = newMeter;
    try {
      const iterator: AsyncIterator<unknown> = source.call(stream);
      for await (const chunk of { [Symbol.asyncIterator]: () => iterator }) {
        state = metered(state, chunk);
        yield chunk;
      }
    } finally {
      await book(settled(state, prompt));
    }
  }
  if (typeof inner === "function") {
    // The SDKs' own streams read themselves by this member, in `tee` and `toReadableStream` too.
    Reflect.set(stream, "iterator", iterate);
    return stream;
  }
  return new Proxy(stream, {
    get: (target, key) => {
      if (key === Symbol.asyncIterator) return iterate;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/**
 * The usage that a result promises for the end of its stream: the AI SDK's `streamText`, and the stream helpers of
 * OpenAI's and Anthropic's SDKs. Undefined for a result that promises none.
 */
function usageToCome(result: unknown): Promise<number | undefined> | undefined {
  for (const name of ["finalMessage", "finalChatCompletion", "finalResponse"]) {
    const final = fieldOf(result, name);
    if (typeof final === "function") return Promise.resolve(final.call(result)).then(totalIn);
  }
  const promised = fieldOf(result, "totalUsage") ?? fieldOf(result, "usage");
  if (typeof fieldOf(promised, "then") !== "function") return undefined;
  return Promise.resolve(promised).then((usage: unknown) => totalIn({ usage }));
}

function totalIn(answer: unknown): number | undefined {
  const usage = usageOf(answer);
  return usage === undefined ? undefined : totalOf(usage);
}
