/**
 * `bursar/ai`: govern models of the AI SDK, by middleware of its current and its previous specifications.
 *
 * ```ts
 * const model = wrapLanguageModel({ model: openai("gpt-5"), middleware: governed(pool, "writer") });
 * ```
 */

import { estimateTokens } from "../providers/estimate.ts";
import { metered, newMeter, settled } from "../providers/meter.ts";
import { countOf } from "../providers/shape.ts";
import { totalOf, usageOf } from "../providers/usage.ts";
import { BudgetExceededError } from "./errors.ts";
import type { Hold } from "./hold.ts";
import type { Pool, ReserveOptions } from "./pool.ts";
import { textOf } from "./prompt.ts";

export type MiddlewareOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> & {
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
  const { max_output = 4_096, min_output = 16, specification = "v4", ...reserve } = options;

  async function hold<Params extends object>(params: Params): Promise<{ hold: Hold; limited: Params; prompt: number }> {
    const prompt =
      estimateTokens(textOf(Reflect.get(params, "prompt"))) + estimateTokens(textOf(Reflect.get(params, "tools")));
    const bound = prompt + (countOf(params, "maxOutputTokens") ?? max_output);
    const signal = Reflect.get(params, "abortSignal");
    const least = Math.min(bound, prompt + min_output);
    const call =
      signal instanceof AbortSignal ? { ...reserve, at_least: least, signal } : { ...reserve, at_least: least };
    try {
      const held = await pool.reserve(agent, bound, call);
      return { hold: held, limited: { ...params, maxOutputTokens: held.granted - prompt }, prompt };
    } catch (error) {
      throw error instanceof BudgetExceededError ? asCallError(error) : error;
    }
  }

  return {
    specificationVersion: specification as never,
    wrapGenerate: async (call): Promise<never> => {
      const { params, model } = call as Call;
      const { hold: held, limited } = await hold(params);
      const alive = held.keepAlive();
      await using _ = held;
      try {
        const result = await model.doGenerate(limited);
        const usage = usageOf(result);
        await held.commit(usage === undefined ? held.granted : totalOf(usage));
        return result as never;
      } finally {
        alive.stop();
      }
    },
    wrapStream: async (call): Promise<never> => {
      const { params, model } = call as Call;
      const { hold: held, limited, prompt } = await hold(params);
      const alive = held.keepAlive();
      try {
        const result = await model.doStream(limited);
        return { ...result, stream: meteredStream(result.stream, held, prompt, alive) } as never;
      } catch (error) {
        alive.stop();
        await held.release();
        throw error;
      }
    },
  };
}

/** Passes parts on, and settles when the stream ends, breaks, or its reader goes. */
function meteredStream(
  stream: ReadableStream<unknown>,
  hold: Hold,
  prompt: number,
  alive: { stop(): void },
): ReadableStream<unknown> {
  const source = stream.getReader();
  let state = newMeter;
  let isSettled = false;
  const settle = async (): Promise<void> => {
    if (isSettled) return;
    isSettled = true;
    alive.stop();
    await hold.commit(settled(state, prompt));
  };
  return new ReadableStream({
    pull: async (controller) => {
      try {
        const { done, value } = await source.read();
        if (!done) {
          state = metered(state, value);
          return controller.enqueue(value);
        }
        await settle();
        controller.close();
      } catch (error) {
        await settle();
        controller.error(error);
      }
    },
    cancel: async (reason) => {
      await settle();
      await source.cancel(reason);
    },
  });
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
