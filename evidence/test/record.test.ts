/** What was proven is not lost and not counted twice, whichever machine it was proven on. */
import { describe, expect, it } from "vitest";
import type { Entry } from "../prove/lib/ledger.ts";
import { recorded } from "../prove/lib/record.ts";
import { report } from "../prove/lib/report.ts";
import type { Part } from "../prove/parts/part.ts";

const part: Part = {
  name: "part",
  shows: "It holds.",
  share: 1,
  slice: 1,
  goals: { checks: 10 },
  zero: ["lost"],
  greatest: ["highest"],
  latest: ["score"],
  run: () => Promise.reject(new Error("is not run here")),
};

const slice = (run: number, counts: Entry["counts"], more: Partial<Entry> = {}): Entry => ({
  run,
  minutes: 1,
  part: "part",
  at: new Date(run).toISOString(),
  seconds: 30,
  seed: 7,
  commit: "abc",
  machine: "this one",
  counts,
  findings: [],
  ...more,
});
const counts = (checks: number, highest: number, score: number) => ({ checks, lost: 0, highest, score });
const sumsOf = (record: ReturnType<typeof recorded>) => record.map(({ sums }) => sums["part"]?.counts);

describe("the record of what was proven", () => {
  const elsewhere = recorded([], [slice(2_000, counts(5, 9, 90))], [part]);

  it("keeps what other machines have shown, the oldest first, and sums up each run", () => {
    const here = [slice(1_000, counts(1, 3, 50)), slice(1_000, counts(2, 4, 60)), slice(3_000, counts(4, 1, 80))];
    const record = recorded(elsewhere, here, [part]);
    expect(sumsOf(record)).toEqual([counts(3, 4, 60), counts(5, 9, 90), counts(4, 1, 80)]);
    expect(record.map(({ runs }) => runs[0]?.minutes)).toEqual([1, 0.5, 0.5]);
    expect(recorded(record, here, [part])).toEqual(record);
  });

  it("has a run that went on once, as long as it has become", () => {
    const here = [slice(2_000, counts(5, 9, 90)), slice(2_000, counts(6, 2, 70))];
    expect(sumsOf(recorded(elsewhere, here, [part]))).toEqual([counts(11, 9, 70)]);
  });

  it("lists what a slice found, without paths of the machine, and counts it nowhere", () => {
    const findings = [{ text: "first\nError: no such file /somewhere/else/file.ts" }];
    const record = recorded(elsewhere, [slice(3_000, counts(100, 100, 1), { findings })], [part]);
    expect(sumsOf(record)).toEqual([counts(5, 9, 90), undefined]);
    expect(record[1]?.found).toEqual([
      { at: new Date(3_000).toISOString(), part: "part", commit: "abc", text: "Error: no such file …" },
    ]);
  });

  it("is what the report says: sums added, the greatest, and the newest", () => {
    const text = report([part], recorded(elsewhere, [slice(3_000, counts(6, 2, 70))], [part]));
    for (const line of ["| checks | 11 | ≥ 10 |", "| lost | 0 | 0 |", "| highest | 9 |  |", "| score | 70 |  |"]) {
      expect(text).toContain(line);
    }
    expect(text).toContain("| 1970-01-01 00:00 UTC | 0.5 | 7 | abc | part | this one |");
    expect(report([part], [])).toContain("It holds. Not run.");
  });
});
