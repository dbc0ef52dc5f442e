/** Reserves that wait in line leave it when their caller hangs up: budget is not granted to a caller that has gone. */

/** What hangs up, and what of a request may run on when its caller has gone. */
export type Connection = {
  /** Aborts when the caller hangs up (compatibility flag `enable_request_signal`). */
  readonly signal: AbortSignal;
  readonly waitUntil: (promise: Promise<unknown>) => void;
};

/**
 * Asks with a ticket of this call's. When the caller hangs up before the answer comes, `leave` is told the ticket: the
 * call leaves the line at once.
 */
export async function whileConnected<T>(
  { signal, waitUntil }: Connection,
  ask: (ticket: string) => Promise<T>,
  leave: (ticket: string) => Promise<unknown>,
): Promise<T> {
  const ticket = crypto.randomUUID();
  // It may have gone before it is asked for: then the pool knows that by the time the call comes.
  if (signal.aborted) await leave(ticket).catch(() => undefined);
  const onAbort = (): void => waitUntil(leave(ticket).catch(() => undefined));
  signal.addEventListener("abort", onAbort, { once: true });
  const asked = ask(ticket);
  // The answer must be awaited though the caller has gone: an abort that comes while it is on its way needs `leave`.
  waitUntil(asked.then(undefined, () => undefined));
  try {
    return await asked;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
