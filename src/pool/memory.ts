/** A pool's memory, rebuilt from storage: the snapshot (or checkpoint) and the journal behind it. */
import { foldRow, genesis, hashOf } from "../archive/chain.ts";
import { emptyPool, type Pool } from "../engine/state.ts";
import { lastRow, rowsAfter } from "./journal.ts";
import { migrate, schemaVersion } from "./schema.ts";
import { readSnapshot, snapshotHead } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";
import { baseOf, trimmedTo } from "./trimming.ts";

export type Memory = {
  readonly pool: Pool;
  /** Hash of the last journal row. */
  head: string;
  /** Last event that is persisted; the pool may be ahead of it until the next flush. */
  persistedSeq: number;
  /** Characters of journal behind the snapshot, and of the snapshot. */
  tailLength: number;
  snapshotLength: number;
};

/** Reads storage; of a pool that was never written it creates nothing. */
export function remember(storage: PoolStorage): Memory {
  if (schemaVersion(storage) === 0) {
    return { pool: emptyPool(), head: genesis, persistedSeq: 0, tailLength: 0, snapshotLength: 0 };
  }
  migrate(storage);
  // A journal that was trimmed beyond the snapshot goes on from its checkpoint.
  const isNewest = (snapshotHead(storage)?.seq ?? 0) >= trimmedTo(storage);
  const { pool, length } = (isNewest ? readSnapshot(storage) : undefined) ?? baseOf(storage);
  let tailLength = 0;
  for (let rows = rowsAfter(storage, pool.seq, 64); rows.length > 0; rows = rowsAfter(storage, pool.seq, 64)) {
    for (const row of rows) {
      tailLength += row.events.length;
      foldRow(pool, row);
    }
  }
  const last = lastRow(storage);
  const head = last === undefined ? genesis : hashOf(last);
  return { pool, head, persistedSeq: pool.seq, tailLength, snapshotLength: length };
}
