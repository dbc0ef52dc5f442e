/**
 * The journal: the append-only list of events, one row per flush, each chained to the one before (`archive/chain.ts`).
 * A row holds `events` as a JSON array; the first one's number is `first_seq`. Beside it stands its own hash, so that a
 * row that was changed is noticed even where no other row follows it.
 */
import { hashOf } from "../archive/chain.ts";
import type { PoolEvent } from "../protocol/events.ts";
import type { JournalEvent, JournalRow } from "../protocol/journal.ts";
import { limits } from "../protocol/limits.ts";
import { DamagedError } from "./damage.ts";
import type { PoolStorage } from "./storage.ts";

/** A stored row is at most 2 MB; a JavaScript character takes up to 3 bytes in it. */
const maxRowLength = 300_000;

/** A row as stored, with its own hash. */
export type StoredRow = JournalRow & { readonly hash: string };

const columns = "first_seq, last_seq, at, previous, events, hash";

/** The rows for `events`, the first of which has number `firstSeq`: one, unless there are very many events. */
export function toRows(events: readonly PoolEvent[], firstSeq: number, previous: string): StoredRow[] {
  const rows: StoredRow[] = [];
  let texts: string[] = [];
  let length = 0;
  let first = firstSeq;
  let head = previous;
  const close = (last: PoolEvent | undefined): void => {
    if (last === undefined || texts.length === 0) return;
    const last_seq = first + texts.length - 1;
    const row = { first_seq: first, last_seq, at: last.at, previous: head, events: `[${texts.join(",")}]` };
    const hash = hashOf(row);
    rows.push({ ...row, hash });
    head = hash;
    first = last_seq + 1;
    texts = [];
    length = 0;
  };
  for (const [index, event] of events.entries()) {
    const text = JSON.stringify(event);
    if (length + text.length > maxRowLength) close(events[index - 1]);
    texts.push(text);
    length += text.length;
  }
  close(events.at(-1));
  return rows;
}

export function append({ sql }: PoolStorage, row: StoredRow): void {
  const { first_seq, last_seq, at, previous, events, hash } = row;
  sql.exec(
    `INSERT INTO journal (${columns}) VALUES (?, ?, ?, ?, ?, ?)`,
    first_seq,
    last_seq,
    at,
    previous,
    events,
    hash,
  );
}

/** Throws if `row` was changed since it was written, or if the hash chain is broken between it and `head`. */
export function checkRow(row: StoredRow, head: string): void {
  const where = `journal row ${row.first_seq}`;
  if (row.previous !== head) throw new DamagedError(where, "it does not carry the hash of the row before it");
  if (hashOf(row) !== row.hash) throw new DamagedError(where, "it was changed: its hash is another");
}

/**
 * Rows with events after `seq`, in order, at most `count`, and no more once they have `length` characters of events: a
 * row has up to 300,000.
 */
export function rowsAfter(
  { sql }: PoolStorage,
  seq: number,
  count: number,
  length: number = Number.POSITIVE_INFINITY,
): StoredRow[] {
  const rows: StoredRow[] = [];
  let read = 0;
  const found = sql.exec<StoredRow>(
    `SELECT ${columns} FROM journal
     WHERE first_seq >= (SELECT coalesce(max(first_seq), 0) FROM journal WHERE first_seq <= ?) AND last_seq > ?
     ORDER BY first_seq LIMIT ?`,
    seq + 1,
    seq,
    count,
  );
  for (const row of found) {
    rows.push(row);
    read += row.events.length;
    if (read >= length) break;
  }
  return rows;
}

/** The last event that is stored, and the hash of its row; undefined while nothing has been written. */
export function endOf({ sql }: PoolStorage): { readonly seq: number; readonly hash: string } | undefined {
  const query = `SELECT ${columns} FROM journal ORDER BY first_seq DESC LIMIT 1`;
  const row = sql.exec<StoredRow>(query).toArray()[0];
  return row === undefined ? undefined : { seq: row.last_seq, hash: row.hash };
}

/**
 * Stores how far the journal goes, outside of it, so that missing rows at its end are detected up to here. It costs a row, so
 * it is written where other rows are written anyway, and not with every flush.
 */
export function noteHead({ sql }: PoolStorage, seq: number, hash: string): void {
  sql.exec("INSERT OR REPLACE INTO head (only_one, seq, hash) VALUES (1, ?, ?)", seq, hash);
}

export function notedHead({ sql }: PoolStorage): { readonly seq: number; readonly hash: string } | undefined {
  return sql.exec<{ seq: number; hash: string }>("SELECT seq, hash FROM head").toArray()[0];
}

export function eventsOf(row: JournalRow): JournalEvent[] {
  const events: PoolEvent[] = JSON.parse(row.events);
  return events.map((event, index) => ({ seq: row.first_seq + index, ...event }));
}

/** A page of events after `seq`. `next` is the last seq in it: pass it to get the next page. */
export function page(storage: PoolStorage, seq: number, count: number): { events: JournalEvent[]; next: number } {
  const wanted = Math.min(count, limits.journalPage);
  const events: JournalEvent[] = [];
  while (events.length < wanted) {
    const after = events.at(-1)?.seq ?? seq;
    // A lone command's row holds one or two events; a frame's holds hundreds. Read a few rows, parse what is wanted.
    const rows = rowsAfter(storage, after, 16);
    if (rows.length === 0) break;
    for (const row of rows) {
      if (events.length >= wanted) break;
      for (const event of eventsOf(row)) if (event.seq > after && events.length < wanted) events.push(event);
    }
  }
  return { events, next: events.at(-1)?.seq ?? seq };
}
