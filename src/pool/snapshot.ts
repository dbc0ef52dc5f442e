/**
 * The snapshot: the state as of a `seq`, so that waking need not fold the whole journal. Written when the journal
 * behind it has grown to twice its size, which keeps both its cost per operation and the time to wake bounded.
 */
import { fromImage, type PoolImage, toImage } from "../engine/image.ts";
import type { Pool } from "../engine/state.ts";
import type { PoolStorage } from "./storage.ts";

/** Chunks stay under 1 MB, at up to 3 bytes a character. */
const maxChunkLength = 330_000;

/** A smaller journal than this is folded faster than a snapshot is worth. */
const minTailLength = 1_000_000;

/** The last state, or the one that the journal was trimmed up to (`trimming.ts`): tables of one shape. */
export type Table = "snapshot" | "checkpoint";

export type Snapshot = { readonly pool: Pool; readonly length: number };

/** Whether `tailLength` characters of journal behind a snapshot of `snapshotLength` are too many. */
export function isDue(tailLength: number, snapshotLength: number): boolean {
  return tailLength >= Math.max(minTailLength, 2 * snapshotLength);
}

/** Replaces the snapshot, inside the caller's transaction; `head` is the hash of the journal so far. Returns its length. */
export function writeSnapshot({ sql }: PoolStorage, pool: Pool, head: string, table: Table = "snapshot"): number {
  const text = JSON.stringify(toImage(pool));
  let chunk = 0;
  for (let start = 0; start < text.length; chunk++) {
    const end = boundary(text, start + maxChunkLength);
    sql.exec(
      `INSERT OR REPLACE INTO ${table} (chunk, seq, head, part) VALUES (?, ?, ?, ?)`,
      chunk,
      pool.seq,
      head,
      text.slice(start, end),
    );
    start = end;
  }
  sql.exec(`DELETE FROM ${table} WHERE chunk >= ?`, chunk);
  return text.length;
}

export function readSnapshot({ sql }: PoolStorage, table: Table = "snapshot"): Snapshot | undefined {
  const chunks = sql.exec<{ part: string }>(`SELECT part FROM ${table} ORDER BY chunk`).toArray();
  if (chunks.length === 0) return undefined;
  const text = chunks.map(({ part }) => part).join("");
  const image: PoolImage = JSON.parse(text);
  return { pool: fromImage(image), length: text.length };
}

/** The journal's hash that the snapshot was taken at, and the seq; the audit holds them against the journal. */
export function snapshotHead(
  { sql }: PoolStorage,
  table: Table = "snapshot",
): { seq: number; head: string } | undefined {
  return sql.exec<{ seq: number; head: string }>(`SELECT seq, head FROM ${table} WHERE chunk = 0`).toArray()[0];
}

/** Half a surrogate pair would be stored as a replacement character; cut behind the whole one. */
function boundary(text: string, end: number): number {
  const code = text.charCodeAt(end - 1);
  return code >= 0xd800 && code <= 0xdbff ? end + 1 : end;
}
