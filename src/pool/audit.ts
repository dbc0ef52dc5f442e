/**
 * The audit: folds the journal again from its first event, or from the checkpoint that it was trimmed up to, and compares
 * the outcome with memory, checks the chain of hashes, and every invariant. It reads page by page and lets others run.
 */
import { foldRow, hashOf } from "../archive/chain.ts";
import { isSame } from "../engine/image.ts";
import { violations } from "../engine/invariants.ts";
import type { Audit } from "../protocol/results.ts";
import { rowsAfter } from "./journal.ts";
import type { Memory } from "./memory.ts";
import { snapshotHead } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";
import { baseOf, trimmedTo } from "./trimming.ts";

const rowsPerTurn = 256;

/** `settled()` gives the memory to compare with, once what was delivered before is persisted. */
export async function audit(storage: PoolStorage, settled: () => Promise<Memory>): Promise<Audit> {
  const base = baseOf(storage);
  const { pool: refolded } = base;
  const findings: string[] = [];
  let { head } = base;
  let rows = 0;
  let { at } = base.pool;
  for (;;) {
    // Lets others run: an audit of a long history takes seconds.
    await storage.sync();
    const memory = await settled();
    if (memory.persistedSeq < memory.pool.seq) continue;
    // Trimmed while this read it: what is left folds on from the new checkpoint.
    if (trimmedTo(storage) > refolded.seq) return audit(storage, settled);
    const snapshot = snapshotHead(storage);
    const batch = rowsAfter(storage, refolded.seq, rowsPerTurn);
    for (const row of batch) {
      if (row.previous !== head) findings.push(`row ${row.first_seq} does not carry the hash of the row before it`);
      if (row.at < at) findings.push(`row ${row.first_seq} is older than the row before it`);
      head = hashOf(row);
      if (row.last_seq === snapshot?.seq && head !== snapshot.head)
        findings.push("the snapshot was taken of another journal");
      at = row.at;
      rows++;
      try {
        foldRow(refolded, row);
      } catch (error) {
        findings.push(error instanceof Error ? error.message : String(error));
        return { ok: false, seq: refolded.seq, rows, findings };
      }
    }
    if (batch.length === rowsPerTurn) continue;

    if (head !== memory.head) findings.push("the last row's hash is not the one in memory");
    if (!isSame(refolded, memory.pool)) {
      findings.push("folding the journal gives another state than the one in memory");
    }
    findings.push(...violations(memory.pool));
    return { ok: findings.length === 0, seq: refolded.seq, rows, findings };
  }
}
