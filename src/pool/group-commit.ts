/**
 * Group commit: the events of all deliveries that arrive while a row is being written share the next row. The slower the
 * disk, the fewer the rows; a single delivery does not wait for others. An answer is given only once the events it depends on
 * are safe. If a row can't be written, every delivery that waits for it fails.
 */
import type { PoolEvent } from "../protocol/events.ts";
import { isSpendingStopped, spendingStopped } from "../protocol/spending-stop.ts";
import type { PoolStorage } from "./storage.ts";

/** Thrown to the caller of each delivery in a batch that could not be stored. */
export class NotPersistedError extends Error {
  override readonly name = "NotPersistedError";
}

/** The events of the next row, and the promise that it is stored. */
type Batch = { readonly events: PoolEvent[]; readonly persisted: Promise<void>; failure?: Error };

export type CommitHooks = {
  /** Writes a row, synchronously. If it throws, nothing was stored. */
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

  /** Resolves when everything added before is stored. */
  async persisted(): Promise<void> {
    await this.#batch?.persisted;
  }

  /** Whether nothing waits to be written. */
  get isIdle(): boolean {
    return this.#batch === undefined;
  }

  /** Adds events to the pending batch. Resolves when they are stored. */
  add(events: readonly PoolEvent[]): Promise<void> {
    if (events.length > 0) this.#batch ??= this.#newBatch();
    this.#batch?.events.push(...events);
    return this.#batch?.persisted ?? Promise.resolve();
  }

  #newBatch(): Batch {
    // Resolves when earlier writes are safe. A timer instead would cost a single delivery a millisecond.
    const persisted = this.#storage.sync().then(
      () => this.#flush(batch),
      (cause: unknown) => {
        throw this.giveUp(cause);
      },
    );
    const batch: Batch = { events: [], persisted };
    // No caller waits for a batch that only ends leases; its failure must not be an unhandled rejection.
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

  /** Fails the pending batch: every delivery in it fails with the error that is returned. */
  giveUp(cause: unknown): NotPersistedError {
    const why = isSpendingStopped(cause) ? spendingStopped : "nothing was stored; the same request may be repeated";
    // In the message, because an error's cause does not survive the RPC to the edge.
    const error = new NotPersistedError(why, { cause });
    if (this.#batch !== undefined) this.#batch.failure = error;
    this.#batch = undefined;
    this.#hooks.failed(error);
    return error;
  }
}
