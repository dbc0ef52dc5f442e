/**
 * The hash chain of a journal: each row of events carries the SHA-256 of the row before, so that a change to the past can be
 * detected wherever the rows are stored.
 */
import { createHash } from "node:crypto";
import { evolve } from "../engine/evolve.ts";
import type { Pool } from "../engine/state.ts";
import { eventTraits, type PoolEvent } from "../protocol/events.ts";
import type { JournalRow } from "../protocol/journal.ts";

/** The `previous` of the first row. */
export const genesis = "0".repeat(64);

/** The hash that the next row must carry as `previous`. */
export function hashOf(row: JournalRow): string {
  const { first_seq, last_seq, at, previous, events } = row;
  return createHash("sha256").update(`${previous}\n${first_seq}\n${last_seq}\n${at}\n${events}`).digest("hex");
}

/** Applies a row's events and returns them. Throws if the row does not continue the state: what is stored is damaged. */
export function foldRow(pool: Pool, row: JournalRow): readonly PoolEvent[] {
  if (row.first_seq !== pool.seq + 1) throw new Error(`journal row ${row.first_seq} follows event ${pool.seq}`);
  const events: PoolEvent[] = JSON.parse(row.events);
  for (const event of events) {
    if (!isKnown(event)) throw new Error(`journal row ${row.first_seq} has an event of a type that is not known here`);
    evolve(pool, event);
  }
  if (row.last_seq !== pool.seq)
    throw new Error(`journal row ${row.first_seq} ends at ${pool.seq}, not ${row.last_seq}`);
  return events;
}

/** Whether this version knows the event's type. An older version must not fold a newer journal, or it would skip events. */
function isKnown({ type }: PoolEvent): boolean {
  return Object.hasOwn(eventTraits, type);
}
