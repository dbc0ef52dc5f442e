import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson } from "../../src/protocol/json.ts";

describe("JSON from strangers", () => {
  it("reads what JSON.parse reads", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        // `__proto__` as a key is refused on purpose (below); fast-check knows the name and tries it.
        fc.pre(!text.includes("__proto__"));
        const result = parseJson(text);
        // fast-check's objects have no duplicate keys, so nothing may be refused.
        expect(result).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it.each([
    ['{"a":1,"a":2}', "/a", "appears twice"],
    ['{"a":1,"\\u0061":2}', "/a", "appears twice"],
    ['{"x":{"b":1, "b" :2}}', "/x/b", "appears twice"],
    ['[{"b":1},{"b":1,"b":2}]', "/1/b", "appears twice"],
    ['{"a":[0,[{"b":1,"b":2}]]}', "/a/1/0/b", "appears twice"],
    ['{"a/b~c":{"d":1,"d":2}}', "/a~1b~0c/d", "appears twice"],
    ['{"__proto__":1}', "/__proto__", "is not a name"],
    ['{"__proto__":1,"__proto__":2}', "/__proto__", "is not a name"],
    ["[".repeat(33) + "]".repeat(33), "", "nested deeper"],
    ["[".repeat(4_000_000), "", "nested deeper"],
    ['{"a":'.repeat(40) + "1" + "}".repeat(40), "/a", "nested deeper"],
    ["", "", "not valid JSON"],
    ['{"a"', "", "not valid JSON"],
    ['"abc', "", "not valid JSON"],
    ["{'a':1}", "", "not valid JSON"],
    ["[1,]", "", "not valid JSON"],
    ["\uFEFF{}", "", "not valid JSON"],
    ["01", "", "not valid JSON"],
    ["NaN", "", "not valid JSON"],
  ])("refuses %.40s", (text, path, message) => {
    const result = parseJson(text);
    if (result.ok) throw new Error("was accepted");
    expect(result.fault.path.startsWith(path)).toBe(true);
    expect(result.fault.message).toContain(message);
  });

  it("takes equal keys of different objects, and values that look like keys", () => {
    expect(parseJson('[{"a":"a"},{"a":"a"}]').ok).toBe(true);
    expect(parseJson('{"a":["a","a"],"b":"a"}').ok).toBe(true);
    expect(parseJson("[".repeat(32) + "]".repeat(32)).ok).toBe(true);
  });
});
