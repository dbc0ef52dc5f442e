import { describe, expect, it } from "vitest";
import { estimateTokens } from "../../src/providers/estimate.ts";

describe("an estimate of tokens", () => {
  it("is nothing for nothing, and grows with the text", () => {
    expect(estimateTokens("")).toBe(0);
    const sentence = "The governor keeps what is left of the budget. ";
    expect(estimateTokens(sentence)).toBeLessThan(estimateTokens(sentence.repeat(2)));
  });

  /** Counted with o200k_base; an estimate is good within a third, and better too high than too low. */
  it.each([
    ["The quick brown fox jumps over the lazy dog, and the governor keeps what is left. ", 18.1],
    ["Съешь ещё этих мягких французских булок, да выпей чаю. ", 18.1],
    ["敏捷的棕色狐狸跳过了懒狗。今天天气很好，我们去公园散步。", 25],
    ["빠른 갈색 여우가 게으른 개를 뛰어넘습니다. 오늘은 날씨가 좋습니다.", 25],
    ["สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ วันนี้อากาศดี", 33],
    ["3f2504e0-4f89-41d3-9a0c-0305e82c3301 ", 28],
    ["Portez ce vieux whisky au juge blond qui fume. Où est l'été près de la forêt enchantée? ", 23.2],
    ["😀🎉🚀👩‍💻🔥✅", 12],
  ])("is close to a tokenizer's count for %s", (text, tokens) => {
    const ratio = estimateTokens(text.repeat(10)) / (tokens * 10);
    expect(ratio).toBeGreaterThan(0.85);
    expect(ratio).toBeLessThan(1.35);
  });

  it("takes as many steps as the text has characters, whatever they are", () => {
    for (const text of ["a", " ", "aB", "x1", "\n{", "é"]) {
      const once = text.repeat(1_000);
      const [small, large] = [estimateTokens(once), estimateTokens(once.repeat(20))];
      expect(large / small).toBeGreaterThan(15);
      expect(large / small).toBeLessThan(21);
    }
  });
});
