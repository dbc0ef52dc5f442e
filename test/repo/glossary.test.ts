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
  ["notice", /\bnotices\b|\bNotice(s|Type|Inbox)?\b|\bnotice(Types|Of)\b/],
  ["closed books", /\bclosed ?books\b/i],
  ["code names", /\b(Courier\w*|Upkeep|Errands|Opener|Learned|sameLife)\b/],
];

/** Documents that people write; a script prints the others from its records. */
const documents = files.filter((path) => path.endsWith(".md") && !/^docs\/((glossary|proof)\.md|study\/)/.test(path));
/** What makes a sentence about a role hard to read: say who does what. */
const bannedInDocuments: readonly (readonly [word: string, pattern: RegExp])[] = [
  ["a pronoun for a role", /\b(whoever|whomever|whom|nobody|somebody|anybody|everybody)\b/i],
  ["of ours", /\bof ours\b/i],
  ["is told", /\b(is|are|was|were|been|be) told\b/i],
  ["goes on", /\b(goes|go|going|went|gone) on\b(?! to)/i],
];

function linesWith(pattern: RegExp, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) =>
    read(path)
      .split("\n")
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  );
}

describe("the glossary", () => {
  it.each(banned)("is kept: %s", (_, pattern) => {
    expect(linesWith(pattern, checked)).toEqual([]);
  });

  it.each(bannedInDocuments)("is kept by the documents: %s", (_, pattern) => {
    expect(linesWith(pattern, documents)).toEqual([]);
  });

  it("has every word that it bans in its last table", () => {
    const [, table = ""] = read("docs/glossary.md").split("## Not used");
    const words = [
      "whoever",
      "nobody",
      "float",
      "minted",
      "door",
      "under way",
      "hurry",
      "notice",
      "closed books",
      "of ours",
      "is told",
      "goes on",
    ];
    for (const word of words) expect(table).toContain(word);
  });
});
