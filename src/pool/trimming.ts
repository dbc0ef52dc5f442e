/**
 * Trims the journal: rows older than the pool's `journal_days` are deleted, if they are in the archive (where there is one).
 * A checkpoint takes their place: the state after them, and the hash that the first remaining row must carry, so that the
 * chain still holds and the rest folds to the same state.
 */
import { foldRow, genesis, hashOf } from "../archive/chain.ts";
import { emptyPool, type Pool } from "../engine/state.ts";
import type { JournalRow } from "../protocol/journal.ts";
import { rowsAfter } from "./journal.ts";
import { readSnapshot, snapshotHead, writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

/** Few at a time: a row has up to 300,000 characters, and the pool itself is in memory, too. */
const rowsPerTurn = 16;
/** Characters that are folded in one run, some seconds of work; the rest is trimmed by the next. */
const mostLength = 50_000_000;

/** What the remaining journal begins from: a state, and the hash that its first row must carry. */
export type Base = { readonly pool: Pool; readonly head: string; readonly length: number };

/** The checkpoint, or the beginning of everything. */
export function baseOf(storage: PoolStorage): Base {
  const checkpoint = readSnapshot(storage, "checkpoint");
  const head = snapshotHead(storage, "checkpoint");
  if (checkpoint === undefined || head === undefined) return { pool: emptyPool(), head: genesis, length: 0 };
  return { ...checkpoint, head: head.head };
}

/** The last event that was trimmed; 0 if none was. */
export function trimmedTo(storage: PoolStorage): number {
  return snapshotHead(storage, "checkpoint")?.seq ?? 0;
}

/**
 * Deletes rows whose last event is older than `before`, but none after event `upTo`, and never the last row. Returns the last
 * event that was deleted; of very many rows only some are. Reads page by page, and lets requests run in between.
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
    // The rows before the first that stays. After a clock correction a later row may have an earlier time.
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

/** When the oldest row was written; undefined if there are fewer than two, because the last row is never trimmed. */
export function oldestAt({ sql }: PoolStorage): number | undefined {
  const rows = sql.exec<{ at: number }>("SELECT at FROM journal ORDER BY first_seq LIMIT 2").toArray();
  return rows.length < 2 ? undefined : rows[0]?.at;
}
