/**
 * The waiting line: reservations refused for budget whose callers would rather wait. Higher priority first, then
 * first come. Whoever can be granted is granted the moment budget comes free; one that can't be yet lets others pass.
 */
import type { ReserveCommand } from "../protocol/commands.ts";
import type { Outcome } from "../protocol/results.ts";

export type Waiter = {
  readonly command: ReserveCommand;
  /** The key that it was sent with. */
  readonly keyId: string | null;
  readonly priority: number;
  /** When it gives up and takes the refusal. */
  readonly until: number;
  readonly outcome: Promise<Outcome>;
  readonly settle: (outcome: Outcome) => void;
  readonly fail: (reason: unknown) => void;
};

export class WaitingLine {
  readonly #waiters: Waiter[] = [];

  get size(): number {
    return this.#waiters.length;
  }

  /** The waiter with this reservation id: a caller that comes back after a lost connection waits in its old place. */
  find(id: string): Waiter | undefined {
    return this.#waiters.find((waiter) => waiter.command.id === id);
  }

  join(command: ReserveCommand, keyId: string | null, priority: number, until: number): Waiter {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const waiter: Waiter = { command, keyId, priority, until, outcome: promise, settle: resolve, fail: reject };
    const behind = this.#waiters.findIndex((other) => other.priority < priority);
    this.#waiters.splice(behind < 0 ? this.#waiters.length : behind, 0, waiter);
    return waiter;
  }

  /** When the first of them gives up; undefined when nobody waits. */
  get nextUntil(): number | undefined {
    return this.#waiters.length === 0 ? undefined : Math.min(...this.#waiters.map((waiter) => waiter.until));
  }

  /** Asks each in order with `attempt`; those that get an outcome leave the line with it. */
  serve(attempt: (waiter: Waiter) => Outcome | undefined): { waiter: Waiter; outcome: Outcome }[] {
    const served: { waiter: Waiter; outcome: Outcome }[] = [];
    for (const waiter of this.#waiters) {
      const outcome = attempt(waiter);
      if (outcome !== undefined) served.push({ waiter, outcome });
    }
    for (const { waiter } of served) this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
    return served;
  }

  /** Sends everybody away: what they waited for is gone. */
  dismiss(reason: unknown): void {
    for (const waiter of this.#waiters.splice(0)) waiter.fail(reason);
  }
}
