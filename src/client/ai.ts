/**
 * `bursar/ai`: govern models of the AI SDK, by middleware of its current and its previous specifications.
 *
 * ```ts
 * const model = wrapLanguageModel({ model: openai("gpt-5"), middleware: governed(pool, "writer") });
 * ```
 */

import { metered, newMeter, settled } from "../providers/meter.ts";
import { tokensIn } from "../providers/request.ts";
import { countOf, fieldOf } from "../providers/shape.ts";
import { totalOf, usageOf } from "../providers/usage.ts";
import { meteredStream } from "./adapters/metered-stream.ts";
import { BudgetExceededError } from "./errors.ts";
import type { Pool, ReserveOptions } from "./pool.ts";
import { Settlement, type SettlementOptions } from "./settlement.ts";

export type MiddlewareOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> &
  SettlementOptions & {
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
    doGenerate(params: object): PromiseLike<object>;
    doStream(params: object): PromiseLike<{ readonly stream: ReadableStream<unknown> }>;
  };
};

/** Fits every version of the SDK's own type: those differ, and this file depends on none of them. */
export type Middleware = {
  readonly specificationVersion: never;
  readonly wrapGenerate: (call: object) => Promise<never>;
  readonly wrapStream: (call: object) => Promise<never>;
};

export function governed(pool: Pool, agent: string, options: MiddlewareOptions = {}): Middleware {
  if (pool.unit !== "tokens") throw new TypeError(`this middleware counts tokens; the pool counts ${pool.unit}`);
  const { max_output = 4_096, min_output = 16, specification = "v4", unbooked, ...reserve } = options;

  async function begin(params: object): Promise<{ settlement: Settlement; limited: object; prompt: number }> {
    const prompt = tokensIn(fieldOf(params, "prompt")) + tokensIn(fieldOf(params, "tools"));
    const bound = prompt + (countOf(params, "maxOutputTokens") ?? max_output);
    const signal = fieldOf(params, "abortSignal");
    const least = Math.min(bound, prompt + min_output);
    const call = { ...reserve, at_least: least, ...(signal instanceof AbortSignal ? { signal } : {}) };
    try {
      const hold = await pool.reserve(agent, bound, call);
      const limited = { ...params, maxOutputTokens: hold.granted - prompt };
      return { settlement: new Settlement(hold, { unbooked }), limited, prompt };
    } catch (error) {
      throw error instanceof BudgetExceededError ? asCallError(error) : error;
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
      const { params, model } = call as Call;
      const { settlement, limited } = await begin(params);
      const result = await run(settlement, () => model.doGenerate(limited));
      const usage = usageOf(result);
      await settlement.book(usage === undefined ? settlement.hold.granted : totalOf(usage));
      return result as never;
    },
    wrapStream: async (call): Promise<never> => {
      const { params, model } = call as Call;
      const { settlement, limited, prompt } = await begin(params);
      const result = await run(settlement, () => model.doStream(limited));
      let state = newMeter;
      const settle = (): Promise<void> => settlement.book(settled(state, prompt));
      const signal = fieldOf(params, "abortSignal");
      // A stream that nobody reads any more is not told that it is over.
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
function asCallError(refusal: BudgetExceededError): Error {
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
