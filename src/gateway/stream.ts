/**
 * A streamed answer on its way: each piece goes on as it comes, is metered in passing, and the call is booked when the
 * stream ends, however it ends. The pump runs by itself, under `waitUntil`, into an identity stream, and every wait for
 * its reader has a limit: of the shapes that were tried, those built on a `TransformStream` lose the end when the
 * reader goes (docs/decisions/0009). A caller that disconnects stops the provider, and pays for what was delivered.
 */
import type { AnswerMeter } from "../calls/answer.ts";
import type { StreamedAnswer } from "../calls/streamed-answer.ts";
import { IdleTimeout, type Interruption } from "./idle-timeout.ts";

export type Streamed = {
  readonly meter: AnswerMeter;
  readonly answer: StreamedAnswer;
  /** How long the provider, or the caller, may be silent. */
  readonly silenceMs: number;
  /** The caller's; aborted when it is known to have disconnected. */
  readonly signal: AbortSignal;
  /** Books the call as the meter stands. Called again, it does nothing. */
  readonly book: () => Promise<unknown>;
};

/** A stream for the caller, and the promise of its end, which must be waited for. */
export function streamThrough(
  source: ReadableStream<Uint8Array>,
  call: Streamed,
): { readonly stream: ReadableStream<Uint8Array>; readonly ended: Promise<void> } {
  const { readable, writable } = new IdentityTransformStream();
  return { stream: readable, ended: pump(source.getReader(), writable.getWriter(), call) };
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  call: Streamed,
): Promise<void> {
  const idle = new IdleTimeout(call.silenceMs, [call.signal, writer.closed]);
  try {
    const end = await passOn(reader, writer, call, idle);
    await call.book();
    const why = new Error("the answer broke off");
    if (end !== "whole") await idle.race(reader.cancel(why));
    // A caller that still reads must see that this was not all.
    await idle.race(end === "whole" || end === "disconnected" ? writer.close() : writer.abort(why));
  } finally {
    idle.end();
  }
}

/** Passes piece after piece on, until there is no more, or one side is gone. */
async function passOn(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  { meter, answer, book }: Streamed,
  idle: IdleTimeout,
): Promise<"whole" | Interruption> {
  for (;;) {
    const next = await idle.race(reader.read());
    if (typeof next === "string") return next;
    const out = next.done ? answer.rest(Date.now()) : answer.pass(next.value, Date.now());
    // Booked before its end is sent: a caller that has read the answer finds it booked.
    if (meter.isSettled || next.done) await book();
    const written = out.byteLength === 0 ? undefined : await idle.race(writer.write(out));
    if (written !== undefined) return written;
    if (next.done) return "whole";
  }
}
