/**
 * What has gone by of a streamed answer: what of it goes on to the caller, and what it comes to when it ends, wherever
 * it ends.
 */

import { limits } from "../protocol/limits.ts";
import { confidenceAt, nothingWritten, writtenAfter } from "../providers/confidence.ts";
import { metered, newMeter, usedBy } from "../providers/meter.ts";
import { isUsageChunk, type ModelRequest, wantsUsageChunk } from "../providers/request.ts";
import { fieldOf, jsonIn } from "../providers/shape.ts";
import { type SseEvent, SseParser } from "../providers/sse.ts";
import type { Redaction } from "./redaction.ts";
import type { Ending } from "./settlement.ts";
import { thoughtsIn } from "./thoughts.ts";

export type AnswerContext = {
  readonly asked: ModelRequest;
  readonly confidencePath: string | null;
  /** Takes what is not the caller's business out of errors; undefined where there is nothing of the kind. */
  readonly redaction: Redaction | undefined;
  /** Of the provider's response. */
  readonly headers: Headers;
  /** When the call was forwarded, milliseconds since 1970. */
  readonly began: number;
};

export class MeteredAnswer {
  readonly #context: AnswerContext;
  readonly #parser = new SseParser(limits.gatewayEventLength);
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  /** Usage was asked for in the caller's place, so it is not shown to it. */
  readonly #hidesUsage: boolean;
  /** Whether something of it may be left out, so that events go on when they are whole. */
  readonly #isRewritten: boolean;
  readonly #looksForConfidence: boolean;
  #meter = newMeter;
  #written = nothingWritten;
  #model: string | undefined;
  /** When the last word came, or the call went out; and what may have been thought in the pauses so far. */
  #lastWordAt: number;
  #thoughts = 0;
  #isOver = false;

  constructor(context: AnswerContext) {
    this.#context = context;
    this.#lastWordAt = context.began;
    const { asked, confidencePath } = context;
    this.#hidesUsage = asked.dialect === "openai-chat" && !wantsUsageChunk(asked);
    this.#isRewritten = this.#hidesUsage || context.redaction !== undefined;
    this.#looksForConfidence = confidencePath?.startsWith("/") === true;
  }

  /** Whether the provider has said its last word, and what it used. */
  get isReported(): boolean {
    return this.#isOver && this.#meter.isFinal;
  }

  /** What goes on of a piece that came: the very bytes, unless something in them is to be hidden. */
  pass(chunk: Uint8Array): Uint8Array {
    const events = this.#parser.push(this.#decoder.decode(chunk, { stream: true }));
    const text = this.#look(events);
    return this.#isRewritten ? this.#encoder.encode(text) : chunk;
  }

  /** What is left when the provider has ended. */
  rest(): Uint8Array {
    const text = this.#look([...this.#parser.push(this.#decoder.decode()), ...this.#parser.end()]);
    return this.#isRewritten ? this.#encoder.encode(text) : new Uint8Array();
  }

  ending(): Ending {
    const { asked, confidencePath, headers } = this.#context;
    const { isFinal } = this.#meter;
    const usage = usedBy(this.#meter, asked.prompt);
    const thoughts = this.#thoughts + thoughtsIn(Date.now() - this.#lastWordAt);
    return {
      usage: isFinal ? usage : { ...usage, output: usage.output + thoughts },
      isReported: isFinal,
      atLeast: this.#meter.usage,
      model: this.#model,
      // An answer that broke off has not stated its confidence: what it says may be half of it.
      confidence:
        confidencePath === null || !this.#isOver
          ? undefined
          : confidenceAt(confidencePath, this.#written, undefined, (name) => headers.get(name)),
    };
  }

  #look(events: readonly SseEvent[]): string {
    let out = "";
    for (const come of events) {
      const event = jsonIn(come.data);
      this.#note(event, come.text.length);
      if (come.data === "[DONE]" || isLast(event)) this.#isOver = true;
      if (!this.#isRewritten || (this.#hidesUsage && isUsageChunk(event))) continue;
      const text = this.#context.redaction?.event(event, come) ?? come.text;
      out += this.#hidesUsage && fieldOf(event, "usage") === null ? withoutNullUsage(text) : text;
    }
    return out;
  }

  #note(event: unknown, length: number): void {
    const before = this.#meter.delivered;
    this.#meter = metered(this.#meter, event);
    // Too long to be looked into: its length is all that can be counted.
    if (event === undefined && length > longEvent) {
      this.#meter = { ...this.#meter, delivered: before + Math.ceil(length / 4) };
    }
    if (this.#meter.delivered > before) {
      this.#thoughts += thoughtsIn(Date.now() - this.#lastWordAt);
      this.#lastWordAt = Date.now();
    }
    if (this.#looksForConfidence) this.#written = writtenAfter(this.#written, event);
    this.#model ??= modelIn(event);
  }
}

/** Longer than any comment or name of an event. */
const longEvent = 10_000;

function isLast(event: unknown): boolean {
  const type = fieldOf(event, "type");
  return (
    type === "message_stop" ||
    type === "response.completed" ||
    type === "response.incomplete" ||
    type === "response.failed"
  );
}

function modelIn(event: unknown): string | undefined {
  const model = fieldOf(event, "model") ?? fieldOf(fieldOf(event, "message") ?? fieldOf(event, "response"), "model");
  return typeof model === "string" ? model : undefined;
}

/** With usage asked for, every chunk has a `usage`, null until the last. In a string its quotes would be escaped. */
function withoutNullUsage(text: string): string {
  return text.replace(/,\s*"usage"\s*:\s*null/, "");
}
