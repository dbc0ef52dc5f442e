/**
 * `bursar/ai`: govern models of the AI SDK, by middleware of its current and its previous specifications.
 *
 * ```ts
 * const model = wrapLanguageModel({ model: openai("gpt-5"), middleware: governed(pool, "writer") });
 * ```
 */
import { AnswerMeter } from "../calls/answer.ts";
import { boundOf, extentOf, limitWithin, outputDefault, outputLeast } from "../calls/bound.ts";
import type { GovernedCall } from "../calls/governed-call.ts";
import type { SettlementResult } from "../protocol/reservation.ts";
import { aiSdkAnswers } from "../providers/ai-sdk-answers.ts";
import { tokensIn } from "../providers/prompt-tokens.ts";
import { countOf, fieldOf } from "../providers/shape.ts";
import { meteredStream } from "./adapters/metered-stream.ts";
import { BursarError } from "./errors.ts";
import { governedCall, type SettlementOptions } from "./hold-port.ts";
import type { Governor, ReserveOptions } from "./options.ts";
import { type PriceOptions, tariffOf } from "./tariff.ts";

export type MiddlewareOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> &
  SettlementOptions &
  PriceOptions & {
    /** Output allowed for when a call names no limit; it is set as the limit. Default: what the model can write, at most 32,000. */
    readonly max_output?: number;
    /** The least output that a call is worth making for. Default 16. */
    readonly min_output?: number;
    /** The specification of the models to be wrapped. Default `v4`, of AI SDK 7; `v3` is that of AI SDK 6. */
    readonly specification?: "v3" | "v4";
  };

/** What the AI SDK hands to a middleware, as far as it matters here. */
type Call = {
  readonly params: object;
  readonly model: {
    readonly modelId?: string;
    doGenerate(params: object): PromiseLike<object>;
    doStream(params: object): PromiseLike<{ readonly stream: ReadableStream<unknown> }>;
  };
};

/** A call that was admitted. */
type Admitted = {
  readonly governed: GovernedCall<SettlementResult>;
  readonly meter: AnswerMeter;
  /** The call's parameters, its output limited to what was granted. */
  readonly limited: object;
};

/** Fits every version of the SDK's own type: those differ, and this file depends on none of them. */
export type Middleware = {
  readonly specificationVersion: never;
  readonly wrapGenerate: (call: object) => Promise<never>;
  readonly wrapStream: (call: object) => Promise<never>;
};

export function governed(pool: Governor, agent: string, options: MiddlewareOptions = {}): Middleware {
  return {
    specificationVersion: (options.specification ?? "v4") as never,
    wrapGenerate: async (call): Promise<never> => {
      const admitted = await admit(pool, agent, options, call as Call);
      const result = await run(admitted, () => (call as Call).model.doGenerate(admitted.limited));
      admitted.meter.whole(result, Date.now());
      await book(admitted);
      return result as never;
    },
    wrapStream: async (call): Promise<never> => {
      const { params, model } = call as Call;
      const admitted = await admit(pool, agent, options, call as Call);
      const { meter, limited } = admitted;
      const result = await run(admitted, () => model.doStream(limited));
      const settle = (): Promise<void> => book(admitted);
      const signal = fieldOf(params, "abortSignal");
      // A stream whose reader has left is not told that it is over.
      if (signal instanceof AbortSignal) signal.addEventListener("abort", () => void settle(), { once: true });
      const pass = (part: unknown): unknown => {
        meter.event(part, Date.now());
        return part;
      };
      const close = (): undefined => meter.close() as undefined;
      return { ...result, stream: meteredStream(result.stream, pass, settle, close) } as never;
    },
  };
}

async function admit(
  pool: Governor,
  agent: string,
  options: MiddlewareOptions,
  { params, model: { modelId } }: Call,
): Promise<Admitted> {
  const { max_output = outputDefault(modelId ?? ""), min_output = outputLeast } = options;
  const { unbooked, price, max_output: _, min_output: __, specification: ___, ...reserve } = options;
  const extent = extentOf(tokensIn(fieldOf(params, "prompt")) + tokensIn(fieldOf(params, "tools")));
  const wanted = countOf(params, "maxOutputTokens") ?? max_output;
  const signal = fieldOf(params, "abortSignal");
  try {
    const tariff = await tariffOf(pool, modelId, price === undefined ? {} : { price });
    const { amount, at_least } = boundOf(extent, tariff, wanted, min_output);
    const call = { ...reserve, at_least, ...(signal instanceof AbortSignal ? { signal } : {}) };
    const hold = await pool.reserve(agent, amount, call);
    const asked = { ...extent, dialect: { answers: aiSdkAnswers } };
    return {
      governed: governedCall(pool, hold, { tariff, model: modelId }, { unbooked }),
      meter: new AnswerMeter(asked, { confidencePath: hold.confidence_path, began: Date.now() }),
      limited: { ...params, maxOutputTokens: limitWithin(extent, tariff, wanted, hold.granted) },
    };
  } catch (error) {
    throw error instanceof BursarError && error.status < 500 ? asCallError(error) : error;
  }
}

/** Runs the model, and gives the hold back when it fails. */
async function run<T>({ governed: call }: Admitted, model: () => PromiseLike<T>): Promise<T> {
  try {
    return await model();
  } catch (error) {
    await call.giveBack();
    throw error;
  }
}

/** Books the call as it stands. */
async function book({ governed: call, meter }: Admitted): Promise<void> {
  await call.book(meter.ending(Date.now()));
}

/** The AI SDK's own error for an answer of 402, by the marks that it knows its errors by; it is not retried. */
function asCallError(refusal: BursarError): Error {
  const error = new Error(`Budget exhausted: ${refusal.message}`, { cause: refusal });
  return Object.assign(error, {
    name: "AI_APICallError",
    [Symbol.for("vercel.ai.error")]: true,
    [Symbol.for("vercel.ai.error.AI_APICallError")]: true,
    url: "",
    requestBodyValues: {},
    statusCode: 402,
    responseHeaders: {},
    responseBody: JSON.stringify(refusal.problem),
    isRetryable: false,
    data: refusal.problem,
  });
}
