/**
 * Ships the journal to an archive, segment by segment, and brings it back. What has been shipped is a chain of files
 * that can be verified without us (`archive/verify.ts`); a pool that is lost is restored from it, event by event.
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

/** What an archive must do: an R2 bucket does. */
export type Bucket = {
  put(key: string, value: string, options: { httpMetadata: { contentType: string } }): Promise<unknown>;
  get(key: string): Promise<{ text(): Promise<string> } | null>;
  list(options: {
    prefix: string;
    delimiter?: string;
    cursor?: string;
  }): Promise<{ objects: { key: string }[]; delimitedPrefixes: string[]; truncated: boolean; cursor?: string }>;
};

/** Whose journal it is. */
export type Owner = { readonly tenant: string; readonly pool: string };

/** Up to which event the journal is in the archive, and under which prefix its segments lie there. */
export type Shipped = { readonly seq: number; readonly head: string; readonly prefix: string };

/** Characters of a segment: what an object can hold in memory beside its pool, and a reader can look at. */
export const segmentLength = 1_000_000;

/** Stands in place of a prefix while a restore is running. */
const unfinished = "restoring";

/** Nothing is shipped yet: null. */
export function shipped({ sql }: PoolStorage): Shipped | null {
  return sql.exec<Shipped>("SELECT seq, head, prefix FROM shipped").toArray()[0] ?? null;
}

/**
 * Ships everything that is stored and not shipped yet; returns the last event that is. A segment whose note of success
 * was lost is shipped again, under the same name, with the same beginning. Throws if the pool goes meanwhile.
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
    // Deleted meanwhile, and perhaps made anew: that one's journal is another.
    if (!isStillThere()) throw new Error("the pool was deleted while its journal was shipped");
    done = { seq: end.last_seq, head: hashOf(end), prefix };
    note(storage, done);
  }
}

/**
 * Puts a segment of these rows; returns the last of them that is in the archive then. Where the key can't be written
 * over (a retention lock), what lies there from a time whose note was lost counts, if it is a beginning of the same.
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

/** Names of whole pools' journals: the tenant, the pool, and when it was made; a pool made anew is another. */
function prefixOf(owner: Owner, first: JournalRow): string {
  return `${allOf(owner)}${numbered(eventsOf(first)[0]?.at ?? first.at)}/`;
}

function allOf({ tenant, pool }: Owner): string {
  return `${tenant}/${pool}/`;
}

/** With zeros before it, so that names sort as numbers do. */
function numbered(value: number): string {
  return String(value).padStart(16, "0");
}

/** Rows from the one that holds the event after `after` on, up to about a segment's length; one at least, if there is one. */
export function nextRows(storage: PoolStorage, after: number): JournalRow[] {
  const rows: JournalRow[] = [];
  let length = 0;
  let seq = after;
  for (;;) {
    // A row has up to 300,000 characters; few of them at a time.
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

/** Thrown where the archive holds nothing of the pool, or what it holds is damaged; the message says which. */
export class RestoreError extends Error {
  override readonly name = "RestoreError";
}

/**
 * Fills empty storage with the newest journal of the pool that is archived, checking every hash and folding every
 * event on the way. Returns the last event. Where it throws, what it has written must be deleted: a `RestoreError` says
 * what is wrong with the archive, anything else that it could not be read.
 */
export async function restore(storage: PoolStorage, bucket: Bucket, owner: Owner, request: string): Promise<number> {
  let isBegun = false;
  const { pool, head, prefix } = await eachSegment(bucket, owner, (text, state, follows) => {
    if (!isBegun) {
      migrate(storage);
      // Half a pool must not wake as a whole one, nor ship over what it was to be restored from.
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

/** The last event of then, where this request has restored the pool. */
export function restoredBy({ sql }: PoolStorage, request: string): number | undefined {
  return sql.exec<{ seq: number }>("SELECT seq FROM restored WHERE request = ?", request).toArray()[0]?.seq;
}

/** Throws a `RestoreError` unless the archive holds a whole journal of the pool, from which it could be restored. */
export async function checkArchive(bucket: Bucket, owner: Owner): Promise<void> {
  await eachSegment(bucket, owner, (text, pool, head) => foldSegment(owner, text, pool, head).head);
}

/** Reads the newest journal of the pool that is archived, segment by segment; gives the state that it comes to. */
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

/** Adds a segment, which must follow on `head`, to storage and `pool`; returns the hash that the next must follow on. */
function addSegment(storage: PoolStorage, owner: Owner, text: string, pool: Pool, head: string): string {
  return storage.transactionSync(() => {
    const segment = foldSegment(owner, text, pool, head);
    for (const row of segment.rows) append(storage, { ...row, hash: hashOf(row) });
    keepPeriods(storage, segment.rows.flatMap(eventsOf).filter(endsPeriod));
    return segment.head;
  });
}

/** Reads a segment, which must be of this pool and follow on `head`, and folds its rows. */
function foldSegment(
  owner: Owner,
  text: string,
  pool: Pool,
  head: string,
): { readonly rows: readonly JournalRow[]; readonly head: string } {
  const { header, rows, footer } = readSegment(text);
  if (header.tenant !== owner.tenant || header.pool !== owner.pool) {
    throw new RestoreError(`it is of ${header.tenant}/${header.pool}`);
  }
  if (header.previous !== head) throw new RestoreError("it does not follow on what comes before it");
  for (const row of rows) foldRow(pool, row);
  return { rows, head: footer.head };
}

/** Whatever is wrong with the file `key` is a fault of the archive's, not of ours. */
function ifWhole<T>(key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new RestoreError(`${key}: ${error instanceof Error ? error.message : "it can't be read"}`);
  }
}

/** Empties a pool whose restore never came to its end. Which keys are revoked stays: the tenant believes them told. */
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
