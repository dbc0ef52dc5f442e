/** Takes a waiting reserve out of the line when its caller hangs up: budget must not be granted to a caller that is gone. */

/** A request's connection, and its way to run on after the caller has hung up. */
export type Connection = {
  /** Aborts when the caller hangs up (compatibility flag `enable_request_signal`). */
  readonly signal: AbortSignal;
  readonly waitUntil: (promise: Promise<unknown>) => void;
};

/**
 * Calls `ask` with a new ticket. When the caller hangs up before the answer, `leave` is called with the ticket: the call leaves
 * the line at once.
 */
export async function whileConnected<T>(
  { signal, waitUntil }: Connection,
  ask: (ticket: string) => Promise<T>,
  leave: (ticket: string) => Promise<unknown>,
): Promise<T> {
  const ticket = crypto.randomUUID();
  // Already gone: the pool then knows so before the call arrives.
  if (signal.aborted) await leave(ticket).catch(() => undefined);
  const onAbort = (): void => waitUntil(leave(ticket).catch(() => undefined));
  signal.addEventListener("abort", onAbort, { once: true });
  const asked = ask(ticket);
  // Awaited although the caller may be gone: `leave` must still run if it hangs up while the answer is on its way.
  waitUntil(asked.then(undefined, () => undefined));
  try {
    return await asked;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
