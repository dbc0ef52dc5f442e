/** Retries with exponential back-off and jitter: one helper for the client, the edge and the webhooks. */

/** How long to back off after each failure in a row: at most `firstMs`, then `factor` times as long, up to `maxMs`. */
export type Backoff = { readonly firstMs: number; readonly factor?: number; readonly maxMs: number };

/** The longest pause after `failures` in a row, in milliseconds; 0 while there are none. */
export function backoffMs({ firstMs, factor = 2, maxMs }: Backoff, failures: number): number {
  return failures < 1 ? 0 : Math.min(maxMs, firstMs * factor ** (failures - 1));
}

export type RetryOptions = {
  /** How often it is tried, the first attempt included. */
  readonly attempts: number;
  readonly backoff: Backoff;
  /**
   * Whether an attempt that failed like this is worth another: false throws the error at once. A number is what the
   * other side asked for (`Retry-After`), in milliseconds: the pause is that much longer.
   */
  readonly again: (error: unknown) => boolean | number;
  /** Ends a pause, and with it everything: its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
  /** 0 to 1. Replaced by tests, as `sleep` is. */
  readonly random?: () => number;
  readonly sleep?: (ms: number, signal?: AbortSignal) => Promise<void>;
};

/**
 * What `attempt` gives once it succeeds; throws its last error when it may not be tried again, or has been tried often
 * enough. Only for what may happen twice: reads, and writes with an idempotency key made before the first attempt.
 */
export async function retry<T>(
  attempt: () => Promise<T>,
  { attempts, backoff, again, signal, random = Math.random, sleep = pause }: RetryOptions,
): Promise<T> {
  for (let failures = 1; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      signal?.throwIfAborted();
      const more = again(error);
      if (more === false || failures >= attempts) throw error;
      // Full jitter: callers that failed together must not come back together.
      await sleep(random() * backoffMs(backoff, failures) + (more === true ? 0 : more), signal);
    }
  }
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
