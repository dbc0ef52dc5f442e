/** A pool's memory, rebuilt from storage: the snapshot and the journal behind it. */
import { evolve } from "../engine/evolve.ts";
import { emptyPool, type Pool } from "../engine/state.ts";
import type { PoolEvent } from "../protocol/events.ts";
import { genesis, hashOf, type JournalRow, lastRow, rowsAfter } from "./journal.ts";
import { migrate, schemaVersion } from "./schema.ts";
import { readSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

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
  const snapshot = readSnapshot(storage);
  const pool = snapshot?.pool ?? emptyPool();
  let tailLength = 0;
  for (let rows = rowsAfter(storage, pool.seq, 64); rows.length > 0; rows = rowsAfter(storage, pool.seq, 64)) {
    for (const row of rows) {
      tailLength += row.events.length;
      foldRow(pool, row);
    }
  }
  const last = lastRow(storage);
  const head = last === undefined ? genesis : hashOf(last);
  return { pool, head, persistedSeq: pool.seq, tailLength, snapshotLength: snapshot?.length ?? 0 };
}

/** Applies a row's events; a row that does not follow on what came before means that storage is damaged. */
export function foldRow(pool: Pool, row: JournalRow): void {
  if (row.first_seq !== pool.seq + 1) throw new Error(`journal row ${row.first_seq} follows event ${pool.seq}`);
  const events: PoolEvent[] = JSON.parse(row.events);
  for (const event of events) evolve(pool, event);
  if (row.last_seq !== pool.seq)
    throw new Error(`journal row ${row.first_seq} ends at ${pool.seq}, not ${row.last_seq}`);
}
