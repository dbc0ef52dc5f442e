/** The state of a pool in pages, for readers: whole where it is small, else as it is stored. */
import { type ImagePage, pagesOf } from "../engine/image-pages.ts";
import type { SnapshotPage } from "../protocol/journal.ts";
import { limits } from "../protocol/limits.ts";
import type { Memory } from "./load-pool.ts";
import { snapshotHead, storedPage, type Table, writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

/**
 * Page `page` of the state as of `seq`; without `seq` the first page of the newest that can be had without stopping
 * the pool for long. Where another snapshot has taken its place meanwhile, the first page of that one: its `seq` says so.
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

/** Where the newest state is stored: the snapshot, or the checkpoint where the journal was trimmed beyond it. */
function newestTable(storage: PoolStorage): Table | undefined {
  const snapshot = snapshotHead(storage)?.seq ?? 0;
  const checkpoint = snapshotHead(storage, "checkpoint")?.seq ?? 0;
  if (snapshot === 0 && checkpoint === 0) return undefined;
  return snapshot >= checkpoint ? "snapshot" : "checkpoint";
}

/** A state that is large and was never stored: its journal is short, or storing it failed. */
function written(storage: PoolStorage, memory: Memory): Table {
  memory.snapshotLength = writeSnapshot(storage, memory.pool, memory.head);
  memory.tailLength = 0;
  return "snapshot";
}
