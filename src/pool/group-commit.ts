/**
 * Group commit: events of all that is delivered while a row is being written share the next one. The slower the disk,
 * the fewer the rows; a lone delivery waits for nothing. An answer is given only once the events that it rests on are
 * safe; if a row can't be written, every delivery that waits for it fails.
 */
import type { PoolEvent } from "../protocol/events.ts";
import { isSpendingStopped, spendingStopped } from "../protocol/spending-stop.ts";
import type { PoolStorage } from "./storage.ts";

/** Thrown to the caller of each delivery in a batch that could not be stored. */
export class NotPersistedError extends Error {
  override readonly name = "NotPersistedError";
}

/** Events of one row to be, and the promise of those who wait for it. */
type Batch = { readonly events: PoolEvent[]; readonly persisted: Promise<void>; failure?: Error };

export type CommitHooks = {
  /** Writes a row, in one go. What it throws means that nothing is stored. */
  readonly write: (events: readonly PoolEvent[]) => void;
  /** The row is safe. */
  readonly written: (events: readonly PoolEvent[]) => Promise<void>;
  /** Nothing of the batch is stored, so nothing of it may stay in memory either. */
  readonly failed: (error: NotPersistedError) => void;
};

export class GroupCommit {
  readonly #storage: PoolStorage;
  readonly #hooks: CommitHooks;
  #batch: Batch | undefined;

  constructor(storage: PoolStorage, hooks: CommitHooks) {
    this.#storage = storage;
    this.#hooks = hooks;
  }

  /** Resolves when all that was added before is stored. */
  async persisted(): Promise<void> {
    await this.#batch?.persisted;
  }

  /** Whether nothing waits to be written. */
  get isIdle(): boolean {
    return this.#batch === undefined;
  }

  /** Adds events to the batch that all deliveries share until it is flushed. Resolves when they are stored. */
  add(events: readonly PoolEvent[]): Promise<void> {
    if (events.length > 0) this.#batch ??= this.#newBatch();
    this.#batch?.events.push(...events);
    return this.#batch?.persisted ?? Promise.resolve();
  }

  #newBatch(): Batch {
    // Resolves when earlier writes are safe. (A timer would cost a lone delivery a millisecond.)
    const persisted = this.#storage.sync().then(
      () => this.#flush(batch),
      (cause: unknown) => {
        throw this.giveUp(cause);
      },
    );
    const batch: Batch = { events: [], persisted };
    // No delivery waits for a batch that only ends leases; its failure must not go unhandled.
    persisted.catch(() => undefined);
    return batch;
  }

  async #flush(batch: Batch): Promise<void> {
    if (this.#batch === batch) this.#batch = undefined;
    if (batch.failure !== undefined) throw batch.failure;
    try {
      this.#hooks.write(batch.events);
    } catch (cause) {
      throw this.giveUp(cause);
    }
    await this.#hooks.written(batch.events);
  }

  /** Gives up the batch that is being gathered: every delivery in it fails. */
  giveUp(cause: unknown): NotPersistedError {
    const why = isSpendingStopped(cause) ? spendingStopped : "nothing was stored; the same request may be repeated";
    // In the message, for a cause is lost on the way to the edge.
    const error = new NotPersistedError(why, { cause });
    if (this.#batch !== undefined) this.#batch.failure = error;
    this.#batch = undefined;
    this.#hooks.failed(error);
    return error;
  }
}
