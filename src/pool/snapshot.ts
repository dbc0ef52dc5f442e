/**
 * The snapshot: the state as of a `seq`, so that waking need not fold the whole journal. It is written when the journal after
 * it has grown to twice its size, which bounds both its cost per operation and the time to wake. It is stored in pages that
 * are made and read one at a time.
 */
import { fromPages, type ImagePage, pagesOf } from "../engine/image-pages.ts";
import type { Pool } from "../engine/state.ts";
import { limits } from "../protocol/limits.ts";
import { understanding } from "./damage.ts";
import type { PoolStorage } from "./storage.ts";

/** Below this length, folding the journal is cheaper than a snapshot. In characters. */
const minTailLength = 1_000_000;

/** The latest state, or the state that the journal was trimmed up to (`trimming.ts`): two tables of one shape. */
export type Table = "snapshot" | "checkpoint";

export type Snapshot = { readonly pool: Pool; readonly length: number };

/** Whether `tailLength` characters of journal after a snapshot of `snapshotLength` call for a new one. */
export function isDue(tailLength: number, snapshotLength: number): boolean {
  return tailLength >= Math.max(minTailLength, 2 * snapshotLength);
}

/** Replaces the snapshot, in one transaction; `head` is the hash of the journal so far. Returns its length. */
export function writeSnapshot(storage: PoolStorage, pool: Pool, head: string, table: Table = "snapshot"): number {
  return storage.transactionSync(() => {
    const { sql } = storage;
    let chunk = 0;
    let length = 0;
    for (const page of pagesOf(pool, limits.snapshotPageLength)) {
      sql.exec(
        `INSERT OR REPLACE INTO ${table} (chunk, seq, head, part) VALUES (?, ?, ?, ?)`,
        chunk,
        pool.seq,
        head,
        page,
      );
      chunk++;
      length += page.length;
    }
    sql.exec(`DELETE FROM ${table} WHERE chunk >= ?`, chunk);
    return length;
  });
}

/** Throws `DamagedError` if what is stored is not a state. */
export function readSnapshot({ sql }: PoolStorage, table: Table = "snapshot"): Snapshot | undefined {
  const pages: ImagePage[] = [];
  let length = 0;
  // One text at a time: together they would take as much memory as the pool itself.
  const texts = sql.exec<{ part: string }>(`SELECT part FROM ${table} ORDER BY chunk`);
  for (const { part } of texts) {
    length += part.length;
    pages.push(understanding(`${table} page ${pages.length}`, () => JSON.parse(part)));
  }
  if (pages.length === 0) return undefined;
  return { pool: understanding(table, () => fromPages(pages)), length };
}

/** A stored page, and whether there is another; undefined if there is no page of that number. */
export function storedPage(
  { sql }: Pick<PoolStorage, "sql">,
  chunk: number,
  table: Table,
): { readonly page: ImagePage; readonly hasMore: boolean } | undefined {
  const query = `SELECT part FROM ${table} WHERE chunk IN (?, ?) ORDER BY chunk`;
  const parts = sql.exec<{ part: string }>(query, chunk, chunk + 1).toArray();
  const [first] = parts;
  return first === undefined ? undefined : { page: JSON.parse(first.part) as ImagePage, hasMore: parts.length > 1 };
}

/** The seq of a snapshot, and the journal's hash at that point; the audit compares them with the journal. */
export function snapshotHead(
  { sql }: Pick<PoolStorage, "sql">,
  table: Table = "snapshot",
): { seq: number; head: string } | undefined {
  return sql.exec<{ seq: number; head: string }>(`SELECT seq, head FROM ${table} WHERE chunk = 0`).toArray()[0];
}
