/**
 * An upper bound on the tokens of a text. OpenAI's tokenizer, o200k_base, splits a text into pieces (words, numbers,
 * punctuation, white space) and merges the bytes of each by a list of tokens, the earliest in the list first. This does
 * the same with the beginning of that list. Every merge of the rest would make two tokens one, so the count here is
 * never below the tokenizer's, whatever the text is.
 *
 * Each token is charged what its bytes cost in the tokenizers that lack it, cl100k_base and Claude's (`Vocabulary.costs`).
 * `docs/estimator.md` has the figures. Time is linear in the length of a text, because long pieces are not merged.
 */
import { start } from "./vocabulary-start.ts";

/** What is known of a vocabulary. Tokens have numbers: those of one byte its value, the others the next in their order. */
export type Vocabulary = {
  /**
   * The tokens that merges make, earliest first, each by the numbers of two that make it: a character for each, whose
   * code is the number and 0x3400. One may be known only if all earlier ones are.
   */
  readonly merges: string;
  /** For each of them a digit of base 36: its tokens in the tokenizer that needs most. */
  readonly costs: string;
  /** Pieces in ASCII that are one token everywhere, though they are merged later; split by "│". */
  readonly pieces: string;
};

/** What a piece in ASCII costs that is one token: it is found without merging. */
const known = new Map<string, number>();
/** Each token's bytes, a character each, by its number; its number, by its bytes; and what it costs. */
const tokens: string[] = [];
const numbers = new Map<string, number>();
const costs: number[] = [];
/** By two tokens that stand side by side, the token that they make: see `pairOf`. */
const merges = new Map<number, number>();

for (let byte = 0; byte < 256; byte++) add(String.fromCharCode(byte), 1);

function add(token: string, cost: number): void {
  numbers.set(token, tokens.push(token) - 1);
  costs.push(cost);
}

/** What is to be read before the next estimate. */
let unread: Vocabulary[] = [start];

/**
 * Makes all later estimates tighter. Before, only the beginning of the vocabulary is known, and estimates are about
 * twice as high. It is read at the next estimate, which takes some 20 ms longer.
 */
export function learn(vocabulary: Vocabulary): void {
  unread.push(vocabulary);
}

// The vocabulary is large, so the client loads it apart and meanwhile does without; in the Worker it is in the bundle.
void import("./vocabulary.ts").then(
  ({ vocabulary }) => learn(vocabulary),
  () => undefined,
);

function read(vocabulary: Vocabulary): void {
  const bytesAt = (at: number): string => tokens[vocabulary.merges.charCodeAt(at) - 0x3400] ?? "";
  for (let nth = tokens.length - 256; nth < vocabulary.costs.length; nth++) {
    const token = bytesAt(2 * nth) + bytesAt(2 * nth + 1);
    // A token is made of any two that give its bytes, whichever come to stand side by side.
    for (let split = 1; split < token.length; split++) {
      const left = numbers.get(token.slice(0, split));
      const right = numbers.get(token.slice(split));
      if (left !== undefined && right !== undefined) merges.set(pairOf(left, right), tokens.length);
    }
    add(token, Number.parseInt(vocabulary.costs.charAt(nth), 36));
    // Beyond ASCII the bytes of one character are the text of others: "é" is written as "Ã©".
    if (/^[\0-\x7f]*$/.test(token)) known.set(token, costs.at(-1) ?? 1);
  }
  for (const piece of vocabulary.pieces.split("│")) known.set(piece, 1);
}

function pairOf(left: number, right: number): number {
  return (left << 15) | right;
}

/** The most bytes of a piece that is merged, which takes their square. A longer piece is charged a token for each byte. */
const longestMerged = 128;

/** How o200k_base splits a text. The first line adds nothing to the rest: it is the quick way for words in ASCII. */
const pieces = new RegExp(
  [
    " ?[A-Z]?[a-z]+(?![a-z'\\x80-\\u{10ffff}])",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+C?",
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*C?",
    "\\p{N}{1,3}",
    " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*",
    "\\s*[\\r\\n]+",
    "\\s+(?![^\\s])",
    "\\s+",
  ]
    .join("|")
    .replaceAll("C?", "(?:'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL]))?")
    // JavaScript counts a byte order mark as white space, and leaves out the next line.
    .replaceAll("\\s", "\\p{White_Space}"),
  "gu",
);

/** Counts the tokens of a text: `estimateTokens`, or a tokenizer that a caller has. */
export type Count = (text: string) => number;

/** At most how many tokens `text` has for the models of OpenAI; 0 for an empty text. */
export function estimateTokens(text: string): number {
  for (const vocabulary of unread) read(vocabulary);
  unread = [];
  let bound = 0;
  pieces.lastIndex = 0;
  for (let match = pieces.exec(text); match !== null; match = pieces.exec(text)) {
    const [piece] = match;
    bound += known.get(piece) ?? costOf(piece);
  }
  return bound;
}

function costOf(piece: string): number {
  // Every number of up to three digits is a token, in every tokenizer.
  if (/^\d+$/.test(piece)) return 1;
  const { read: taken, written } = encoder.encodeInto(piece, bytes);
  return taken < piece.length ? new TextEncoder().encode(piece).length : mergedCost(written);
}

const encoder = new TextEncoder();
/** The piece that is merged: its bytes, its tokens, and which token each of them makes with its right neighbour. */
const bytes = new Uint8Array(longestMerged);
const parts = new Int32Array(longestMerged);
const made = new Int32Array(longestMerged);
const none = 2 ** 31 - 1;

/** Byte-pair encoding: the two that make the earliest token are merged, until no two make one. */
function mergedCost(length: number): number {
  let count = length;
  parts.set(bytes);
  for (let at = 0; at < count; at++) made[at] = madeAt(at, count);
  for (;;) {
    let first = none;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const token = made[i] as number;
      if (token < first) {
        first = token;
        at = i;
      }
    }
    if (first === none) break;
    parts.copyWithin(at + 1, at + 2, count);
    made.copyWithin(at + 1, at + 2, count);
    parts[at] = first;
    count--;
    made[at] = madeAt(at, count);
    if (at > 0) made[at - 1] = madeAt(at - 1, count);
  }
  return parts.subarray(0, count).reduce((cost, token) => cost + (costs[token] as number), 0);
}

/** The token that the one at `at` makes with its right neighbour. */
function madeAt(at: number, count: number): number {
  return at + 1 < count ? (merges.get(pairOf(parts[at] as number, parts[at + 1] as number)) ?? none) : none;
}
