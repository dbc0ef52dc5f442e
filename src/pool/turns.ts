/**
 * Fair turns between keys. A pool's object has one thread, and what arrives is handed to it in the order of arrival: a
 * key that sends ten thousand commands at once would make all others wait behind them. So each key has a quantum of work
 * for each turn, and what goes beyond waits in a queue of its own, served round robin (as in deficit round robin, of
 * network schedulers). A turn begins with the first work, and ends when the row that is then being written is safe. A
 * key that stays within its quantum never waits.
 */
import { limits } from "../protocol/limits.ts";

type Job = { readonly cost: number; readonly bytes: number; readonly run: () => void };

/** What of one key waits, and what it keeps in memory. */
type Queue = { readonly jobs: Job[]; bytes: number };

export class Turns {
  readonly #turnEnds: () => Promise<unknown>;
  /** Work that each key has done in this turn. */
  readonly #used = new Map<string, number>();
  /** What waits, by key: the key at the front is served next. */
  readonly #queues = new Map<string, Queue>();
  /** Whether a turn has begun, whose end is awaited. */
  #isTurn = false;

  /** `turnEnds()` resolves when the turn that has begun is over. */
  constructor(turnEnds: () => Promise<unknown>) {
    this.#turnEnds = turnEnds;
  }

  /** Whether this key has as much in its queue as it may. */
  isFull(key: string): boolean {
    const queue = this.#queues.get(key);
    return queue !== undefined && (queue.jobs.length >= limits.queuedPerKey || queue.bytes >= limits.queuedBytesPerKey);
  }

  /**
   * Runs `work`, at once or when it is the key's turn. `cost` is in commands, or as much work as those are; `bytes()` is
   * what it keeps in memory until then, asked for only where it waits.
   */
  take<T>(key: string, cost: number, work: () => T | Promise<T>, bytes: () => number): Promise<T> {
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
      const queue = this.#queues.get(key) ?? { jobs: [], bytes: 0 };
      this.#queues.set(key, queue);
      const job = { cost, bytes: bytes(), run };
      queue.jobs.push(job);
      queue.bytes += job.bytes;
    });
  }

  /** Counts work of a key's in this turn: what begins, or what turned out to be more than was expected. */
  charge(key: string, cost: number): void {
    this.#used.set(key, (this.#used.get(key) ?? 0) + cost);
    if (!this.#isTurn) void this.#endTurn();
  }

  /** Whether that much more stays within the key's quantum; what is larger than that by itself runs alone. */
  #mayRun(key: string, cost: number): boolean {
    const used = this.#used.get(key) ?? 0;
    return used === 0 || used + cost <= limits.turnQuantum;
  }

  /** Begins the next turn once this one is over, if anything waits for it. */
  async #endTurn(): Promise<void> {
    this.#isTurn = true;
    // By then the work that began the turn has been applied, and is in the row that is awaited.
    await Promise.resolve();
    // A row that could not be stored ends the turn as well.
    await this.#turnEnds().catch(() => undefined);
    this.#isTurn = false;
    this.#used.clear();
    this.#serve();
  }

  /** A job of each key in turn, until all have had their quantum, or this turn is long enough. */
  #serve(): void {
    let spent = 0;
    for (let served = true; served && spent < limits.turnMost;) {
      served = false;
      // As they stand now: each key that is served goes to the end.
      for (const [key, queue] of Array.from(this.#queues)) {
        const [job] = queue.jobs;
        if (job === undefined || spent >= limits.turnMost || !this.#mayRun(key, job.cost)) continue;
        queue.jobs.shift();
        queue.bytes -= job.bytes;
        // Behind all others, for the next round.
        this.#queues.delete(key);
        if (queue.jobs.length > 0) this.#queues.set(key, queue);
        this.charge(key, job.cost);
        spent += job.cost;
        served = true;
        job.run();
      }
    }
  }
}
