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

  /** Every class of character, and where each begins and ends: a change of the weights shows here. */
  it.each([
    ["word ", 951],
    ["Word ", 951],
    ["WORDS ", 951],
    ["aB", 1401],
    ["aBc ", 2351],
    ["x1 ", 2201],
    ["abcdefgh ", 951],
    ["abcdefghi ", 1076],
    ["abcdefghijklmnopqrst ", 2450],
    ["abcdefghijklmnopqrstu ", 2950],
    ["abcdefghijklmnopqrstuvwxyz", 12993],
    ["1 ", 1250],
    ["12 ", 1250],
    ["123 ", 1250],
    ["1234 ", 2500],
    ["a1", 2650],
    ["1a", 2651],
    ["\n", 11],
    ["\t\n", 1220],
    ["a\n\n", 1771],
    ["a  b ", 2720],
    ["a \n b ", 3330],
    ["a\r\n", 1771],
    ["a \n\t b ", 3940],
    ["!", 101],
    ["a! ", 2050],
    ["a!! ", 2151],
    ["a!? ", 2351],
    ["a(){}; ", 3250],
    ["a<=>+-*/ ", 5050],
    ["a !@!@!@ ", 4151],
    ["\u0000", 1000],
    ["\u007f", 1000],
    ["\u001f", 1000],
    ["a\u0001", 1951],
    ["\u00e9", 400],
    ["\u00e9 ", 400],
    ["\u00df", 400],
    ["\u017f", 400],
    ["\u0180", 2500],
    ["\u036f", 2500],
    ["\u0370", 450],
    ["\u0436", 450],
    ["\u052f", 450],
    ["\u0530", 2500],
    ["\u058f", 2500],
    ["\u0590", 601],
    ["\u05d0", 601],
    ["\u06ff", 601],
    ["\u0700", 2500],
    ["\u08ff", 2500],
    ["\u0900", 601],
    ["\u0d7f", 601],
    ["\u0d80", 2500],
    ["\u0dff", 2500],
    ["\u0e00", 601],
    ["\u0e01", 601],
    ["\u0eff", 601],
    ["\u0f00", 2500],
    ["\u109f", 2500],
    ["\u10a0", 601],
    ["\u10ff", 601],
    ["\u1100", 2500],
    ["\u1fff", 2500],
    ["\u2000", 1000],
    ["\u2013", 1000],
    ["\u26ff", 1000],
    ["\u2700", 2500],
    ["\u2fff", 2500],
    ["\u3000", 951],
    ["\u3042", 951],
    ["\u312f", 951],
    ["\u3130", 2500],
    ["\u4dff", 2500],
    ["\u4e00", 951],
    ["\u4e2d", 951],
    ["\u9fff", 951],
    ["\ua000", 2500],
    ["\uabff", 2500],
    ["\uac00", 951],
    ["\ud55c", 951],
    ["\ud7af", 951],
    ["\ud7b0", 2500],
    ["\ud7ff", 2500],
    ["\ud83d\ude00", 2000],
    ["\udfff", 1000],
    ["\ue000", 2500],
    ["\ufeff", 2500],
    ["\uff00", 951],
    ["\uffef", 951],
    ["\ufff0", 2500],
    ["`", 101],
    ["~", 101],
    ["[", 101],
    ["{", 101],
    ["@", 101],
    ["/", 101],
    [":", 101],
    ["A", 493],
    ["Z", 493],
    ["a", 493],
    ["z", 493],
    ["0", 418],
    ["9", 418],
    ["/0", 2350],
    ["0:", 2350],
    ["@A", 2050],
    ["[a", 2050],
    ["`z", 2050],
    ["{z", 2050],
    [" ", 11],
    ["  ", 21],
    ["\u000b", 11],
    ["\u000e", 1000],
  ])("of a thousand times %j is %i", (text, tokens) => {
    expect(estimateTokens(text.repeat(1_000))).toBe(tokens);
  });
});
