/**
 * Trims the journal: what is older than the pool keeps, and is in the archive where there is one, is deleted. In its
 * place stands a checkpoint: the state that it came to, and the hash that what is left must carry, so that the chain
 * still holds and the rest still folds to the same state.
 */
import { foldRow, genesis, hashOf } from "../archive/chain.ts";
import { emptyPool, type Pool } from "../engine/state.ts";
import type { JournalRow } from "../protocol/journal.ts";
import { rowsAfter } from "./journal.ts";
import { readSnapshot, snapshotHead, writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

/** A row has up to 300,000 characters, and the pool itself is in memory too. */
const rowsPerTurn = 16;
/** Characters that are folded in one go: some seconds of work. The rest is trimmed in the next. */
const mostLength = 50_000_000;

/** What the journal that is left begins from: the state, and the hash that its first row carries. */
export type Base = { readonly pool: Pool; readonly head: string; readonly length: number };

/** The checkpoint, or the beginning of everything. */
export function baseOf(storage: PoolStorage): Base {
  const checkpoint = readSnapshot(storage, "checkpoint");
  const head = snapshotHead(storage, "checkpoint");
  if (checkpoint === undefined || head === undefined) return { pool: emptyPool(), head: genesis, length: 0 };
  return { ...checkpoint, head: head.head };
}

/** The last event that is not in the journal any more; 0 while all are. */
export function trimmedTo(storage: PoolStorage): number {
  return snapshotHead(storage, "checkpoint")?.seq ?? 0;
}

/**
 * Deletes rows whose last event is older than `before`, but none after event `upTo`, and never the last row. Returns
 * the last event that is deleted; of very many rows only some are. Reads page by page and lets others run in between.
 */
export async function trim(
  storage: PoolStorage,
  before: number,
  upTo: number,
  isStillThere: () => boolean = () => true,
): Promise<number> {
  const base = baseOf(storage);
  const { pool } = base;
  let last: JournalRow | undefined;
  let length = 0;
  for (;;) {
    await storage.sync();
    if (!isStillThere()) throw new Error("the pool was deleted while its journal was trimmed");
    const rows = rowsAfter(storage, pool.seq, rowsPerTurn + 1);
    // The rows before the first that stays: where a clock was put right, a younger row is older by its time.
    const kept = rows.slice(0, -1).findIndex((row) => row.at >= before || row.last_seq > upTo);
    const old = rows.slice(0, kept === -1 ? -1 : kept);
    for (const row of old) foldRow(pool, row);
    last = old.at(-1) ?? last;
    length += old.reduce((sum, row) => sum + row.events.length, 0);
    if (old.length < rowsPerTurn || length > mostLength) break;
  }
  if (last === undefined) return base.pool.seq;
  const head = hashOf(last);
  const { last_seq } = last;
  storage.transactionSync(() => {
    writeSnapshot(storage, pool, head, "checkpoint");
    storage.sql.exec("DELETE FROM journal WHERE last_seq <= ?", last_seq);
  });
  return last_seq;
}

/** When the oldest row that is kept was written; undefined while there is one row or none, which are never trimmed. */
export function oldestAt({ sql }: PoolStorage): number | undefined {
  const rows = sql.exec<{ at: number }>("SELECT at FROM journal ORDER BY first_seq LIMIT 2").toArray();
  return rows.length < 2 ? undefined : rows[0]?.at;
}
