/** Where a seeded bug is planted: in the body of the function that it names, and nowhere else. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bugs } from "../prove/bugs/bugs.ts";
import { plantings } from "../prove/bugs/place.ts";

const text = `
/** give(a) keeps something. */
export function give({ a }: Agent, need: () => number): { given: number } {
  if (a > need()) return { given: a };
  return take(a > 1);
}

class Pool {
  take(a: number): void {
    this.give(a > 2);
  }

  async #give<T>(
    a: T,
  ): Promise<T> {
    return a > 3 ? a : a;
  }
}

give(a > 4);
`;

describe("a seeded bug", () => {
  it.each([
    ["take", [text.replace("a > 2", "a >= 2")]],
    ["#give", [text.replace("a > 3", "a >= 3")]],
    ["give", [text.replace("a > need", "a >= need"), text.replace("a > 1", "a >= 1")]],
    ["gone", []],
  ])("within %s is planted in its body only, once for each match", (within, planted) => {
    expect(plantings(text, { within, pattern: /a > /, becomes: "a >= " })).toEqual(planted);
  });

  it("can keep a part of what it changes", () => {
    const place = { within: "take", pattern: /this\.give\((\w+) > 2\)/, becomes: "this.give($1)" };
    expect(plantings(text, place)).toEqual([text.replace("this.give(a > 2)", "this.give(a)")]);
  });

  it("changes what it names, wherever it has a place", () => {
    const src = join(import.meta.dirname, "../../src");
    const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
    const texts = files.map((name) => readFileSync(join(src, name), "utf8"));
    const changed = bugs.flatMap((bug) => texts.flatMap((one) => plantings(one, bug).map((after) => after !== one)));
    expect(changed.length).toBeGreaterThan(bugs.length / 2);
    expect(changed).not.toContain(false);
  });
});
