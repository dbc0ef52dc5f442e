/** What is counted, and how: the bound itself is held against the real tokenizers in bound.test.ts. */
import { describe, expect, it } from "vitest";
import { estimateTokens, learn } from "../../src/providers/estimate.ts";
import { start } from "../../src/providers/vocabulary-start.ts";
import { vocabulary } from "../../src/providers/vocabulary.ts";
import { countedBy, ranksOf } from "../support/tokenizers.ts";
import { mergedTokens, merges, tableOf } from "../support/vocabulary.ts";

learn(vocabulary);

describe("an estimate of tokens", () => {
  it("is nothing for nothing, and grows with the text", () => {
    expect(estimateTokens("")).toBe(0);
    const sentence = "The governor keeps what is left of the budget. ";
    expect(estimateTokens(sentence)).toBeLessThan(estimateTokens(sentence.repeat(2)));
  });

  it("is the same each time, whatever was estimated between", () => {
    const text = "don't(x); 12345 é 世界\n\n";
    const once = estimateTokens(text);
    estimateTokens("something else, and longer than what comes after");
    expect(estimateTokens(text)).toBe(once);
  });

  /** Each word, number, sign and white space that is one token everywhere is counted as one. */
  it.each([
    ["The name of the city", 5],
    ["the end.", 3],
    ["getElementById", 4],
    ["I'm", 2],
    ["1", 1],
    ["123", 1],
    ["1234", 2],
    ["1234567890", 4],
    [" 5", 2],
    ["\n\n", 1],
    [" ".repeat(60), 1],
    ['{"id":{"a":[]}}', 7],
    ["x === y;\n", 4],
    ["----------------", 1],
  ])("of %j is %i", (text, tokens) => {
    expect(countedBy("o200k_base", text)).toBeLessThanOrEqual(tokens);
    expect(estimateTokens(text)).toBe(tokens);
  });

  it("takes the text of bytes for text: what is read in another encoding costs more", () => {
    const misread = Buffer.from("é").toString("latin1");
    expect(estimateTokens(misread)).toBeGreaterThanOrEqual(countedBy("o200k_base", misread));
    expect(estimateTokens("1½¼")).toBeGreaterThanOrEqual(countedBy("o200k_base", "1½¼"));
  });

  it("merges pieces of up to 128 bytes, and charges longer ones their bytes", () => {
    expect(estimateTokens("a".repeat(128))).toBeLessThan(70);
    expect(estimateTokens("a".repeat(129))).toBe(129);
    expect(estimateTokens("é".repeat(65))).toBe(130);
    expect(estimateTokens("字".repeat(1_000))).toBe(3_000);
  });

  it("takes as many steps as the text has characters, whatever they are", () => {
    for (const text of ["a", " ", "aB", "x1", "\n{", "é", "字", "😀", "a ", "\u0000"]) {
      const once = text.repeat(1_000);
      const [small, large] = [estimateTokens(once), estimateTokens(once.repeat(20))];
      expect(large / small).toBeGreaterThan(15);
      expect(large / small).toBeLessThan(21);
    }
  });
});

describe("the vocabulary", () => {
  it("is what the tokenizer's own gives, and begins as what every client has", () => {
    expect(tableOf(merges.vocabulary)).toEqual(vocabulary);
    expect(vocabulary.merges.slice(0, start.merges.length)).toBe(start.merges);
    expect(vocabulary.costs.slice(0, start.costs.length)).toBe(start.costs);
    expect(start.merges.length).toBe(2 * merges.start);
  });

  it("has every number of up to three digits as a token, as the estimate takes for granted", () => {
    const numbers = [1, 2, 3].flatMap((digits) =>
      Array.from({ length: 10 ** digits }, (_, n) => `${n}`.padStart(digits, "0")),
    );
    for (const name of ["o200k_base", "cl100k_base"] as const) {
      const ranks = ranksOf(name);
      expect(numbers.filter((number) => !ranks.has(number))).toEqual([]);
    }
  });

  it("leaves out no token before the last that it has: only so is it a bound", () => {
    const tokens = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));
    for (let at = 0; at < vocabulary.merges.length; at += 2) {
      const [left = "", right = ""] = [0, 1].map((side) => tokens[vocabulary.merges.charCodeAt(at + side) - 0x3400]);
      tokens.push(left + right);
    }
    expect(tokens.slice(256)).toEqual(mergedTokens().slice(0, merges.vocabulary));
  });
});
