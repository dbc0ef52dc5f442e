/**
 * A governed call as a span, from its admission to its settlement, by the names of OpenTelemetry's conventions for
 * generative AI (open-telemetry/semantic-conventions-genai; in development there, so all of them are in this file).
 * Of prompts and answers it says nothing but how long they were.
 */
import { tracing } from "cloudflare:workers";
import type { ReservationResult } from "../protocol/reservation.ts";
import type { Dialect, DialectName } from "../providers/dialect.ts";
import type { Usage } from "../providers/shape.ts";

type Asked = {
  readonly provider: string;
  readonly dialect: Dialect;
  readonly model: string;
  readonly isStreaming: boolean;
  readonly limit: number;
  readonly agent: string;
  readonly pool: string;
};

const operations: Readonly<Record<DialectName, string>> = {
  "openai-chat": "chat",
  "openai-responses": "chat",
  "openai-embeddings": "embeddings",
  "anthropic-messages": "chat",
  "gemini-generate": "generate_content",
};

export class CallTrace {
  readonly #span: Span;

  private constructor(span: Span) {
    this.#span = span;
  }

  /** Makes the call within a span of its own; what it asks of pools and providers is traced below it. */
  static of<T>(asked: Asked, make: (trace: CallTrace) => Promise<T>): Promise<T> {
    const operation = operations[asked.dialect.name];
    return tracing.startActiveSpan(`${operation} ${asked.model}`, (span) => {
      span.setAttributes({
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": asked.provider,
        "gen_ai.request.model": asked.model,
        "gen_ai.request.max_tokens": operation === "chat" ? asked.limit : undefined,
        "gen_ai.request.stream": asked.isStreaming,
        "gen_ai.agent.name": asked.agent,
        "bursar.pool": asked.pool,
      });
      return make(new CallTrace(span));
    });
  }

  admitted({ id, granted, transfers }: ReservationResult): void {
    const moved = transfers.reduce((sum, { amount }) => sum + amount, 0);
    this.#span.setAttributes({
      "bursar.reservation.id": id,
      "bursar.reservation.granted": granted,
      "bursar.reservation.transferred": moved,
    });
  }

  /** What it took; `isReported`: the provider said so, otherwise it is an estimate. */
  used(usage: Usage, model: string, isReported: boolean): void {
    this.#span.setAttributes({
      "gen_ai.response.model": model,
      "gen_ai.usage.input_tokens": usage.input,
      "gen_ai.usage.output_tokens": usage.output,
      "gen_ai.usage.cache_read.input_tokens": usage.cacheRead,
      "gen_ai.usage.cache_creation.input_tokens": usage.cacheWrite,
      "bursar.usage.reported": isReported,
    });
  }

  /**
   * Ends, with what was booked in the pool's unit, if anything was, and why the call failed, if it did: a problem's code,
   * or the provider's status. A call that failed may have cost something.
   */
  end(booked: { readonly amount: number; readonly unit: string } | undefined, failure?: string): void {
    this.#span.setAttributes({
      "bursar.booked": booked?.amount,
      "bursar.unit": booked?.unit,
      "error.type": failure,
    });
    if (failure !== undefined) this.#span.setStatus({ code: "error" });
    this.#span.end();
  }
}
