/** One word per thing: what the glossary bans stands in no source, message or document of today. */
import { describe, expect, it } from "vitest";
import { files, read } from "../support/tree.ts";

/** Records of what was, and texts that a script prints from them. */
const records = /^(CHANGELOG\.md|docs\/(proof\.md|study\/|glossary\.md))/;
const checked = files.filter(
  (path) =>
    /^(src|dashboard\/src|docs|scripts|examples|README\.md|CONTRIBUTING\.md)/.test(path) &&
    /\.(ts|tsx|md|py|mjs)$/.test(path) &&
    !records.test(path),
);

/** The words of the glossary's last table, and what the code has called the same things. */
const banned: readonly (readonly [word: string, pattern: RegExp])[] = [
  ["a pronoun for a role", /\b(whoever|whomever|whom|nobody|somebody|anybody|everybody)\b/i],
  ["float", /\bfloat\b(?! per token)/],
  ["minted", /\b(un)?minted\b|\bunmade\b/i],
  ["door", /\b(DoorError|doorProblem)\b|\bthe door\b/i],
  ["under way", /\bunder way\b|\bunderWay\b/i],
  ["hurry", /\b(hurry|hurried|mustNotHurry)\b/i],
];

describe("the glossary", () => {
  it.each(banned)("is kept: %s", (_, pattern) => {
    const found = checked.flatMap((path) =>
      read(path)
        .split("\n")
        .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    );
    expect(found).toEqual([]);
  });

  it("has every word that it bans in its last table", () => {
    const [, table = ""] = read("docs/glossary.md").split("## Not used");
    for (const word of ["whoever", "nobody", "float", "minted", "door", "under way", "hurry"])
      expect(table).toContain(word);
  });
});
