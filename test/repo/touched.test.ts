/** What a change touches: CONTRIBUTING lists the files by an example of each kind, which are all that name it. */
import { describe, expect, it } from "vitest";
import { files, read } from "../support/tree.ts";

const sources = files.filter((path) => /^(src|dashboard\/src)\/.*\.tsx?$/.test(path));

/** The examples as each part of the house spells them. */
const spellings: Readonly<Record<string, RegExp>> = {
  reset_period: /\b(reset_period|reset-period|ResetPeriodCommand|resetPeriod)\b/,
  ceiling: /\bceiling\b/,
  journal_trimmed: /\bjournal_trimmed\b/,
  reallocated: /\breallocated\b/,
  shipJournal: /\bshipJournal\b/,
};

const [, section = ""] = read("CONTRIBUTING.md").split("## What a change touches");
const rows = [...(section.split("\n## ")[0] ?? "").matchAll(/^\| ([^|]+) \| ([^|]+) \| `(\w+)` \|$/gm)].map(
  ([, kind = "", touched = "", example = ""]) => ({
    kind,
    touched: [...touched.matchAll(/`([^`]+)`/g)].map(([, path = ""]) => path).toSorted(),
    example,
  }),
);

describe("to add", () => {
  it("a thing of each kind has an example", () => {
    expect(rows.map(({ example }) => example)).toEqual(Object.keys(spellings));
  });

  it.each(rows)("$kind touches what CONTRIBUTING says, and nothing else", ({ touched, example }) => {
    const spelling = spellings[example];
    if (spelling === undefined) throw new Error(`no spelling of ${example}`);
    expect(sources.filter((path) => spelling.test(read(path))).toSorted()).toEqual(touched);
  });

  it("a command touches at most ten files of src, and a contract field five beside those of its effect", () => {
    const inSrc = (kind: string): number =>
      rows.find((row) => row.kind === kind)?.touched.filter((path) => path.startsWith("src/")).length ?? 0;
    expect(inSrc("a command")).toBeLessThanOrEqual(10);
    expect(inSrc("a contract field") - 1).toBeLessThanOrEqual(5);
    expect(rows.find(({ kind }) => kind === "a refusal")?.touched).toContain("src/protocol/refusals.ts");
  });
});
