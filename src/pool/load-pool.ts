/**
 * Loads a pool into memory: its snapshot (or checkpoint), and the journal after it. Every row is checked against its own hash
 * and the hash chain: a damaged pool must not continue with wrong numbers.
 */
import { foldRow, genesis } from "../archive/chain.ts";
import { emptyPool, type Pool } from "../engine/state.ts";
import { DamagedError, reading, understanding } from "./damage.ts";
import { checkRow, endOf, notedHead, rowsAfter } from "./journal.ts";
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
  /** Characters of journal after the snapshot, and of the snapshot. */
  tailLength: number;
  snapshotLength: number;
};

const rowsPerRead = 64;

/** The pool as stored; one that was never written is empty, and no table is created for it. Throws `DamagedError`. */
export function loadPool(storage: PoolStorage): Memory {
  if (reading("schema_version", () => schemaVersion(storage)) === 0) {
    return { pool: emptyPool(), head: genesis, persistedSeq: 0, tailLength: 0, snapshotLength: 0 };
  }
  migrate(storage);
  // If it can't be read which keys are revoked, no key may be accepted.
  reading("revoked_keys", () => storage.sql.exec("SELECT 1 FROM revoked_keys LIMIT 1").toArray());
  const base = reading("snapshot", () => newestBase(storage));
  const noted = reading("head", () => notedHead(storage));
  const { pool } = base;
  let { head } = base;
  let tailLength = 0;
  for (;;) {
    const rows = reading("journal", () => rowsAfter(storage, pool.seq, rowsPerRead));
    for (const row of rows) {
      understanding(`journal row ${row.first_seq}`, () => {
        checkRow(row, head);
        foldRow(pool, row);
      });
      head = row.hash;
      tailLength += row.events.length;
      if (row.last_seq === noted?.seq && row.hash !== noted.hash) {
        throw new DamagedError(`journal row ${row.first_seq}`, "another row was written there");
      }
    }
    if (rows.length < rowsPerRead) break;
  }
  const end = reading("journal", () => endOf(storage));
  if (end !== undefined && (end.seq !== pool.seq || end.hash !== head)) {
    throw new DamagedError(
      "journal",
      `its last row is not the one that the state as of event ${pool.seq} follows from`,
    );
  }
  if (noted !== undefined && noted.seq > pool.seq) {
    throw new DamagedError("journal", `it ends at event ${pool.seq}, and event ${noted.seq} was stored`);
  }
  return { pool, head, persistedSeq: pool.seq, tailLength, snapshotLength: base.length };
}

/** The snapshot, or the checkpoint where the journal was trimmed beyond it. */
function newestBase(storage: PoolStorage): { readonly pool: Pool; readonly head: string; readonly length: number } {
  const taken = snapshotHead(storage);
  const snapshot = taken !== undefined && taken.seq >= trimmedTo(storage) ? readSnapshot(storage) : undefined;
  return taken !== undefined && snapshot !== undefined ? { ...snapshot, head: taken.head } : baseOf(storage);
}
