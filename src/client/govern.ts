/**
 * Wraps a function so that every call of it is reserved before it runs and booked after. What it gives back may be a
 * whole answer, or a stream that is booked when it ends.
 */
import { AnswerMeter } from "../calls/answer.ts";
import { extentOf } from "../calls/bound.ts";
import type { Ending } from "../calls/ending.ts";
import type { GovernedCall } from "../calls/governed-call.ts";
import { inTokens } from "../pricing/tariff.ts";
import type { SettlementResult } from "../protocol/reservation.ts";
import { textUnder } from "../providers/answers.ts";
import { estimateTokens } from "../providers/estimate.ts";
import { tokensIn } from "../providers/prompt-tokens.ts";
import { answersOfEvent, answersOfResult, usageOf } from "../providers/sdk-results.ts";
import { fieldOf, type Usage } from "../providers/shape.ts";
import { governedCall, type SettlementOptions } from "./hold-port.ts";
import type { Hold } from "./hold.ts";
import type { Governor, ReserveOptions } from "./options.ts";
import { limitIn, modelIn, promptIn } from "./prompt.ts";
import { type PriceOptions, tariffOf } from "./tariff.ts";

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
     * What a call really used. By default what the result, or the error, reports (OpenAI, Anthropic, Gemini, AI SDK,
     * LangChain, OpenAI's Agents SDK, and others; streams of theirs), otherwise an estimate of arguments and result.
     */
    readonly usage?: (result: Result, ...args: Args) => number | Usage | undefined;
    /** How sure the result is, 0 to 1. At or above the agent's threshold no further call is approved. */
    readonly confidence?: (result: Result) => number | undefined;
    /** Called when a call was made without the governor, which can't be reached (`on_unreachable: "allow"`). */
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
    const extent = extentOf(promptIn(args));
    const bound = estimate?.(...args) ?? tariff.bound(extent, limitIn(args) ?? max_output);
    const hold = await pool.reserve(agent, Math.max(1, Math.ceil(bound)), reserve);
    if (!hold.governed) ungoverned?.(hold);
    const governed = governedCall(pool, hold, { tariff, model: name }, { unbooked });
    const began = Date.now();
    const newMeter = (): AnswerMeter => new AnswerMeter(extent, { confidencePath: hold.confidence_path, began });
    const meter = newMeter();
    let result: Result;
    try {
      result = await call(...args);
    } catch (error) {
      await failed(governed, error);
      throw error;
    }
    const book = async (ending: Ending): Promise<void> => {
      await governed.book({ ...ending, confidence: confidence?.(result) ?? ending.confidence });
    };
    if (usage === undefined && isStream(result)) return streamed(result, { meter, newMeter, governed, book });
    const given = usage?.(result, ...args);
    if (typeof given === "number") await governed.bookAmount(Math.ceil(given), confidence?.(result));
    else await book(given === undefined ? whole(result, meter, extent.prompt) : reported(given));
    return result;
  };
}

/** What an error says of its use is booked; a call that failed without a word of it is not billed, as far as is known. */
async function failed(governed: GovernedCall<SettlementResult>, error: unknown): Promise<void> {
  const usage = usageOf(error);
  await (usage === undefined ? governed.giveBack() : governed.book(reported(usage)));
}

/** What a result that is no stream came to. */
function whole(result: unknown, meter: AnswerMeter, prompt: number): Ending {
  const answers = answersOfResult(result);
  if (answers !== undefined) {
    meter.readAs(answers);
    meter.whole(result, Date.now());
    return meter.ending(Date.now());
  }
  const usage = usageOf(result);
  if (usage !== undefined) return reported(usage);
  return { ...reported({ ...none, input: prompt, output: tokensIn(result) }), isReported: false };
}

const none: Usage = { input: 0, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };

function reported(usage: Usage): Ending {
  const about = {
    atLeast: undefined,
    toolUses: {},
    isFree: false,
    model: undefined,
    tier: undefined,
    confidence: undefined,
  };
  return { ...about, usage, delivered: usage, isReported: true };
}

