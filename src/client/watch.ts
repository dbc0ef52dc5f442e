/** Events of a pool as they happen, from any point of its journal, over lost connections: each once, in order. */

import type { LiveRefusal } from "../protocol/frames.ts";
import type { JournalEvent } from "../protocol/journal.ts";
import { type BursarError, errorOf } from "./errors.ts";
import { Session, type SessionOptions } from "./session.ts";

export type WatchOptions = {
  /** Events after this one; 0, the default, is the beginning. */
  readonly after?: number;
  readonly signal?: AbortSignal;
  /** Told of refusals as they happen; they are in no journal. */
  readonly refused?: (refusal: LiveRefusal) => void;
};

/** The server sends so many events beyond what was acknowledged; say so well before. */
const ackEvery = 500;

/** Ends when `signal` aborts; throws `BursarError` when the governor ends it or can't be reached. */
export async function* watch(
  session: Omit<SessionOptions, "idle_ms" | "pushed" | "opened">,
  { after = 0, signal, refused }: WatchOptions,
): AsyncGenerator<JournalEvent, void, void> {
  let last = after;
  let acked = after;
  let queue: JournalEvent[] = [];
  let failure: BursarError | undefined;
  let wake: () => void = () => undefined;
  const connection = new Session({
    ...session,
    idle_ms: 0,
    opened: (send) => send({ id: 0, subscribe: { after: last } }),
    pushed: (frame) => {
      if ("events" in frame) {
        // After a reconnection the server goes on where we said; whatever came twice was seen.
        for (const event of frame.events) if (event.seq > last) queue.push(event);
        last = Math.max(last, frame.next);
      } else if ("refused" in frame) {
        for (const refusal of frame.refused) refused?.(refusal);
      } else if ("problem" in frame) {
        failure = errorOf(frame.problem);
      }
      wake();
    },
  });
  const onAbort = (): void => wake();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    connection.open();
    const isOver = (): boolean => signal?.aborted === true;
    while (!isOver()) {
      const events = queue;
      queue = [];
      for (const event of events) {
        if (isOver()) return;
        yield event;
        if (event.seq - acked >= ackEvery) {
          acked = event.seq;
          connection.say({ ack: acked });
        }
      }
      if (failure !== undefined) throw failure;
      if (queue.length === 0 && !isOver()) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    signal?.removeEventListener("abort", onAbort);
    connection.close();
  }
}
