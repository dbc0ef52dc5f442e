/**
 * Waits, but not for ever: until the caller has gone, or nothing came for too long. One wait at a time, and nothing
 * left behind by the many before it, as `Promise.race` would against a promise that outlives them all. The clock is
 * looked at when it runs out, not wound up again for each wait: a stream has thousands.
 */

/** Why a wait was in vain: the caller has gone, nothing came, or the connection broke. */
export type Interruption = "gone" | "late" | "broken";

export class Patience {
  readonly #ms: number;
  #isGone = false;
  #giveUp: ((why: Interruption) => void) | undefined;
  #since = Date.now();
  #timer: ReturnType<typeof setTimeout>;

  /** `ends` are what says that the caller has gone: a signal is a hint, a closed stream is a fact. */
  constructor(ms: number, [signal, closed]: readonly [signal: AbortSignal, closed: Promise<void>]) {
    this.#ms = ms;
    this.#timer = setTimeout(() => this.#look(), ms);
    const onGone = (): void => {
      this.#isGone = true;
      this.#giveUp?.("gone");
    };
    if (signal.aborted) onGone();
    signal.addEventListener("abort", onGone, { once: true });
    closed.then(onGone, onGone);
  }

  /** What `promise` gives, or why it did not. It must be about the connection: that it fails is no error here. */
  for<T>(promise: Promise<T>): Promise<T | Interruption> {
    this.#since = Date.now();
    return new Promise<T | Interruption>((resolve) => {
      this.#giveUp = resolve;
      promise.then(resolve, () => resolve("broken"));
      if (this.#isGone) resolve("gone");
    });
  }

  /** Ends it; without this its clock would run on. */
  end(): void {
    clearTimeout(this.#timer);
    this.#giveUp = undefined;
  }

  #look(): void {
    const left = this.#since + this.#ms - Date.now();
    if (left > 0) {
      this.#timer = setTimeout(() => this.#look(), left);
      return;
    }
    this.#giveUp?.("late");
    // What comes after it has its own time.
    this.#since = Date.now();
    this.#timer = setTimeout(() => this.#look(), this.#ms);
  }
}
