/** Segments as files: whatever is changed, cut off, missing or foreign is found, and said in words. */
import { describe, expect, it } from "vitest";
import { genesis, hashOf } from "../../src/archive/chain.ts";
import { readSegment, segmentOf } from "../../src/archive/segment.ts";
import { verify } from "../../src/archive/verify.ts";
import { execute } from "../../src/engine/execute.ts";
import { emptyPool } from "../../src/engine/state.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { PoolEvent } from "../../src/protocol/events.ts";
import type { JournalRow } from "../../src/protocol/journal.ts";

/** A journal of a row for each of some commands. */
function journal(): JournalRow[] {
  const pool = emptyPool();
  const rows: JournalRow[] = [];
  let previous = genesis;
  const commands: Command[] = [
    { op: "configure", budget: 1_000 },
    { op: "register", agent: "a", priority: 1, max: 500, unit: "tokens" },
    {
      op: "reserve",
      id: "r",
      agent: "a",
      amount: 100,
      unit: "tokens",
      metadata: { "10": "ü", "9": "\u2028\ud83d\ude00" },
    },
    { op: "commit", id: "r", amount: 300, unit: "tokens", confidence: 0.1 },
    { op: "record", id: "u", agent: "a", amount: 7, unit: "tokens" },
    { op: "reset_period", id: "p" },
  ];
  for (const [index, command] of commands.entries()) {
    const events: PoolEvent[] = [];
    execute(pool, command, 1_000 + index, events);
    const first_seq = (rows.at(-1)?.last_seq ?? 0) + 1;
    const last_seq = first_seq + events.length - 1;
    const row = { first_seq, last_seq, at: 1_000 + index, previous, events: JSON.stringify(events) };
    rows.push(row);
    previous = hashOf(row);
  }
  return rows;
}

const rows = journal();
const segment = (from: number, to: number): string => segmentOf("acme", "team", rows.slice(from, to));
const whole = segment(0, rows.length);

describe("a row's hash", () => {
  it("is of everything in it, so that the head of a journal tells of its first event", () => {
    const [row] = journal();
    if (row === undefined) throw new Error("no row");
    const others: Partial<JournalRow>[] = [
      { first_seq: 2 },
      { last_seq: 3 },
      { at: row.at + 1 },
      { previous: "1".repeat(64) },
      { events: `${row.events} ` },
    ];
    const hashes = [row, ...others.map((other) => ({ ...row, ...other }))].map(hashOf);
    expect(new Set(hashes).size).toBe(hashes.length);
    // Written down, because journals that were shipped carry such hashes.
    const plain = { first_seq: 1, last_seq: 2, at: 3, previous: genesis, events: "[]" };
    expect(hashOf(plain)).toBe("aae8084809fb52abb17ab76874a98c7cb6ae54e77218a05e5fd4020c7de7c383");
  });
});

describe("segments", () => {
  it("are read as they were written", () => {
    const { rows: read, header, footer } = readSegment(whole);
    expect(read).toEqual(rows);
    expect(header).toMatchObject({ tenant: "acme", pool: "team", first_seq: 1, previous: genesis });
    expect(footer.last_seq).toBe(rows.at(-1)?.last_seq);
  });

  it("that follow on each other verify in whatever order they come", () => {
    const texts = [segment(4, 6), segment(0, 2), segment(2, 4)].map((text, nth) => [`f${nth}`, text] as const);
    expect(verify(texts)).toMatchObject({ ok: true, findings: [], segments: 3, rows: rows.length });
    expect(verify(texts).head).toBe(verify([["whole", whole]]).head);
  });

  const broken: readonly (readonly [what: string, texts: readonly string[], finding: RegExp])[] = [
    ["an amount that was changed", [whole.replace('"amount":300', '"amount":301')], /does not continue|does not match/],
    ["a row that was taken out", [whole.split("\n").toSpliced(3, 1).join("\n")], /does not continue the row before/],
    ["rows that changed places", [swapped(whole, 2, 3)], /does not continue the row before/],
    ["a file that was cut off in a line", [whole.slice(0, -30)], /is truncated/],
    ["a file that was cut off after a line", [whole.split("\n").slice(0, 4).join("\n").concat("\n")], /is truncated/],
    ["a segment that is missing", [segment(0, 2), segment(4, 6)], /begins at event \d+, and what came before ends at/],
    ["a beginning that is missing", [segment(2, 6)], /begins at event \d+, and what came before ends at 0/],
    ["a segment of another history", [segment(0, 2), other(segment(2, 4))], /does not continue/],
    ["another pool's", [segment(0, 3), segmentOf("acme", "other", rows.slice(3))], /belongs to acme\/other/],
    ["something else", ["hello\n"], /not JSON/],
    ["JSON that is no segment", ['{"a":1}\n{"b":2}\n{"c":3}\n'], /not a segment of a journal/],
    ["nothing", [""], /not JSON/],
    ["a later version", [whole.replace('"version":1', '"version":9')], /version 9 is not known/],
    ["events that can't be", [forged()], /no reservation|no agent/],
    ["events of a later version", [forged("from_tomorrow")], /a type that is not known here/],
  ];

  it.each(broken)("say what is wrong: %s", (_, texts, finding) => {
    const verdict = verify(texts.map((text, nth) => [`f${nth}`, text] as const));
    expect(verdict.ok).toBe(false);
    expect(verdict.findings.join("\n")).toMatch(finding);
  });

  it("that are none are no journal", () => {
    expect(verify([])).toMatchObject({ ok: false, findings: ["there is no segment"] });
  });

  it("notice any byte that is changed", () => {
    for (let at = 0; at < whole.length; at += 7) {
      const changed = `${whole.slice(0, at)}${whole[at] === "7" ? "8" : "7"}${whole.slice(at + 1)}`;
      const { ok, tenant, pool } = verify([["f", changed]]);
      // Names in the header are in no hash; all else is.
      if (tenant === "acme" && pool === "team")
        expect(ok, `character ${at}: ${changed.slice(at - 20, at + 20)}`).toBe(false);
    }
  });
});

function swapped(text: string, one: number, other: number): string {
  const lines = text.split("\n");
  [lines[one], lines[other]] = [lines[other] ?? "", lines[one] ?? ""];
  return lines.join("\n");
}

/** The same rows on another past: every hash fits the one before it, but for the first. */
function other(text: string): string {
  const { rows: own } = readSegment(text);
  let previous = "a".repeat(64);
  const moved = own.map((row) => {
    const now = { ...row, previous };
    previous = hashOf(now);
    return now;
  });
  return segmentOf("acme", "team", moved);
}

/** A chain that is whole, of events that no pool could have had. */
function forged(type = "released"): string {
  const events = [{ type, at: 1, id: "nobody's" }];
  return segmentOf("acme", "team", [
    { first_seq: 1, last_seq: 1, at: 1, previous: genesis, events: JSON.stringify(events) },
  ]);
}
