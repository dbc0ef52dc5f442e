/**
 * The chain of a journal: rows of events, each of which carries the SHA-256 of the row before, so that a change to the
 * past shows, wherever the rows are kept.
 */
import { createHash } from "node:crypto";
import { evolve } from "../engine/evolve.ts";
import type { Pool } from "../engine/state.ts";
import { eventTraits, type PoolEvent } from "../protocol/events.ts";
import type { JournalRow } from "../protocol/journal.ts";

/** What stands in the first row's `previous`. */
export const genesis = "0".repeat(64);

/** The hash that the next row must carry as `previous`. */
export function hashOf(row: JournalRow): string {
  const { first_seq, last_seq, at, previous, events } = row;
  return createHash("sha256").update(`${previous}\n${first_seq}\n${last_seq}\n${at}\n${events}`).digest("hex");
}

/** Applies a row's events, and gives them; a row that does not follow on what came before means that what is kept is damaged. */
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

/** An older version must not take a newer one's journal for its own: what it does not know would be lost. */
function isKnown({ type }: PoolEvent): boolean {
  return Object.hasOwn(eventTraits, type);
}
