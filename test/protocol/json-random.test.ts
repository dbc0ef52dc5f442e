/**
 * `parseJson` against a second reader of JSON, written here the plain way: for every text they agree on whether it is
 * JSON, whether a key comes twice, how deep it is, and what it says.
 */
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type JsonResult, parseJson } from "../../src/protocol/json.ts";

/** A JSON value that can say one key twice, and each thing in many spellings. */
type Tree =
  | { readonly kind: "leaf"; readonly text: string }
  | { readonly kind: "list"; readonly items: readonly Tree[] }
  | { readonly kind: "object"; readonly entries: readonly (readonly [key: Key, value: Tree])[] };
type Key = { readonly name: string; readonly text: string };

/** A string with some of its characters escaped, in one of the ways that JSON has. */
const escaped = (name: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom("plain", "lower", "upper"), { minLength: name.length, maxLength: name.length })
    .map((ways) => `"${[...Array(name.length).keys()].map((i) => spelt(name.charAt(i), ways[i])).join("")}"`);

function spelt(char: string, way: string | undefined): string {
  const code = char.charCodeAt(0).toString(16).padStart(4, "0");
  if (way === "lower") return `\\u${code}`;
  if (way === "upper") return `\\u${code.toUpperCase()}`;
  return char.isWellFormed() ? JSON.stringify(char).slice(1, -1) : char;
}

// Few names, so that keys often come twice; some that hold what a careless reader stumbles over. No backslash: once
// V8 13.6 (Node 24, not workerd) has seen an object with the key "\\", it reads the key "\u0061" of another as that.
const names = fc.constantFrom(
  "a",
  "b",
  "",
  "__proto__",
  "constructor",
  'q"',
  "{",
  "}:",
  "\u00e9",
  "\ud83d\ude00",
  "[,",
);
const key: fc.Arbitrary<Key> = names.chain((name) => escaped(name).map((text) => ({ name, text })));
const blank = fc.constantFrom("", "", " ", "\n", "\t\r ");
const leaf: fc.Arbitrary<Tree> = fc
  .oneof(
    fc.constantFrom("0", "-0", "1e3", "1.5E-7", "true", "false", "null", "9007199254740993", '"a"', '"a":', '"{"'),
    fc.string({ unit: "grapheme" }).map((text) => JSON.stringify(text)),
    names.chain(escaped),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => JSON.stringify(number)),
  )
  .map((text) => ({ kind: "leaf", text: text.endsWith('":') ? text.slice(0, -1) : text }));

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    leaf,
    fc.array(tie("tree"), { maxLength: 4 }).map((items): Tree => ({ kind: "list", items })),
    fc.array(fc.tuple(key, tie("tree")), { maxLength: 5 }).map((entries): Tree => ({ kind: "object", entries })),
  ),
}));

/** The tree as text, with `blanks` between its parts by turns. */
function written(root: Tree, blanks: readonly string[]): string {
  let turn = 0;
  const gap = (): string => blanks[turn++ % Math.max(1, blanks.length)] ?? "";
  const write = (node: Tree): string => {
    if (node.kind === "leaf") return gap() + node.text + gap();
    if (node.kind === "list") return `${gap()}[${gap()}${node.items.map(write).join(",")}]${gap()}`;
    const entries = node.entries.map(([{ text }, value]) => `${gap()}${text}${gap()}:${write(value)}`);
    return `${gap()}{${gap()}${entries.join(",")}}${gap()}`;
  };
  return write(root);
}

/** Whether a key comes twice in one object, or is the one that nobody may use. */
function hasBadKey(node: Tree): boolean {
  if (node.kind === "leaf") return false;
  if (node.kind === "list") return node.items.some(hasBadKey);
  const keys = node.entries.map(([{ name }]) => name);
  return (
    new Set(keys).size < keys.length || keys.includes("__proto__") || node.entries.some(([, value]) => hasBadKey(value))
  );
}

/** Whether exactly that is what was read: its own keys, −0 and all. */
function says(result: JsonResult, value: unknown): boolean {
  return result.ok && isDeepStrictEqual(result.value, value);
}

