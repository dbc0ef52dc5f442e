/**
 * A streamed answer on its way: each piece goes on as it comes, is metered in passing, and the call is booked when the
 * stream ends, however it ends. The pump runs by itself, under `waitUntil`, into an identity stream, and never waits
 * for its reader without an end: of the shapes that were tried, those built on a `TransformStream` lose the end when
 * the reader goes (docs/decisions/0009). A caller that hangs up stops the provider, and pays for what was delivered.
 */
import { type AnswerContext, MeteredAnswer } from "./metered-answer.ts";
import { type Interruption, Patience } from "./patience.ts";
import type { Ending } from "./settlement.ts";

export type Streamed = AnswerContext & {
  /** How long the provider, or the caller, may keep it waiting. */
  readonly silenceMs: number;
  /** The caller's; aborted when it is known to have gone. */
  readonly signal: AbortSignal;
  readonly settle: (ending: Ending) => Promise<unknown>;
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
  const answer = new MeteredAnswer(call);
  const patience = new Patience(call.silenceMs, [call.signal, writer.closed]);
  try {
    const end = await passOn(reader, writer, { answer, patience, settle: call.settle });
    await call.settle(answer.ending());
    const why = new Error("the answer broke off");
    if (end !== "whole") await patience.for(reader.cancel(why));
    // A caller that still reads must see that this was not all.
    await patience.for(end === "whole" || end === "gone" ? writer.close() : writer.abort(why));
  } finally {
    patience.end();
  }
}

type Pass = {
  readonly answer: MeteredAnswer;
  readonly patience: Patience;
  readonly settle: Streamed["settle"];
};

/** Passes piece after piece on, until there is no more, or one side is gone. */
async function passOn(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  writer: WritableStreamDefaultWriter<Uint8Array>,
  { answer, patience, settle }: Pass,
): Promise<"whole" | Interruption> {
  for (;;) {
    const next = await patience.for(reader.read());
    if (typeof next === "string") return next;
    const out = next.done ? answer.rest() : answer.pass(next.value);
    // Booked before its end is sent: a caller that has read the answer finds it booked.
    if (answer.isReported || next.done) await settle(answer.ending());
    const written = out.byteLength === 0 ? undefined : await patience.for(writer.write(out));
    if (written !== undefined) return written;
    if (next.done) return "whole";
  }
}
