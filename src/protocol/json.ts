/**
 * Reads JSON from strangers. `JSON.parse` keeps the last of two equal keys and accepts four million nested brackets;
 * what is checked and what is used must be the same, so both are refused here, by an iterative scan that runs before
 * anything recursive sees the text. The grammar itself stays `JSON.parse`'s job; numbers are the schemas'.
 */
import { limits } from "./limits.ts";

/** Why a text was refused. `path` is a JSON pointer (RFC 6901) to the offending place, "" for the whole. */
export type JsonFault = { readonly path: string; readonly message: string };

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: JsonFault };

/** Parses `text`; refuses duplicate keys, nesting beyond `depth`, and what `JSON.parse` refuses. */
export function parseJson(text: string, depth: number = limits.jsonDepth): JsonResult {
  const fault = scan(text, depth);
  if (fault !== undefined) return { ok: false, fault };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false, fault: { path: "", message: "is not valid JSON" } };
  }
}

/** An object's keys so far, or how many items of an array have gone by; and under which name it stands. */
type Level = { readonly keys: Set<string> | undefined; readonly name: string; items: number };

/**
 * One pass over the structural characters. It need not understand malformed text: whatever it lets through wrongly,
 * `JSON.parse` refuses. It must only never miss a duplicate key or a level in text that `JSON.parse` accepts.
 */
function scan(text: string, depth: number): JsonFault | undefined {
  const levels: Level[] = [];
  let key = "";
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x7b: // {
      case 0x5b: {
        if (levels.length >= depth) {
          return { path: pointer(levels, key), message: `is nested deeper than ${depth} levels` };
        }
        levels.push({ keys: text.charCodeAt(i) === 0x7b ? new Set() : undefined, name: nameIn(levels, key), items: 0 });
        key = "";
        break;
      }
      case 0x2c: {
        const level = levels.at(-1);
        if (level !== undefined) level.items++;
        break;
      }
      case 0x7d: // }
      case 0x5d: {
        levels.pop();
        break;
      }
      case 0x22: {
        const end = endOfString(text, i);
        if (end < 0) return { path: "", message: "is not valid JSON" };
        const keys = levels.at(-1)?.keys;
        if (keys !== undefined && isFollowedByColon(text, end + 1)) {
          const raw = text.slice(i + 1, end);
          key = raw.includes("\\") ? unescape(raw) : raw;
          // Not every library keeps a member of this name: what was checked and what is used would differ.
          if (key === "__proto__") return { path: pointer(levels, key), message: "is not a name that can be used" };
          if (keys.has(key)) return { path: pointer(levels, key), message: "appears twice in its object" };
          keys.add(key);
        }
        i = end;
        break;
      }
    }
  }
  return undefined;
}

/** Index of the quote that closes the string opened at `start`, or −1. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x5c) i++;
    else if (code === 0x22) return i;
  }
  return -1;
}

function isFollowedByColon(text: string, from: number): boolean {
  let i = from;
  while (isWhite(text.charCodeAt(i))) i++;
  return text.charCodeAt(i) === 0x3a;
}

function isWhite(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
}

/** `"a\u0062"` and `"ab"` are one key. A malformed escape stays as it is; `JSON.parse` will refuse it. */
function unescape(raw: string): string {
  try {
    return String(JSON.parse(`"${raw}"`));
  } catch {
    return raw;
  }
}

/** What the value at hand is called in its level: its key, or its place in an array. */
function nameIn(levels: readonly Level[], key: string): string {
  const level = levels.at(-1);
  return level === undefined || level.keys !== undefined ? key : String(level.items);
}

function pointer(levels: readonly Level[], key: string): string {
  return toPointer([...levels.slice(1).map((level) => level.name), nameIn(levels, key)].filter((name) => name !== ""));
}

/** A JSON pointer (RFC 6901); long names are cut, for it is shown to people. */
export function toPointer(names: readonly PropertyKey[]): string {
  return names.map((name) => `/${String(name).slice(0, 64).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