describe("random JSON", () => {
  const texts = fc.tuple(tree, fc.array(blank, { maxLength: 7 }));

  it("is read as JSON.parse reads it, and refused if and only if a key comes twice or is __proto__", () => {
    let [taken, refused] = [0, 0];
    fc.assert(
      fc.property(texts, ([root, blanks]) => {
        const text = written(root, blanks);
        const value: unknown = JSON.parse(text);
        const result = parseJson(text);
        if (!hasBadKey(root)) {
          taken++;
          expect(says(result, value), text).toBe(true);
          return;
        }
        refused++;
        if (result.ok) throw new Error("was accepted");
        expect(["appears twice in its object", "is not a name that can be used"]).toContain(result.fault.message);
      }),
      { numRuns: 3_000 },
    );
    // The property says little if only one of the two cases ever came up.
    expect(Math.min(taken, refused)).toBeGreaterThan(300);
  });

  it("with one character changed is refused, or read as JSON.parse reads it", () => {
    const change = fc.tuple(
      texts,
      fc.nat(),
      fc.constantFrom("", '"', "\\", "{", "}", "[", "]", ":", ",", "0", " ", "\u0000"),
    );
    fc.assert(
      fc.property(change, ([[root, blanks], place, put]) => {
        const text = written(root, blanks);
        const at = place % (text.length + 1);
        const changed = text.slice(0, at) + put + text.slice(at + 1);
        const result = parseJson(changed);
        const known = readPlainly(changed);
        if (known === undefined) expect(result.ok).toBe(false);
        else expect(result.ok).toBe(!known.badKey);
        if (result.ok) expect(says(result, JSON.parse(changed)), changed).toBe(true);
      }),
      { numRuns: 5_000 },
    );
  });

  it("of any characters at all is refused, or read as JSON.parse reads it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        const result = parseJson(text);
        if (result.ok) expect(says(result, JSON.parse(text)), text).toBe(true);
        else expect(result.fault.message).toMatch(/^\S/);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is taken to the thirty-second level and refused from the next, wherever its depth lies", () => {
    const step = fc.constantFrom<[string, string]>(
      ["[", "]"],
      ['{"a":', "}"],
      ['[0,"[{",', "]"],
      ['{"b":[],"a": ', "}"],
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 45 }), ([...steps]) => {
        const text = `${steps.map(([open]) => open).join("")}0${steps
          .map(([, close]) => close)
          .toReversed()
          .join("")}`;
        const result = parseJson(text);
        // An empty list beside the path is one level deeper than the object that it is in.
        const beside = steps.findLastIndex(([open]) => open.includes("[],")) + 2;
        expect(result.ok).toBe(Math.max(steps.length, beside) <= 32);
        if (!result.ok) expect(result.fault.message).toBe("is nested deeper than 32 levels");
      }),
      { numRuns: 1_000 },
    );
  });

  it("has no member named __proto__, at any depth and in any spelling", () => {
    const spellings = ["__proto__", "\\u005f_proto__", "__prot\\u006F__", "\\u005f\\u005f\\u0070roto\\u005f\\u005f"];
    const places: readonly (readonly [before: string, after: string, path: string])[] = [
      ["{", "}", ""],
      ['{"a":1,', "}", ""],
      ['{"a":{', "}}", "/a"],
      ['[0,{"b":[{', "}]}]", "/1/b/0"],
    ];
    for (const spelling of spellings) {
      for (const [before, after, path] of places) {
        const result = parseJson(`${before}"${spelling}" : {"polluted":1}${after}`);
        expect(result).toMatchObject({ ok: false, fault: { path: `${path}/__proto__` } });
      }
    }
    // As a value, or as part of a name, it is harmless.
    expect(parseJson('{"a":"__proto__","__proto":1,"__proto__x":1}').ok).toBe(true);
  });

  it("changes no prototype, whatever its keys", () => {
    const before = Reflect.ownKeys(Object.prototype);
    const result = parseJson('{"constructor":{"prototype":{"polluted":1}},"toString":1}');
    if (!result.ok) throw new Error("was refused");
    expect(Reflect.ownKeys(Object.prototype)).toEqual(before);
    expect(Object.getPrototypeOf(result.value)).toBe(Object.prototype);
    expect(Object.keys(Object(result.value))).toEqual(["constructor", "toString"]);
    expect(Object({})).not.toHaveProperty("polluted");
  });

  it.each([
    ["many keys", `{${Array.from({ length: 100_000 }, (_, i) => `"k${i}":0`).join(",")}}`],
    ["one huge key", `{"${"k".repeat(1_000_000)}":0}`],
    ["one huge key of escapes", `{"${"\\u0041".repeat(200_000)}":0}`],
    ["a million backslashes", `"${"\\\\".repeat(500_000)}"`],
    ["a million quotes", '""'.repeat(500_000)],
    [
      "spaces before every colon",
      `{${Array.from({ length: 1_000 }, (_, i) => `"k${i}"${" ".repeat(900)}:0`).join(",")}}`,
    ],
  ])("of a megabyte with %s takes a small multiple of the time of JSON.parse, whatever the machine", (_, text) => {
    // A reader that is quadratic would take some thousand times as long.
    expect(leastTime(() => parseJson(text))).toBeLessThan(50 * leastTime(() => JSON.parse(plainMegabyte)));
  });
});

const plainMegabyte = JSON.stringify(Array.from({ length: 50_000 }, (_, i) => `${i} is a number of some length`));

/** The least of three, so that other work on the machine does not count. */
function leastTime(run: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const started = performance.now();
    run();
    return performance.now() - started;
  });
  return Math.min(...times);
}

/** Whether a text is JSON, and whether a key in it comes twice or may not be used: by descending, one character after the other. */
function readPlainly(text: string): { readonly badKey: boolean } | undefined {
  let at = 0;
  let badKey = false;
  const skip = (): void => {
    while (/[ \n\r\t]/.test(text.charAt(at))) at++;
  };
  const take = (char: string): void => {
    skip();
    if (text.charAt(at) !== char) throw new SyntaxError(`no ${char} at ${at}`);
    at++;
  };
  const isNext = (char: string): boolean => {
    skip();
    return text.charAt(at) === char;
  };
  const string = (): string => {
    skip();
    // oxlint-disable-next-line no-control-regex -- that control characters are refused is the point
    const [raw] = /^"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/.exec(text.slice(at)) ?? [];
    if (raw === undefined) throw new SyntaxError(`no string at ${at}`);
    at += raw.length;
    return String(JSON.parse(raw));
  };
  const members = (close: string, member: () => void): void => {
    at++;
    if (!isNext(close)) {
      member();
      while (!isNext(close)) {
        take(",");
        member();
      }
    }
    take(close);
  };
  const value = (): void => {
    if (isNext("{")) {
      const keys = new Set<string>();
      return members("}", () => {
        const name = string();
        badKey ||= keys.has(name) || name === "__proto__";
        keys.add(name);
        take(":");
        value();
      });
    }
    if (isNext("[")) return members("]", value);
    if (isNext('"')) return void string();
    const [word] = /^(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/.exec(text.slice(at)) ?? [];
    if (word === undefined) throw new SyntaxError(`nothing at ${at}`);
    at += word.length;
  };
  try {
    value();
    skip();
    return at === text.length ? { badKey } : undefined;
  } catch {
    return undefined;
  }
}
