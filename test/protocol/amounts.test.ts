import { describe, expect, it } from "vitest";
import { brief } from "../../src/protocol/amounts.ts";

describe("an amount in words", () => {
  it.each([
    [0, "0 tokens", "0 tokens"],
    [7, "7 tokens", "7 tokens"],
    [99, "99 tokens", "99 tokens"],
    [100, "0.1 k tokens", "0.1 k tokens"],
    [429, "0.42 k tokens", "0.43 k tokens"],
    [1_540, "1.5 k tokens", "1.6 k tokens"],
    [16_218, "16 k tokens", "17 k tokens"],
    [500_000, "0.5 M tokens", "0.5 M tokens"],
    [80_929_503, "80 M tokens", "81 M tokens"],
    [1_000_000_000_000, "1 T tokens", "1 T tokens"],
  ])("%i tokens is %s, or %s where so much is needed", (amount, down, up) => {
    expect([brief(amount, "tokens"), brief(amount, "tokens", "up")]).toEqual([down, up]);
  });

  it.each([
    [1, "$0.000001"],
    [4_290, "$0.0042"],
    [430_000, "$0.43"],
    [5_000_000, "$5"],
    [2_711_125, "$2.7"],
    [503_000_000, "$0.5 k"],
  ])("%i microusd is %s", (amount, words) => expect(brief(amount, "microusd")).toBe(words));

  it("has nothing in it that a client may take for a status, whatever it is", () => {
    for (let amount = 1; amount < 1e13; amount = Math.ceil(amount * 1.013)) {
      for (const unit of ["tokens", "microusd"] as const) {
        for (const round of ["up", "down"] as const) {
          expect(brief(amount, unit, round)).not.toMatch(/[1-9]\d\d/);
        }
      }
    }
  });
});
