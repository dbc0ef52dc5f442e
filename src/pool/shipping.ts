/**
 * Ships the journal to an archive, segment by segment, and restores pools from it. The shipped segments are a chain of files
 * that can be verified offline (`archive/verify.ts`); a lost pool is restored from them, event by event.
 */
import { foldRow, genesis, hashOf } from "../archive/chain.ts";
import { readSegment, segmentMedia, segmentOf } from "../archive/segment.ts";
import { violations } from "../engine/invariants.ts";
import { emptyPool, type Pool } from "../engine/state.ts";
import type { JournalRow } from "../protocol/journal.ts";
import { append, eventsOf, noteHead, rowsAfter } from "./journal.ts";
import { endsPeriod, keepPeriods } from "./period-reports.ts";
import { migrate } from "./schema.ts";
import { writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

/** What is needed of an archive; an R2 bucket has it. */
export type Bucket = {
  put(key: string, value: string, options: { httpMetadata: { contentType: string } }): Promise<unknown>;
  get(key: string): Promise<{ text(): Promise<string> } | null>;
  list(options: {
    prefix: string;
    delimiter?: string;
    cursor?: string;
  }): Promise<{ objects: { key: string }[]; delimitedPrefixes: string[]; truncated: boolean; cursor?: string }>;
};

/** The tenant and pool that a journal belongs to. */
export type Owner = { readonly tenant: string; readonly pool: string };

/** The last event that is in the archive, its hash, and the prefix of the pool's segments there. */
export type Shipped = { readonly seq: number; readonly head: string; readonly prefix: string };

/** Characters of a segment: small enough to hold in memory beside the pool. */
export const segmentLength = 1_000_000;

/** Stands in place of a prefix while a restore is running. */
const unfinished = "restoring";

/** How far the journal has been shipped; null if not at all. */
export function shipped({ sql }: PoolStorage): Shipped | null {
  return sql.exec<Shipped>("SELECT seq, head, prefix FROM shipped").toArray()[0] ?? null;
}

/**
 * Ships everything that is stored and not shipped yet; returns the last event that is shipped. A segment whose success could
 * not be noted is shipped again, under the same name, with the same beginning. Throws if the pool is deleted meanwhile.
 */
export async function ship(
  storage: PoolStorage,
  bucket: Bucket,
  owner: Owner,
  isStillThere: () => boolean = () => true,
): Promise<number> {
  let done = shipped(storage);
  for (;;) {
    const rows = nextRows(storage, done?.seq ?? 0);
    const [first] = rows;
    if (first === undefined) return done?.seq ?? 0;
    const prefix = done?.prefix ?? prefixOf(owner, first);
    const key = `${prefix}${numbered(first.first_seq)}.ndjson`;
    const end = await put(bucket, key, owner, rows);
    // The pool was deleted meanwhile; one that was created since has another journal.
    if (!isStillThere()) throw new Error("the pool was deleted while its journal was shipped");
    done = { seq: end.last_seq, head: hashOf(end), prefix };
    note(storage, done);
  }
}

/**
 * Writes a segment of these rows; returns the last of them that is in the archive then. If the object can't be overwritten (a
 * retention lock), what an earlier attempt has written there counts, provided that it is a beginning of the same rows.
 */
async function put(
  bucket: Bucket,
  key: string,
  { tenant, pool }: Owner,
  rows: readonly JournalRow[],
): Promise<JournalRow> {
  try {
    await bucket.put(key, segmentOf(tenant, pool, rows), { httpMetadata: { contentType: segmentMedia } });
  } catch (error) {
    const there = await bucket.get(key);
    if (there === null) throw error;
    const { footer } = readSegment(await there.text());
    const end = rows.find((row) => row.last_seq === footer.last_seq && hashOf(row) === footer.head);
    if (end === undefined) throw error;
    return end;
  }
  const last = rows.at(-1);
  if (last === undefined) throw new Error("a segment has at least one row");
  return last;
}

/** The prefix of a journal: tenant, pool and its creation time, so that a pool that is created anew gets another. */
function prefixOf(owner: Owner, first: JournalRow): string {
  return `${allOf(owner)}${numbered(eventsOf(first)[0]?.at ?? first.at)}/`;
}

function allOf({ tenant, pool }: Owner): string {
  return `${tenant}/${pool}/`;
}

/** Zero-padded, so that names sort as numbers do. */
function numbered(value: number): string {
  return String(value).padStart(16, "0");
}

/** Rows from the one with the event after `after` on, up to about a segment's length; at least one, if there is one. */
export function nextRows(storage: PoolStorage, after: number): JournalRow[] {
  const rows: JournalRow[] = [];
  let length = 0;
  let seq = after;
  for (;;) {
    // Few at a time: a row has up to 300,000 characters.
    const some = rowsAfter(storage, seq, 16);
    if (some.length === 0) return rows;
    for (const row of some) {
      if (length > 0 && length + row.events.length > segmentLength) return rows;
      rows.push(row);
      length += row.events.length;
      seq = row.last_seq;
    }
  }
}

function note({ sql }: PoolStorage, { seq, head, prefix }: Shipped): void {
  sql.exec("INSERT OR REPLACE INTO shipped (only_one, seq, head, prefix) VALUES (1, ?, ?, ?)", seq, head, prefix);
}

/** The archive holds nothing of the pool, or what it holds is damaged; the message says which. */
export class RestoreError extends Error {
  override readonly name = "RestoreError";
}

/**
 * Fills empty storage with the newest archived journal of the pool, checking every hash and folding every event. Returns the
 * last event. If it throws, the caller must delete what it has written: a `RestoreError` says what is wrong with the archive,
 * any other error means that the archive could not be read.
 */
export async function restore(storage: PoolStorage, bucket: Bucket, owner: Owner, request: string): Promise<number> {
  let isBegun = false;
  const { pool, head, prefix } = await eachSegment(bucket, owner, (text, state, follows) => {
    if (!isBegun) {
      migrate(storage);
      // A half-restored pool must not wake as a whole one, or overwrite the archive that it is restored from.
      note(storage, { seq: 0, head: "", prefix: unfinished });
      isBegun = true;
    }
    return addSegment(storage, owner, text, state, follows);
  });
  storage.transactionSync(() => {
    writeSnapshot(storage, pool, head);
    noteHead(storage, pool.seq, head);
    note(storage, { seq: pool.seq, head, prefix });
    storage.sql.exec("INSERT INTO restored (request, seq) VALUES (?, ?)", request, pool.seq);
  });
  return pool.seq;
}

/** The last event that this request restored; undefined if the pool was not restored by this request. */
export function restoredBy({ sql }: PoolStorage, request: string): number | undefined {
  return sql.exec<{ seq: number }>("SELECT seq FROM restored WHERE request = ?", request).toArray()[0]?.seq;
}

/** Throws `RestoreError` unless the pool could be restored from the archive. */
export async function checkArchive(bucket: Bucket, owner: Owner): Promise<void> {
  await eachSegment(bucket, owner, (text, pool, head) => foldSegment(owner, text, pool, head).head);
}

/** Reads the newest archived journal of the pool, segment by segment; returns the state that it folds to. */
async function eachSegment(
  bucket: Bucket,
  owner: Owner,
  read: (text: string, pool: Pool, head: string) => string,
): Promise<{ readonly pool: Pool; readonly head: string; readonly prefix: string }> {
  const prefix = (await prefixes(bucket, allOf(owner))).toSorted().at(-1);
  if (prefix === undefined) throw new RestoreError("the archive holds no journal of this pool");
  const pool = emptyPool();
  let head = genesis;
  for (const key of (await keys(bucket, prefix)).toSorted()) {
    const object = await bucket.get(key);
    if (object === null) throw new RestoreError(`${key} is gone`);
    const text = await object.text();
    head = ifWhole(key, () => read(text, pool, head));
  }
  const [violation] = violations(pool);
  if (violation !== undefined) throw new RestoreError(`the archived journal does not add up: ${violation}`);
  return { pool, head, prefix };
}

/** Adds a segment, which must continue the chain at `head`, to storage and `pool`; returns the new head. */
function addSegment(storage: PoolStorage, owner: Owner, text: string, pool: Pool, head: string): string {
  return storage.transactionSync(() => {
    const segment = foldSegment(owner, text, pool, head);
    for (const row of segment.rows) append(storage, { ...row, hash: hashOf(row) });
    keepPeriods(storage, segment.rows.flatMap(eventsOf).filter(endsPeriod));
    return segment.head;
  });
}

/** Reads a segment, which must be of this pool and continue the chain at `head`, and folds its rows. */
function foldSegment(
  owner: Owner,
  text: string,
  pool: Pool,
  head: string,
): { readonly rows: readonly JournalRow[]; readonly head: string } {
  const { header, rows, footer } = readSegment(text);
  if (header.tenant !== owner.tenant || header.pool !== owner.pool) {
    throw new RestoreError(`it belongs to ${header.tenant}/${header.pool}`);
  }
  if (header.previous !== head)
    throw new RestoreError("the hash chain is broken: it does not continue the segment before it");
  for (const row of rows) foldRow(pool, row);
  return { rows, head: footer.head };
}

/** Turns any error of reading the file `key` into a `RestoreError`: the archive is at fault, not this code. */
function ifWhole<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new RestoreError(`${key}: ${error instanceof Error ? error.message : "it can't be read"}`);
  }
}

/** Empties a pool whose restore was interrupted. Revoked keys stay: the tenant counts the pool as notified of them. */
export function dropHalfRestored(storage: PoolStorage): void {
  const half = storage.sql.exec("SELECT 1 FROM shipped WHERE prefix = ?", unfinished).toArray();
  if (half.length === 0) return;
  storage.transactionSync(() => {
    for (const table of ["journal", "head", "snapshot", "periods", "shipped"]) storage.sql.exec(`DELETE FROM ${table}`);
  });
}

async function prefixes(bucket: Bucket, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await bucket.list({ prefix, delimiter: "/", ...(cursor === undefined ? undefined : { cursor }) });
    found.push(...page.delimitedPrefixes);
    if (!page.truncated) return found;
    cursor = page.cursor;
  }
}

async function keys(bucket: Bucket, prefix: string): Promise<string[]> {
  const found: string[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await bucket.list({ prefix, ...(cursor === undefined ? undefined : { cursor }) });
    found.push(...page.objects.map(({ key }) => key));
    if (!page.truncated) return found;
    cursor = page.cursor;
  }
}