/** The SDKs' stream helpers, by the promise of what they come to, and the event that each chunk raises. */
const helpers = [
  ["finalMessage", "streamEvent"],
  ["finalChatCompletion", "chunk"],
  ["finalResponse", "event"],
] as const;

function isStream(result: unknown): result is object {
  return finalOf(result) !== undefined || isIterable(result);
}

/** The promise of a stream's report: a method of the SDKs' helpers, and a member of the AI SDK's results. */
function finalOf(result: unknown): (() => Promise<unknown>) | undefined {
  for (const [name] of helpers) {
    const final = fieldOf(result, name);
    if (typeof final === "function") return async () => final.call(result);
  }
  const name = ["totalUsage", "usage"].find((one) => typeof fieldOf(fieldOf(result, one), "then") === "function");
  return name === undefined ? undefined : async () => ({ usage: await fieldOf(result, name) });
}

/**
 * The stream, booked when its reader comes to its end, or leaves. A helper runs by itself, whether or not it is read:
 * it is booked when its report comes, and by what it delivered when it fails.
 */
function streamed<Result extends object>(result: Result, call: Streamed): Result {
  const { meter, newMeter, governed, book } = call;
  const asMetered = (): Promise<void> => book(meter.ending(Date.now()));
  const final = finalOf(result);
  if (final === undefined) return meteredIterable(result as Result & AsyncIterable<unknown>, meter, asMetered);
  listen(result, meter);
  void final().then(
    (answer) => {
      const ending = whole(answer, newMeter(), 0);
      return ending.isReported ? book(ending) : asMetered();
    },
    // A provider that refused the call has not begun it.
    (error: unknown) => (isRefusal(error) ? governed.giveBack() : asMetered()),
  );
  return result;
}

type Streamed = {
  readonly meter: AnswerMeter;
  /** Another, for the report that a helper promises. */
  readonly newMeter: () => AnswerMeter;
  readonly governed: GovernedCall<SettlementResult>;
  readonly book: (ending: Ending) => Promise<void>;
};

/** Meters what a helper delivers, beside its reader. */
function listen(result: object, meter: AnswerMeter): void {
  const on = fieldOf(result, "on");
  if (typeof on === "function") {
    for (const [, event] of helpers) on.call(result, event, (chunk: unknown) => note(meter, chunk));
    return;
  }
  const parts = fieldOf(result, "fullStream");
  if (isIterable(parts)) {
    void (async () => {
      for await (const part of parts) note(meter, part);
    })().catch(() => undefined);
  }
}

function isRefusal(error: unknown): boolean {
  return ["status", "statusCode"].some((name) => typeof fieldOf(error, name) === "number");
}

/** Notes a chunk of a stream, by the shape of the first that tells it. */
function note(meter: AnswerMeter, chunk: unknown): void {
  const answers = meter.isRead ? undefined : answersOfEvent(chunk);
  if (answers !== undefined) meter.readAs(answers);
  if (meter.isRead) return meter.event(chunk, Date.now());
  const text = typeof chunk === "string" ? chunk : textUnder([fieldOf(chunk, "delta"), fieldOf(chunk, "content")]);
  if (text !== "") meter.deliveredUnread(estimateTokens(text), Date.now());
}

function isIterable(result: unknown): result is AsyncIterable<unknown> & object {
  return typeof result === "object" && result !== null && Symbol.asyncIterator in result;
}

/** `stream`, booked when its reader comes to its end, or leaves. */
function meteredIterable<Stream extends AsyncIterable<unknown> & object>(
  stream: Stream,
  meter: AnswerMeter,
  book: () => Promise<void>,
): Stream {
  const inner = fieldOf(stream, "iterator");
  const source = typeof inner === "function" ? inner : stream[Symbol.asyncIterator];
  async function* iterate(): AsyncGenerator<unknown, void, void> {
    try {
      const iterator: AsyncIterator<unknown> = source.call(stream);
      for await (const chunk of { [Symbol.asyncIterator]: () => iterator }) {
        note(meter, chunk);
        yield chunk;
      }
      meter.close();
    } finally {
      await book();
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
