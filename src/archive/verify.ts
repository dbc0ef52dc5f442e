/** Verifies segments offline: checks their hash chain and folds them, with the governor's own engine and nothing else. */
import { violations } from "../engine/invariants.ts";
import { emptyPool, type Pool } from "../engine/state.ts";
import { foldRow, genesis } from "./chain.ts";
import { readSegment, type Segment } from "./segment.ts";

export type Verdict = {
  readonly ok: boolean;
  readonly tenant: string | null;
  readonly pool: string | null;
  readonly segments: number;
  readonly rows: number;
  /** The last event that was read. */
  readonly seq: number;
  /** The hash that the next segment must continue. */
  readonly head: string;
  /** What is wrong, in sentences; empty if nothing is. */
  readonly findings: readonly string[];
  /** The state that the events fold to; null if they can't be folded from the beginning. */
  readonly state: Pool | null;
};

/** Verifies segments, given by the names of their files, in any order. */
export function verify(texts: Iterable<readonly [name: string, text: string]>): Verdict {
  const findings: string[] = [];
  const segments: [name: string, segment: Segment][] = [];
  for (const [name, text] of texts) {
    try {
      segments.push([name, readSegment(text)]);
    } catch (error) {
      findings.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  segments.sort(([, a], [, b]) => a.header.first_seq - b.header.first_seq);
  const [first] = segments;
  if (first === undefined) {
    return nothing(findings.length === 0 ? ["there is no segment"] : findings);
  }
  const { tenant, pool } = first[1].header;
  let head = genesis;
  let seq = 0;
  let rows = 0;
  let state: Pool | null = emptyPool();
  for (const [name, { header, rows: own, footer }] of segments) {
    if (header.tenant !== tenant || header.pool !== pool) {
      findings.push(`${name}: it belongs to ${header.tenant}/${header.pool}, not to ${tenant}/${pool}`);
      continue;
    }
    if (header.first_seq !== seq + 1) {
      findings.push(`${name}: it begins at event ${header.first_seq}, and what came before ends at ${seq}`);
      state = null;
    } else if (header.previous !== head) {
      findings.push(`${name}: the hash chain is broken: it does not continue the segment before it`);
      state = null;
    }
    rows += own.length;
    try {
      if (state !== null) for (const row of own) foldRow(state, row);
    } catch (error) {
      findings.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
      state = null;
    }
    ({ last_seq: seq, head } = footer);
  }
  if (state !== null) findings.push(...violations(state));
  return { ok: findings.length === 0, tenant, pool, segments: segments.length, rows, seq, head, findings, state };
}

function nothing(findings: readonly string[]): Verdict {
  return { ok: false, tenant: null, pool: null, segments: 0, rows: 0, seq: 0, head: genesis, findings, state: null };
}
