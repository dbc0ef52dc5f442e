/** Stores a batch: its journal rows, what is kept beside them, and from time to time a snapshot. */
import type { PoolEvent } from "../protocol/events.ts";
import type { Notification } from "../protocol/webhook.ts";
import { append, noteHead, toRows } from "./journal.ts";
import type { Memory } from "./load-pool.ts";
import { forgetUnwanted, keepNotifications } from "./outbox.ts";
import { endsPeriod, keepPeriods } from "./period-reports.ts";
import { migrate } from "./schema.ts";
import { isDue, writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

/** From so many events on, the note of the journal's end is a small part of what a flush costs. */
const eventsWithNote = 64;
/** How many characters of journal after a failed snapshot until it is tried again. */
const snapshotAgainLength = 1_000_000;

/** Stores `events`, which `memory.pool` has applied already. Returns the characters of journal that were written. */
export function writeBatch(
  storage: PoolStorage,
  memory: Memory,
  events: readonly PoolEvent[],
  notifications: readonly Notification[],
): number {
  if (memory.persistedSeq === 0) migrate(storage);
  const rows = toRows(events, memory.persistedSeq + 1, memory.head);
  const last = rows.at(-1);
  if (last === undefined) return 0;
  const periods = events.filter(endsPeriod);
  const isNoted = events.length >= eventsWithNote;
  const appendAll = (): void => {
    for (const row of rows) append(storage, row);
    keepPeriods(storage, periods);
    if (periods.some(({ type }) => type === "period_started")) forgetUnwanted(storage);
    keepNotifications(storage, notifications);
    if (isNoted) noteHead(storage, last.last_seq, last.hash);
  };
  // One row is one statement and atomic by itself; anything more goes into a transaction.
  if (rows.length + periods.length + notifications.length > 1 || isNoted) storage.transactionSync(appendAll);
  else appendAll();
  const length = rows.reduce((sum, row) => sum + row.events.length, 0);
  memory.head = last.hash;
  memory.persistedSeq = last.last_seq;
  memory.tailLength += length;
  if (isDue(memory.tailLength, memory.snapshotLength)) takeSnapshot(storage, memory);
  return length;
}

/** A snapshot only shortens loading: if it can't be written, the journal stands, and it is tried later. */
function takeSnapshot(storage: PoolStorage, memory: Memory): void {
  try {
    memory.snapshotLength = writeSnapshot(storage, memory.pool, memory.head);
    memory.tailLength = 0;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    console.error(JSON.stringify({ event: "snapshot_failed", seq: memory.persistedSeq, message }));
    memory.tailLength -= snapshotAgainLength;
  }
}
