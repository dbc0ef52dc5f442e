/** What an id stands for is compared field by field: what differs, and what is only written another way. */
import { describe, expect, it } from "vitest";
import { firstDifference } from "../../src/engine/decisions/decision.ts";

describe("the first difference", () => {
  const of = (then: unknown, now: unknown) =>
    firstDifference([
      ["same", 1, 1],
      ["field", then, now],
    ]);

  it.each([
    [null, {}],
    [{}, null],
    [undefined, {}],
    [1, "1"],
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: undefined }, { b: undefined }],
    [
      [1, 2],
      [2, 1],
    ],
    [{ a: { b: [1] } }, { a: { b: [2] } }],
  ])("of %j and %j is theirs", (then, now) => expect(of(then, now)).toBe("field"));

  it.each([
    [null, null],
    [
      { a: 1, b: [2] },
      { b: [2], a: 1 },
    ],
    ["a", "a"],
  ])("of %j and %j is none", (then, now) => expect(of(then, now)).toBeUndefined());
});
