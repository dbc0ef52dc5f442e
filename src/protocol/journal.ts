/** The journal of a pool as it is read, shipped and audited. */
import type { PoolEvent } from "./events.ts";

/** An event with its place in the journal: 1, 2, 3, … without a gap. */
export type JournalEvent = { readonly seq: number } & PoolEvent;

export type JournalPage = { readonly events: readonly JournalEvent[]; readonly next: number };

/**
 * A page of a pool's state (`engine/image-pages.ts`), as of event `seq`. `next` asks for the page that follows; null at
 * the end.
 */
export type SnapshotPage = {
  readonly seq: number;
  readonly next: string | null;
  readonly [part: string]: unknown;
};

/** What of a journal is here, and what is in the archive. */
export type ArchiveResult = {
  /** Whether this deployment has an archive. */
  readonly archive: boolean;
  /** The last event. */
  readonly seq: number;
  /** The last event that is in the archive; 0 if none is. */
  readonly shipped: number;
  /** The last event that is no longer here; 0 while all are. */
  readonly trimmed: number;
};

export type RestoreResult = { readonly seq: number };

/** The journal folded again from its first event, and what was found to be wrong. */
export type Audit = {
  readonly ok: boolean;
  readonly seq: number;
  readonly rows: number;
  readonly findings: readonly string[];
};

export type JournalRow = {
  readonly first_seq: number;
  readonly last_seq: number;
  readonly at: number;
  readonly previous: string;
  readonly events: string;
};
