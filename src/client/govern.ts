/**
 * Wraps a function so that every call of it is reserved before it runs and booked after. What it gives back may be a
 * whole answer, or a stream that is booked when it ends.
 */
import { bookedUsage } from "../pricing/booked.ts";
import { inTokens } from "../pricing/tariff.ts";
import { metered, newMeter, usedBy } from "../providers/meter.ts";
import { tokensIn } from "../providers/request.ts";
import { fieldOf, type Usage } from "../providers/shape.ts";
import { usageOf } from "../providers/usage.ts";
import type { Hold } from "./hold.ts";
import type { Governor, ReserveOptions } from "./options.ts";
import { limitIn, modelIn, promptIn } from "./prompt.ts";
import { Settlement, type SettlementOptions } from "./settlement.ts";
import { callOf, type PriceOptions, tariffOf } from "./tariff.ts";

export type GovernOptions<Args extends readonly unknown[], Result> = Omit<ReserveOptions, "id"> &
  SettlementOptions &
  PriceOptions & {
    /** The model that is priced in a pool of microusd, where no argument names one as its `model`. */
    readonly model?: string;
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
  pool: Governor,
  agent: string,
  call: (...args: Args) => Result | Promise<Result>,
  options: GovernOptions<Args, Result>,
): (...args: Args) => Promise<Result> {
  const { estimate, max_output = 1_000, usage, confidence, ungoverned, unbooked, model, price, ...reserve } = options;
  // A caller that counts in the pool's unit by itself needs no price.
  const counts = estimate !== undefined && usage !== undefined;

  return async (...args) => {
    const name = modelIn(args) ?? model;
    const tariff = counts ? inTokens : await tariffOf(pool, name, price === undefined ? {} : { price });
    const prompt = promptIn(args);
    const bound = estimate?.(...args) ?? tariff.bound(callOf(prompt), limitIn(args) ?? max_output);
    const asked = Math.max(1, Math.ceil(bound));
    const hold = await pool.reserve(agent, asked, reserve);
    if (!hold.governed) ungoverned?.(hold);
    const settlement = new Settlement(hold, { unbooked });
    let result: Result;
    try {
      result = await call(...args);
    } catch (error) {
      // A call that failed is not billed, as far as can be seen from here.
      await settlement.giveBack();
      throw error;
    }
    const bookAmount = (amount: number): Promise<void> => settlement.book(amount, { confidence: confidence?.(result) });
    const book = (used: Usage, isReported: boolean): Promise<void> =>
      settlement.book(Math.ceil(tariff.amountOf(used)), {
        confidence: confidence?.(result),
        usage: bookedUsage(used, tariff, { model: name, isReported }),
      });
    if (usage === undefined) {
      const later = usageToCome(result);
      if (later !== undefined) {
        // The report comes when the stream has ended; the caller gets the stream now.
        void later
          .then((reported) => (reported === undefined ? bookAmount(asked) : book(reported, true)))
          .catch(() => book(estimated(prompt, 0), false));
        return result;
      }
      if (isIterable(result)) return meteredIterable(result, prompt, book);
    }
    const given = usage?.(result, ...args) ?? usageOf(result);
    if (typeof given === "number") await bookAmount(Math.ceil(given));
    else await book(given ?? estimated(prompt, tokensIn(result)), given !== undefined);
    return result;
  };
}

/** What a call used, as far as can be told without a report. */
function estimated(input: number, output: number): Usage {
  return { input, output, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
}

function isIterable(result: unknown): result is AsyncIterable<unknown> & object {
  return typeof result === "object" && result !== null && Symbol.asyncIterator in result;
}

/** `stream`, booked when its reader comes to its end, or leaves. */
function meteredIterable<Stream extends AsyncIterable<unknown> & object>(
  stream: Stream,
  prompt: number,
  book: (used: Usage, isReported: boolean) => Promise<void>,
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
      await book(usedBy(state, prompt), state.isFinal);
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
function usageToCome(result: unknown): Promise<Usage | undefined> | undefined {
  for (const name of ["finalMessage", "finalChatCompletion", "finalResponse"]) {
    const final = fieldOf(result, name);
    if (typeof final === "function") return Promise.resolve(final.call(result)).then(usageOf);
  }
  const promised = fieldOf(result, "totalUsage") ?? fieldOf(result, "usage");
  if (typeof fieldOf(promised, "then") !== "function") return undefined;
  return Promise.resolve(promised).then((usage: unknown) => usageOf({ usage }));
}
