/**
 * An idle timeout: a wait ends when the caller disconnects, or when nothing came for too long. There is one wait at a
 * time, and it leaves nothing behind, as `Promise.race` would against a promise that outlives every wait. The timer is
 * not set again for each wait, because a stream has thousands: when it fires, it looks how long the last one has been.
 */

/** Why a wait was in vain: the caller disconnected, nothing came in time, or the connection failed. */
export type Interruption = "disconnected" | "timeout" | "failed";

export class IdleTimeout {
  readonly #ms: number;
  #isDisconnected = false;
  #interrupt: ((why: Interruption) => void) | undefined;
  #since = Date.now();
  #timer: ReturnType<typeof setTimeout>;

  /** The caller is gone when `signal` aborts, which is a hint, or when its stream is `closed`, which is a fact. */
  constructor(ms: number, [signal, closed]: readonly [signal: AbortSignal, closed: Promise<void>]) {
    this.#ms = ms;
    this.#timer = setTimeout(() => this.#look(), ms);
    const onDisconnect = (): void => {
      this.#isDisconnected = true;
      this.#interrupt?.("disconnected");
    };
    if (signal.aborted) onDisconnect();
    signal.addEventListener("abort", onDisconnect, { once: true });
    closed.then(onDisconnect, onDisconnect);
  }

  /** The value of `promise`, or why the wait for it ended. A rejection is taken for a failed connection. */
  race<T>(promise: Promise<T>): Promise<T | Interruption> {
    this.#since = Date.now();
    return new Promise<T | Interruption>((resolve) => {
      this.#interrupt = resolve;
      promise.then(resolve, () => resolve("failed"));
      if (this.#isDisconnected) resolve("disconnected");
    });
  }

  /** Stops the timer, which would otherwise keep running. */
  end(): void {
    clearTimeout(this.#timer);
    this.#interrupt = undefined;
  }

  #look(): void {
    const left = this.#since + this.#ms - Date.now();
    if (left > 0) {
      this.#timer = setTimeout(() => this.#look(), left);
      return;
    }
    this.#interrupt?.("timeout");
    // What comes after it has its own time.
    this.#since = Date.now();
    this.#timer = setTimeout(() => this.#look(), this.#ms);
  }
}
