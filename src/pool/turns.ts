/**
 * Fair queuing between keys. A pool's object has one thread and gets requests in the order of arrival, so a key that sends ten
 * thousand commands at once would make all other keys wait behind them. Each key has a quantum of work for each turn; what
 * goes beyond waits in the key's own queue, and the queues are served round robin (deficit round robin, as in network
 * schedulers). A turn begins with the first work, and ends when the row that is then being written is safe. A key that stays
 * within its quantum never waits.
 */
import { limits } from "../protocol/limits.ts";

type Job = { readonly cost: number; readonly bytes: number; readonly run: () => void };

/** The waiting jobs of one key, and the bytes that they keep in memory. */
type Queue = { readonly jobs: Job[]; bytes: number };

export class Turns {
  readonly #turnEnds: () => Promise<unknown>;
  /** Work that each key has done in this turn. */
  readonly #used = new Map<string, number>();
  /** The queues, by key: the key at the front is served next. */
  readonly #queues = new Map<string, Queue>();
  /** Whether a turn is running. */
  #isTurn = false;

  /** `turnEnds()` resolves when the turn that has begun is over. */
  constructor(turnEnds: () => Promise<unknown>) {
    this.#turnEnds = turnEnds;
  }

  /** Whether this key's queue is full (back-pressure): more of its work must be refused. */
  isFull(key: string): boolean {
    const queue = this.#queues.get(key);
    return queue !== undefined && (queue.jobs.length >= limits.queuedPerKey || queue.bytes >= limits.queuedBytesPerKey);
  }

  /**
   * Runs `work`, at once or when it is the key's turn. `cost` is in commands, or the equivalent; `bytes()` is what the work
   * keeps in memory while it waits, and is called only then.
   */
  take<T>(key: string, cost: number, work: () => T | Promise<T>, bytes: () => number): Promise<T> {
    if (!this.#queues.has(key) && this.#mayRun(key, cost)) {
      this.charge(key, cost);
      // Not `async`: the work must have begun when this returns, before the next request is let in.
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

  /** Charges work to a key's quantum: work that begins, or that turned out to be more than was expected. */
  charge(key: string, cost: number): void {
    this.#used.set(key, (this.#used.get(key) ?? 0) + cost);
    if (!this.#isTurn) void this.#endTurn();
  }

  /** Whether so much more stays within the key's quantum. Work that exceeds a whole quantum by itself runs alone in its turn. */
  #mayRun(key: string, cost: number): boolean {
    const used = this.#used.get(key) ?? 0;
    return used === 0 || used + cost <= limits.turnQuantum;
  }

  /** Begins the next turn once this one is over, if anything waits for it. */
  async #endTurn(): Promise<void> {
    this.#isTurn = true;
    // After this the work that began the turn has been applied, and is in the row that is awaited.
    await Promise.resolve();
    // A row that could not be stored ends the turn, too.
    await this.#turnEnds().catch(() => undefined);
    this.#isTurn = false;
    this.#used.clear();
    this.#serve();
  }

  /** Serves one job of each key in rotation, until all quanta are used or the turn is long enough. */
  #serve(): void {
    let spent = 0;
    for (let served = true; served && spent < limits.turnMost;) {
      served = false;
      // A copy: each key that is served moves to the end.
      for (const [key, queue] of Array.from(this.#queues)) {
        const [job] = queue.jobs;
        if (job === undefined || spent >= limits.turnMost || !this.#mayRun(key, job.cost)) continue;
        queue.jobs.shift();
        queue.bytes -= job.bytes;
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
