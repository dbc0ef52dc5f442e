/**
 * The journal: the append-only list of events, one row per flush, each chained to the one before (`archive/chain.ts`).
 * A row holds `events` as a JSON array; the first one's number is `first_seq`.
 */
import { hashOf, type JournalRow } from "../archive/chain.ts";
import type { JournalEvent, PoolEvent } from "../protocol/events.ts";
import { limits } from "../protocol/limits.ts";
import type { PoolStorage } from "./storage.ts";

/** A stored row is at most 2 MB; a JavaScript character takes up to 3 bytes in it. */
const maxRowLength = 300_000;

/** The rows that `events` come to, the first of which is number `firstSeq`: one, unless they are very many. */
export function toRows(events: readonly PoolEvent[], firstSeq: number, previous: string): JournalRow[] {
  const rows: JournalRow[] = [];
  let texts: string[] = [];
  let length = 0;
  let first = firstSeq;
  let head = previous;
  const close = (last: PoolEvent | undefined): void => {
    if (last === undefined || texts.length === 0) return;
    const last_seq = first + texts.length - 1;
    const row = { first_seq: first, last_seq, at: last.at, previous: head, events: `[${texts.join(",")}]` };
    rows.push(row);
    head = hashOf(row);
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

export function append({ sql }: PoolStorage, row: JournalRow): void {
  const { first_seq, last_seq, at, previous, events } = row;
  sql.exec(
    "INSERT INTO journal (first_seq, last_seq, at, previous, events) VALUES (?, ?, ?, ?, ?)",
    first_seq,
    last_seq,
    at,
    previous,
    events,
  );
}

/** Rows with events after `seq`, in order, at most `count`. */
export function rowsAfter({ sql }: PoolStorage, seq: number, count: number): JournalRow[] {
  return sql
    .exec<JournalRow>(
      `SELECT first_seq, last_seq, at, previous, events FROM journal
       WHERE first_seq >= (SELECT coalesce(max(first_seq), 0) FROM journal WHERE first_seq <= ?) AND last_seq > ?
       ORDER BY first_seq LIMIT ?`,
      seq + 1,
      seq,
      count,
    )
    .toArray();
}

/** The last row, or undefined while nothing has been written. */
export function lastRow({ sql }: PoolStorage): JournalRow | undefined {
  const query = "SELECT first_seq, last_seq, at, previous, events FROM journal ORDER BY first_seq DESC LIMIT 1";
  return sql.exec<JournalRow>(query).toArray()[0];
}

export function eventsOf(row: JournalRow): JournalEvent[] {
  const events: PoolEvent[] = JSON.parse(row.events);
  return events.map((event, index) => ({ seq: row.first_seq + index, ...event }));
}

/** A page of events after `seq`. `next` is the last seq in it: ask with that for what follows. */
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
