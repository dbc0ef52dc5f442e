/** The alarm of a pool: set only when none is set, or something ends before it, for each one is a billed row. */
import type { PoolStorage } from "./storage.ts";

/** Alarms for leases are set at multiples of this: one row for all that ends within it. */
const gridMs = 30_000;

export class PoolAlarm {
  readonly #storage: PoolStorage;
  /** When it will run; undefined when that is not known (after waking or a failure). */
  #at: number | undefined;
  #isRunning = false;

  constructor(storage: PoolStorage) {
    this.#storage = storage;
  }

  /** After waking: the alarm that is set. One that is overdue has been seen never to run (cloudflare-docs #18324). */
  isAt(at: number | null, now: number): void {
    if (at !== null && at > now) this.#at = at;
  }

  forget(): void {
    this.#at = undefined;
  }

  /** Does what the alarm is for; one that it needs next is set when it is through. */
  async run(work: () => Promise<void>): Promise<void> {
    this.#at = undefined;
    this.#isRunning = true;
    try {
      await work();
    } finally {
      this.#isRunning = false;
    }
  }

  /** Sets it for when the next lease or period ends, or the next task is due: infinite for never. */
  async arrange(endsAt: number, taskAt: number): Promise<void> {
    if (this.#isRunning) return;
    const at = Math.min(Math.ceil(endsAt / gridMs) * gridMs, taskAt);
    if (!Number.isFinite(at)) return;
    if (this.#at !== undefined && this.#at <= at) return;
    this.#at = at;
    try {
      await this.#storage.setAlarm(at);
    } catch {
      // What was written stands, and leases end on time without it. The next flush tries again.
      this.#at = undefined;
    }
  }
}
