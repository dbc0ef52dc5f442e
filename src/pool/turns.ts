/**
 * Fair turns between keys. A pool's object has one thread, and what arrives is handed to it in the order of arrival: a
 * key that sends ten thousand commands at once would have everybody wait behind them. So each key has a quantum of work
 * for each turn, and what goes beyond waits in a queue of its own, round robin (deficit round robin, as in network
 * schedulers). A turn ends when the row that is being written is safe. A key that stays within its quantum never waits.
 */
import { limits } from "../protocol/limits.ts";

type Job = { readonly cost: number; readonly bytes: number; readonly run: () => void };

export class Turns {
  readonly #turnEnds: () => Promise<unknown>;
  /** Work that each key has done in this turn. */
  readonly #used = new Map<string, number>();
  /** What waits, by key: the key at the front is served next. */
  readonly #queues = new Map<string, Job[]>();
  readonly #queuedBytes = new Map<string, number>();
  #isEnding = false;

  /** `turnEnds()` resolves when the turn that has begun is over. */
  constructor(turnEnds: () => Promise<unknown>) {
    this.#turnEnds = turnEnds;
  }

  /** Whether this key has as much in its queue as it may. */
  isFull(key: string): boolean {
    return (
      (this.#queues.get(key)?.length ?? 0) >= limits.queuedPerKey ||
      (this.#queuedBytes.get(key) ?? 0) >= limits.queuedBytesPerKey
    );
  }

  /**
   * Runs `work`, at once or when it is the key's turn. `cost` is in commands, or as much work as those are; `bytes` is
   * what it keeps in memory until then.
   */
  take<T>(key: string, cost: number, work: () => T | Promise<T>, bytes = 0): Promise<T> {
    if (!this.#queues.has(key) && this.#mayRun(key, cost)) {
      this.charge(key, cost);
      // Not `async`: what runs at once must have begun when this returns, before the next caller is let in.
      return new Promise((resolve) => {
        resolve(work());
      });
    }
    return new Promise((resolve, reject) => {
      const run = (): void => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      };
      const queue = this.#queues.get(key) ?? [];
      this.#queues.set(key, queue);
      queue.push({ cost, bytes, run });
      this.#queuedBytes.set(key, (this.#queuedBytes.get(key) ?? 0) + bytes);
      this.#end();
    });
  }

  /** Counts work that was more than expected. */
  charge(key: string, cost: number): void {
    this.#used.set(key, (this.#used.get(key) ?? 0) + cost);
  }

  /** Whether that much more stays within the key's quantum; what is larger than that by itself runs alone. */
  #mayRun(key: string, cost: number): boolean {
    const used = this.#used.get(key) ?? 0;
    return used === 0 || used + cost <= limits.turnQuantum;
  }

  /** Begins the next turn once this one is over. */
  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    const next = (): void => {
      this.#isEnding = false;
      this.#used.clear();
      this.#serve();
    };
    void (async () => {
      // A row that could not be stored ends the turn as well.
      await this.#turnEnds().catch(() => undefined);
      next();
    })();
  }

  /** A job of each key in turn, until all have had their quantum, or this turn is long enough. */
  #serve(): void {
    let spent = 0;
    for (let served = true; served && spent < limits.turnMost; ) {
      served = false;
      // As they stand now: each key that is served goes to the end.
      for (const [key, queue] of Array.from(this.#queues)) {
        const [job] = queue;
        if (job === undefined || spent >= limits.turnMost || !this.#mayRun(key, job.cost)) continue;
        queue.shift();
        // Behind all others, for the next round.
        this.#queues.delete(key);
        if (queue.length > 0) this.#queues.set(key, queue);
        else this.#queuedBytes.delete(key);
        if (queue.length > 0) this.#queuedBytes.set(key, (this.#queuedBytes.get(key) ?? 0) - job.bytes);
        this.charge(key, job.cost);
        spent += job.cost;
        served = true;
        job.run();
      }
    }
    if (this.#queues.size > 0) this.#end();
  }
}
