/**
 * How many pages a PDF has, and how much text its densest stream shows. The file is searched from end to end rather
 * than read by its tables, so that it can hide no page from a bound that a provider's reader would find.
 */
import { inflate } from "./inflate.ts";

export type Pdf = {
  readonly pages: number;
  /** Characters that one of its streams shows, at most. */
  readonly densest: number;
};

/** Beyond any of these a file is not read: a small hostile file could take long. */
const most = { inflated: 16_000_000, streams: 10_000, dictionary: 8_000, nodes: 500, node: 64_000 } as const;

/** A name, of which any letter may be written by its code: /P#61ge. */
const named = (name: string): string => {
  const letters = Array.from(name, (letter) => `(?:${letter}|#${letter.charCodeAt(0).toString(16)})`);
  return `/${letters.join("")}`;
};
const page = new RegExp(`${named("Type")}\\s*${named("Page")}(?![A-Za-z#])`, "g");
const node = new RegExp(`${named("Type")}\\s*${named("Pages")}(?![A-Za-z#])`, "g");
const count = new RegExp(`${named("Count")}\\s+(\\d+)(?!\\d|\\s+\\d+\\s+R)`);
const kids = new RegExp(`${named("Kids")}\\s*\\[([^\\]]*)\\]`);
const encrypted = new RegExp(named("Encrypt"));

/** Undefined for a PDF that can't be read, or only at great cost. */
export function pdfIn(bytes: Uint8Array): Pdf | undefined {
  const file = latin1(bytes);
  const texts = textsIn(bytes, file);
  // An encrypted file hides how many pages it has.
  if (texts === undefined || encrypted.test(file)) return undefined;
  let own = 0;
  let counted = 0;
  let listed = 1;
  let densest = 0;
  for (const text of [file, ...texts]) {
    const tree = treeIn(text);
    if (tree === undefined) return undefined;
    own += tree.own;
    counted = Math.max(counted, tree.counted);
    listed += tree.listed - 1;
    densest = Math.max(densest, shownIn(text));
  }
  return own + counted === 0 ? undefined : { pages: Math.max(own, counted, listed), densest };
}

export function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** What is in the compressed streams of a PDF, but for its images and fonts. */
function textsIn(bytes: Uint8Array, file: string): string[] | undefined {
  const texts: string[] = [];
  let left = most.inflated;
  let nth = 0;
  for (const found of file.matchAll(/\bstream\r?\n/g)) {
    const before = file.slice(Math.max(0, found.index - most.dictionary), found.index);
    const opened = before.lastIndexOf("obj");
    if (opened < 0 || nth++ === most.streams) return undefined;
    const dictionary = before
      .slice(opened)
      .replaceAll(/#([\da-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
    const filters = dictionary.match(/\/(?:(?:ASCII85|ASCIIHex|LZW|RunLength|Flate)Decode|A85|AHx|LZW|RL|Fl)\b/g) ?? [];
    if (filters.length === 0 || isOther(dictionary)) continue;
    const packed = unpacked(bytes, file, found.index + found[0].length, filters, left);
    const whole = packed === undefined ? undefined : inflate(packed, left);
    if (packed === undefined || whole === undefined) return undefined;
    // Streams may overlap: what is read again is counted again, and text for bytes as the work that it is.
    left -= whole.length + (filters.length > 1 ? slowness * packed.length : 0);
    texts.push(latin1(whole));
  }
  return texts;
}

/** An image or a font, which holds no pages and shows no text. */
function isOther(dictionary: string): boolean {
  const isData = /\/Subtype\s*\/Image\b|\/Length[123]\s|\/Subtype\s*\/(Type1C|CIDFontType0C|OpenType)\b/.test(
    dictionary,
  );
  return isData && !/\/(ObjStm|Pages?)\b/.test(dictionary);
}

/** The compressed bytes at `start`; undefined where they are filtered in a way that is rare, or more than `left`. */
function unpacked(
  bytes: Uint8Array,
  file: string,
  start: number,
  filters: readonly string[],
  left: number,
): Uint8Array | undefined {
  const names = filters.join().replaceAll("Decode", "");
  if (/^\/Fl(ate)?$/.test(names)) return bytes.subarray(start);
  const end = /^\/A(SCII)?85,\/Fl(ate)?$/.test(names) ? file.indexOf("~>", start) : -1;
  return end < 0 || slowness * (end - start) > left ? undefined : ascii85(file.slice(start, end));
}

/** How much longer a byte takes in base 85 than one that is inflated. */
const slowness = 4;

/** Five characters of 85, of which the first is "!", are four bytes; a "z" is four zeros. */
function ascii85(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, "").replaceAll("z", "!!!!!");
  const bytes: number[] = [];
  for (let at = 0; at < digits.length; at += 5) {
    const group = digits.slice(at, at + 5);
    const value = Array.from(group.padEnd(5, "u")).reduce((sum, digit) => sum * 85 + digit.charCodeAt(0) - 33, 0);
    for (let byte = 0; byte < group.length - 1; byte++) bytes.push(Math.floor(value / 256 ** (3 - byte)) % 256);
  }
  return Uint8Array.from(bytes);
}

type Tree = { readonly own: number; readonly counted: number; readonly listed: number };

/** Pages in a text: those that are there, and those that nodes of the tree of pages count or list. */
function treeIn(text: string): Tree | undefined {
  let counted = 0;
  // Each node but the first is in the list of another, where it stands for its own.
  let listed = 1;
  const nodes = [...text.matchAll(node)];
  if (nodes.length > most.nodes) return undefined;
  for (const { index } of nodes) {
    const dictionary = dictionaryAt(text, index);
    const counts = count.exec(dictionary)?.[1];
    const list = kids.exec(dictionary)?.[1];
    if (counts === undefined || list === undefined) return undefined;
    counted = Math.max(counted, Number(counts));
    listed += Math.max(0, (list.match(/\bR\b/g)?.length ?? 0) - 1);
  }
  return { own: text.match(page)?.length ?? 0, counted, listed };
}

/** The dictionary that `at` is in, from its "<<" to its ">>". */
function dictionaryAt(text: string, at: number): string {
  const [from, to] = [Math.max(0, at - most.node), Math.min(text.length, at + most.node)];
  const bracketAt = (place: number): number =>
    text.startsWith("<<", place) ? 1 : text.startsWith(">>", place) ? -1 : 0;
  let start = at;
  for (let depth = 0; start > from && depth < 1; start--) depth += bracketAt(start - 1);
  let end = at;
  for (let depth = 1; end < to && depth > 0; end++) depth += bracketAt(end);
  return text.slice(start, end);
}

/** Characters that a stream shows: those in brackets, and those given by their codes, of which most are two bytes. */
function shownIn(text: string): number {
  if (!/\bBT\s/.test(text) || !/[)>\]]\s*(T[jJ]|['"])\s/.test(text)) return 0;
  const literal = text.match(/\((?:[^()\\]|\\[^])*\)/g) ?? [];
  const coded = text.match(/<[\da-fA-F\s]+>/g) ?? [];
  return (
    [...literal].reduce((sum, one) => sum + one.length - 2, 0) + coded.reduce((sum, one) => sum + one.length / 2, 0)
  );
}
