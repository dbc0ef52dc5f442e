/** The alarm of a pool. It is set only if none is set, or something ends before it: setting it is a billed row. */
import type { PoolStorage } from "./storage.ts";

/** Alarms for leases are rounded up to multiples of this, so that leases that end together share one row. */
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

  /** Runs the alarm's work; an alarm that is needed next is set afterwards. */
  async run(work: () => Promise<void>): Promise<void> {
    this.#at = undefined;
    this.#isRunning = true;
    try {
      await work();
    } finally {
      this.#isRunning = false;
    }
  }

  /** Sets the alarm for the next end of a lease or period, or the next task; infinite for never. */
  async arrange(endsAt: number, taskAt: number): Promise<void> {
    if (this.#isRunning) return;
    const at = Math.min(Math.ceil(endsAt / gridMs) * gridMs, taskAt);
    if (!Number.isFinite(at)) return;
    if (this.#at !== undefined && this.#at <= at) return;
    this.#at = at;
    try {
      await this.#storage.setAlarm(at);
    } catch {
      // What was written stands, and leases end on time without an alarm. The next flush tries again.
      this.#at = undefined;
    }
  }
}
