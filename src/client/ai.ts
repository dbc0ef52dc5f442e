/**
 * `bursar/ai`: govern models of the AI SDK, by middleware of its current and its previous specifications.
 *
 * ```ts
 * const model = wrapLanguageModel({ model: openai("gpt-5"), middleware: governed(pool, "writer") });
 * ```
 */

import { bookedUsage } from "../pricing/booked.ts";
import { metered, newMeter, usedBy } from "../providers/meter.ts";
import { outputDefault, outputLeast, tokensIn } from "../providers/request.ts";
import { countOf, fieldOf, type Usage } from "../providers/shape.ts";
import { usageOf } from "../providers/usage.ts";
import { meteredStream } from "./adapters/metered-stream.ts";
import { BursarError } from "./errors.ts";
import type { Governor, ReserveOptions } from "./options.ts";
import { Settlement, type SettlementOptions } from "./settlement.ts";
import { callOf, type PriceOptions, tariffOf } from "./tariff.ts";

export type MiddlewareOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> &
  SettlementOptions &
  PriceOptions & {
    /** Output allowed for when a call names no limit; it is set as the limit. Default 4,096. */
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

/** A call under its hold. */
type Begun = {
  readonly settlement: Settlement;
  readonly limited: object;
  readonly prompt: number;
  readonly book: (usage: Usage, isReported: boolean) => Promise<void>;
};

/** Fits every version of the SDK's own type: those differ, and this file depends on none of them. */
export type Middleware = {
  readonly specificationVersion: never;
  readonly wrapGenerate: (call: object) => Promise<never>;
  readonly wrapStream: (call: object) => Promise<never>;
};

export function governed(pool: Governor, agent: string, options: MiddlewareOptions = {}): Middleware {
  const { max_output = outputDefault, min_output = outputLeast, specification = "v4" } = options;
  const { unbooked, price, max_output: _, min_output: __, specification: ___, ...reserve } = options;

  async function begin({ params, model: { modelId } }: Call): Promise<Begun> {
    const asked = callOf(tokensIn(fieldOf(params, "prompt")) + tokensIn(fieldOf(params, "tools")));
    const limit = countOf(params, "maxOutputTokens") ?? max_output;
    const signal = fieldOf(params, "abortSignal");
    try {
      const tariff = await tariffOf(pool, modelId, price === undefined ? {} : { price });
      const bound = Math.max(1, tariff.bound(asked, limit));
      const at_least = Math.max(1, tariff.bound(asked, Math.min(limit, min_output)));
      const call = { ...reserve, at_least, ...(signal instanceof AbortSignal ? { signal } : {}) };
      const hold = await pool.reserve(agent, bound, call);
      const limited = { ...params, maxOutputTokens: Math.min(limit, tariff.limitWithin(asked, hold.granted)) };
      const settlement = new Settlement(hold, { unbooked });
      const book = (usage: Usage, isReported: boolean): Promise<void> =>
        settlement.book(tariff.amountOf(usage), {
          usage: bookedUsage(usage, tariff, { model: modelId, isReported }),
        });
      return { settlement, limited, prompt: asked.prompt, book };
    } catch (error) {
      throw error instanceof BursarError && error.status < 500 ? asCallError(error) : error;
    }
  }

  /** Runs the model, and gives the hold back when it fails. */
  async function run<T>(settlement: Settlement, model: () => PromiseLike<T>): Promise<T> {
    try {
      return await model();
    } catch (error) {
      await settlement.giveBack();
      throw error;
    }
  }

  return {
    specificationVersion: specification as never,
    wrapGenerate: async (call): Promise<never> => {
      const { settlement, limited, book } = await begin(call as Call);
      const result = await run(settlement, () => (call as Call).model.doGenerate(limited));
      const usage = usageOf(result);
      await (usage === undefined ? settlement.book(settlement.hold.granted) : book(usage, true));
      return result as never;
    },
    wrapStream: async (call): Promise<never> => {
      const { params, model } = call as Call;
      const { settlement, limited, prompt, book } = await begin(call as Call);
      const result = await run(settlement, () => model.doStream(limited));
      let state = newMeter;
      const settle = (): Promise<void> => book(usedBy(state, prompt), state.isFinal);
      const signal = fieldOf(params, "abortSignal");
      // A stream whose reader has left is not told that it is over.
      if (signal instanceof AbortSignal) signal.addEventListener("abort", () => void settle(), { once: true });
      const pass = (part: unknown): unknown => {
        state = metered(state, part);
        return part;
      };
      return { ...result, stream: meteredStream(result.stream, pass, settle) } as never;
    },
  };
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
