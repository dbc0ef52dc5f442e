/** The state of a pool in pages, for `GET …/snapshot`: a small one as it is now, a large one as stored. */
import { type ImagePage, pagesOf } from "../engine/image-pages.ts";
import type { SnapshotPage } from "../protocol/journal.ts";
import { limits } from "../protocol/limits.ts";
import type { Memory } from "./load-pool.ts";
import { snapshotHead, storedPage, type Table, writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

/**
 * Page `page` of the state as of `seq`; without `seq`, the first page of the newest state that can be read without blocking
 * the pool for long. If that snapshot was replaced meanwhile, the first page of the new one: its `seq` shows that.
 */
export function snapshotPage(storage: PoolStorage, memory: Memory, seq?: number, page = 0): SnapshotPage {
  if (seq === undefined) {
    const pages = pagesOf(memory.pool, limits.snapshotPageLength);
    const first = pages.next();
    const isWhole = pages.next().done === true;
    if (isWhole && first.done !== true) return shown(memory.pool.seq, JSON.parse(first.value) as ImagePage, null);
  }
  const table = newestTable(storage) ?? written(storage, memory);
  const stored = snapshotHead(storage, table)?.seq ?? 0;
  const wanted = seq === stored ? page : 0;
  const found = storedPage(storage, wanted, table);
  if (found === undefined) return shown(stored, {}, null);
  return shown(stored, found.page, found.hasMore ? `${stored}.${wanted + 1}` : null);
}

function shown(seq: number, page: ImagePage, next: string | null): SnapshotPage {
  return { ...page, seq, next };
}

/** The table of the newest stored state: the snapshot, or the checkpoint if the journal was trimmed beyond it. */
function newestTable(storage: PoolStorage): Table | undefined {
  const snapshot = snapshotHead(storage)?.seq ?? 0;
  const checkpoint = snapshotHead(storage, "checkpoint")?.seq ?? 0;
  if (snapshot === 0 && checkpoint === 0) return undefined;
  return snapshot >= checkpoint ? "snapshot" : "checkpoint";
}

/** Stores a large state that has no snapshot yet (its journal is short, or storing it failed). */
function written(storage: PoolStorage, memory: Memory): Table {
  memory.snapshotLength = writeSnapshot(storage, memory.pool, memory.head);
  memory.tailLength = 0;
  return "snapshot";
}
