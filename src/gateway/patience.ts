/**
 * Waits, but not for ever: until the caller has gone, or nothing came for too long. One wait at a time, and nothing
 * left behind by the many before it, as `Promise.race` would against a promise that outlives them all.
 */
export class Patience {
  readonly #ms: number;
  #isGone = false;
  #giveUp: (() => void) | undefined;

  /** `ends` are what says that the caller has gone: a signal is a hint, a closed stream is a fact. */
  constructor(ms: number, [signal, closed]: readonly [signal: AbortSignal, closed: Promise<void>]) {
    this.#ms = ms;
    const onGone = (): void => {
      this.#isGone = true;
      this.#giveUp?.();
    };
    if (signal.aborted) onGone();
    signal.addEventListener("abort", onGone, { once: true });
    closed.then(onGone, onGone);
  }

  /** What `promise` gives; "gone" or "late" if it did not give it in time. Throws what it throws. */
  async for<T>(promise: Promise<T>): Promise<T | "gone" | "late"> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      return await new Promise<T | "gone" | "late">((resolve, reject) => {
        if (this.#isGone) resolve("gone");
        this.#giveUp = () => resolve("gone");
        timer = setTimeout(() => resolve("late"), this.#ms);
        promise.then(resolve, reject);
      });
    } finally {
      this.#giveUp = undefined;
      clearTimeout(timer);
    }
  }
}
