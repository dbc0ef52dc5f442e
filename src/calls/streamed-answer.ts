/**
 * A streamed answer on its way through: which bytes of it go on to the caller, and what it comes to wherever it ends.
 */
import { estimateTokens } from "../providers/estimate.ts";
import { jsonIn } from "../providers/shape.ts";
import { type SseEvent, SseParser } from "../providers/sse.ts";
import type { AnswerMeter } from "./answer.ts";

/** What the caller gets to see of an event: `event` is its data as JSON. */
export type Rewrite = (event: unknown, sse: SseEvent) => string;

/** Longer than any comment or name of an event. */
const longEvent = 10_000;

export class StreamedAnswer {
  readonly #meter: AnswerMeter;
  readonly #rewrite: Rewrite | undefined;
  readonly #parser: SseParser;
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();

  /** Without `rewrite` the very bytes go on. `maxEventLength`: how long an event may be, in characters, to be read. */
  constructor(meter: AnswerMeter, rewrite?: Rewrite, maxEventLength?: number) {
    this.#meter = meter;
    this.#rewrite = rewrite;
    this.#parser = new SseParser(maxEventLength);
  }

  /** What goes on of a piece that came at `now`. */
  pass(chunk: Uint8Array, now: number): Uint8Array {
    const text = this.#look(this.#parser.push(this.#decoder.decode(chunk, { stream: true })), now);
    return this.#rewrite === undefined ? chunk : this.#encoder.encode(text);
  }

  /** What is left when the provider has closed the stream. */
  rest(now: number): Uint8Array {
    const text = this.#look([...this.#parser.push(this.#decoder.decode()), ...this.#parser.end()], now);
    this.#meter.close();
    return this.#rewrite === undefined ? new Uint8Array() : this.#encoder.encode(text);
  }

  #look(events: readonly SseEvent[], now: number): string {
    let out = "";
    for (const sse of events) {
      const event = jsonIn(sse.data);
      if (sse.data.trim() === "[DONE]") this.#meter.end();
      // Too long to be read, or no JSON: its length is all that can be counted.
      else if (event === undefined && sse.text.length > longEvent)
        this.#meter.deliveredUnread(Math.ceil(sse.text.length / 4), now);
      else this.#meter.event(event, now);
      if (this.#rewrite !== undefined) out += this.#rewrite(event, sse);
    }
    return out;
  }
}

/** Meters the text of a whole answer, which a server may send as events though none were asked for. */
export function noteWhole(meter: AnswerMeter, text: string, now: number): unknown {
  const body = jsonIn(text);
  if (body !== undefined) {
    meter.whole(body, now);
    return body;
  }
  if (/^\s*(:|data:|event:|id:|retry:)/.test(text)) {
    const streamed = new StreamedAnswer(meter);
    streamed.pass(new TextEncoder().encode(text), now);
    streamed.rest(now);
  } else {
    if (text.trim() !== "") meter.deliveredUnread(estimateTokens(text), now);
    meter.end();
  }
  return undefined;
}

/** Whether an answer is a stream: what was asked for counts as well as its type, which relays get wrong. */
export function kindOf(contentType: string | null, isStreaming: boolean): "stream" | "whole" | "unclear" {
  const type = contentType?.toLowerCase() ?? "";
  if (type.startsWith("text/event-stream")) return "stream";
  return isStreaming ? "unclear" : "whole";
}

/** Looks at the first bytes of an answer: JSON begins with a brace. The body that is returned has all of it. */
export async function looked(
  body: ReadableStream<Uint8Array>,
): Promise<{ readonly isJson: boolean; readonly body: ReadableStream<Uint8Array> }> {
  const reader = body.getReader();
  const first: Uint8Array[] = [];
  let start: number | undefined;
  while (start === undefined) {
    const { done, value } = await reader.read();
    if (done) break;
    first.push(value);
    // White space, and a byte order mark, say nothing.
    start = value.find((byte) => byte > 0x20 && byte < 0x80);
  }
  return {
    isJson: start === 0x7b || start === 0x5b,
    body: new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const piece = first.shift();
        if (piece !== undefined) return controller.enqueue(piece);
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      cancel: (reason) => reader.cancel(reason),
    }),
  };
}
