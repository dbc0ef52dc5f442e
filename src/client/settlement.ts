/**
 * The end of a governed call: booked once, or given back once, whatever happens. It keeps the lease alive until then,
 * and never costs the caller an answer that is already there.
 */
import { UnreachableError } from "./errors.ts";
import type { CommitOptions, Hold } from "./hold.ts";

export type SettlementOptions = {
  /** Told when what a call used could not be booked, even after repeating. By default it is logged as an error. */
  readonly unbooked?: ((error: unknown, hold: Hold, amount: number) => void) | undefined;
};

/** A call longer than this is left to its lease: the reader of its stream has left without closing it. */
const keepAliveMs = 15 * 60_000;

export class Settlement {
  readonly hold: Hold;
  readonly #alive: { stop(): void };
  readonly #options: SettlementOptions;
  #isOver = false;

  constructor(hold: Hold, options: SettlementOptions = {}) {
    this.hold = hold;
    this.#options = options;
    this.#alive = hold.keepAlive(keepAliveMs);
  }

  /** Books `amount`. Does nothing after the first settlement. */
  async book(amount: number, { confidence, usage }: Omit<CommitOptions, "signal"> = {}): Promise<void> {
    if (this.#end()) return;
    try {
      await this.hold.commit(amount, { confidence, usage });
    } catch (error) {
      // A caller that chose to go on without the governor goes on without it.
      if (!this.hold.governed && error instanceof UnreachableError) return;
      const { unbooked = logUnbooked } = this.#options;
      unbooked(error, this.hold, amount);
    }
  }

  /** Gives the hold back: the call failed before it cost anything, as far as can be seen from here. */
  async giveBack(): Promise<void> {
    if (this.#end() || !this.hold.governed) return;
    // Its lease gives it back too. What went wrong with the call is what its caller must hear of.
    await this.hold.release().catch(() => undefined);
  }

  /** True if it was over before. */
  #end(): boolean {
    const wasOver = this.#isOver;
    this.#isOver = true;
    this.#alive.stop();
    return wasOver;
  }
}

function logUnbooked(error: unknown, { agent, id }: Hold, amount: number): void {
  const why = error instanceof Error ? error.message : String(error);
  console.error(`bursar: ${amount} used by ${agent} could not be booked on ${id}: ${why}`);
}
