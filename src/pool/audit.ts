/**
 * The audit: folds the journal again from its first event (or from its checkpoint), compares the result with memory, and
 * checks the hash chain and every invariant. What it can't read is a finding, not an exception. It works in short steps with
 * pauses between them, so that the pool stays responsive.
 */
import { foldRow } from "../archive/chain.ts";
import { isSame } from "../engine/image.ts";
import { violations } from "../engine/invariants.ts";
import type { Audit } from "../protocol/journal.ts";
import { DamagedError, reading, understanding } from "./damage.ts";
import { checkRow, notedHead, rowsAfter } from "./journal.ts";
import type { Memory } from "./load-pool.ts";
import { snapshotHead } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";
import { type Base, baseOf, trimmedTo } from "./trimming.ts";

/** Characters that are folded in one step: some milliseconds of the object's single thread. */
const stepLength = 200_000;
const rowsPerStep = 256;
/** The pause between two steps: at least half of the time is left for callers. */
const restMs = 5;

/**
 * Audits a pool. `rest()` lets requests run between two steps. `persistedMemory()` returns the memory to compare with, once
 * everything delivered before is stored; if it throws a `DamagedError` there is no memory, and the audit says what is wrong
 * with the journal.
 */
export async function audit(
  storage: PoolStorage,
  persistedMemory: () => Promise<Memory>,
  rest: () => Promise<void> = aMoment,
): Promise<Audit> {
  const findings: string[] = [];
  const note = (error: unknown): void => {
    const damage = error instanceof DamagedError ? `${error.where}: ${error.message}` : String(error);
    if (!findings.includes(damage)) findings.push(damage);
  };
  let base: Base;
  try {
    base = reading("checkpoint", () => baseOf(storage));
  } catch (error) {
    note(error);
    return { ok: false, seq: 0, rows: 0, findings };
  }
  const { pool: refolded } = base;
  const state = { head: base.head, at: refolded.at, rows: 0 };
  for (;;) {
    await storage.sync();
    await rest();
    let memory: Memory | undefined;
    try {
      memory = await persistedMemory();
      if (memory.persistedSeq < memory.pool.seq) continue;
    } catch (error) {
      note(error);
    }
    try {
      // The journal was trimmed meanwhile: start again from the new checkpoint.
      if (reading("checkpoint", () => trimmedTo(storage)) > refolded.seq)
        return await audit(storage, persistedMemory, rest);
      if (foldStep(storage, base, state, findings)) continue;
    } catch (error) {
      note(error);
      return { ok: false, seq: refolded.seq, rows: state.rows, findings };
    }
    findings.push(...comparison(storage, base, state.head, memory));
    return { ok: findings.length === 0, seq: refolded.seq, rows: state.rows, findings };
  }
}

/** Folds the next rows; true if there may be more. Throws `DamagedError` if the fold can't continue. */
function foldStep(
  storage: PoolStorage,
  { pool }: Base,
  state: { head: string; at: number; rows: number },
  findings: string[],
): boolean {
  const snapshot = snapshotHead(storage);
  const rows = reading("journal", () => rowsAfter(storage, pool.seq, rowsPerStep, stepLength));
  for (const row of rows) {
    checkRow(row, state.head);
    const events = understanding(`journal row ${row.first_seq}`, () => foldRow(pool, row));
    for (const { type, at } of events) {
      if (at < state.at && type !== "clock_corrected")
        findings.push(`row ${row.first_seq} has an event that is older than the one before it`);
      state.at = at;
    }
    state.head = row.hash;
    state.rows++;
    if (row.last_seq === snapshot?.seq && row.hash !== snapshot.head)
      findings.push("the snapshot was taken of another journal");
  }
  return rows.length > 0;
}

function comparison(storage: PoolStorage, { pool }: Base, head: string, memory: Memory | undefined): string[] {
  const noted = notedHead(storage);
  const missing =
    noted !== undefined && noted.seq > pool.seq
      ? [`the journal ends at event ${pool.seq}, and event ${noted.seq} was stored`]
      : [];
  const unread = others.flatMap((table) => (canRead(storage, table) ? [] : [`the table ${table} can't be read`]));
  if (memory === undefined) return [...missing, ...unread, ...violations(pool)];
  return [
    ...missing,
    ...unread,
    ...(head === memory.head ? [] : ["the last row's hash is not the one in memory"]),
    ...(isSame(pool, memory.pool) ? [] : ["folding the journal gives another state than the one in memory"]),
    ...violations(memory.pool),
  ];
}

/** Tables that the state does not depend on; only whether they can be read is checked. */
const others = ["revoked_keys", "periods", "outbox", "shipped", "restored"] as const;

function canRead({ sql }: PoolStorage, table: (typeof others)[number]): boolean {
  try {
    return sql.exec(`SELECT count(*) FROM ${table}`).toArray().length === 1;
  } catch {
    return false;
  }
}

function aMoment(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, restMs);
  });
}
