/** What the estimator knows of o200k_base, made of the package `tiktoken`: see `scripts/vocabulary.ts`. */
import type { Vocabulary } from "../../src/providers/estimate.ts";
import { countedBy, ranksOf, type Tokenizer } from "./tokenizers.ts";

/** Merges that are kept: with more the estimate is closer, and the table larger. */
export const merges = { vocabulary: 16_000, start: 384 } as const;
/** Of the signs that are one token each, those of a lower rank: rarer ones are in no text that people write. */
const rarestSign = 100_000;

/** Splits pieces from each other: a character that is no byte. */
const between = "│";

/** The table with the first `count` merges. */
export function tableOf(count: number): Vocabulary {
  const tokens = mergedTokens();
  const merged = tokens.slice(0, count);
  const numbers = new Map<string, number>(Array.from({ length: 256 }, (_, byte) => [String.fromCharCode(byte), byte]));
  for (const token of merged) numbers.set(token, numbers.size);
  const pieces = tokens.slice(count).filter((token, nth) => isPiece(token, count + nth) && costOf(token) === 1);
  return {
    merges: merged.map((token) => pairOf(token, numbers)).join(""),
    costs: merged.map((token) => Math.min(35, costOf(token)).toString(36)).join(""),
    pieces: pieces.sort().join(between),
  };
}

/** The tokens of more than a byte, in the order in which they are merged. */
export function mergedTokens(): string[] {
  const byRank = [...ranksOf("o200k_base")].sort(([, a], [, b]) => a - b);
  return byRank.map(([token]) => token).filter((token) => token.length > 1);
}

function isPiece(token: string, nth: number): boolean {
  return /^[\t-\r ]+$/.test(token) || (/^ ?[!-/:-@[-`{-~]+[\r\n/]*$/.test(token) && nth < rarestSign);
}

/** Two known tokens that make `token`, as `Vocabulary.merges` writes them. */
function pairOf(token: string, numbers: ReadonlyMap<string, number>): string {
  for (let split = 1; split < token.length; split++) {
    const left = numbers.get(token.slice(0, split));
    const right = numbers.get(token.slice(split));
    const own = numbers.get(token) ?? 0;
    if (left !== undefined && right !== undefined && left < own && right < own) {
      return String.fromCharCode(0x3400 + left, 0x3400 + right);
    }
  }
  throw new Error(`nothing makes ${JSON.stringify(token)}`);
}

const others = new Map<Tokenizer, ReadonlyMap<string, number>>(
  (["cl100k_base", "claude"] as const).map((name) => [name, ranksOf(name)]),
);

/**
 * What a token of o200k_base costs those who lack it: its tokens in cl100k_base and, beyond ASCII, in Claude's
 * tokenizer, which is asked for what is left when the factor of its family is taken out.
 */
function costOf(token: string): number {
  const older = countIn("cl100k_base", token);
  return /^[\0-\x7f]+$/.test(token) ? older : Math.max(older, Math.ceil(countIn("claude", token) / familyFactor));
}

/** As src/providers/request.ts has it for the models that count as Claude's published tokenizer does. */
const familyFactor = 1.3;

function countIn(tokenizer: Tokenizer, token: string): number {
  const bytes = Buffer.from(token, "latin1");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? countedBy(tokenizer, text) : partsOf(token, tokenizer);
}

/** Byte-pair encoding of what is no text: a part of a character. */
function partsOf(token: string, tokenizer: Tokenizer): number {
  const ranks = others.get(tokenizer);
  const parts = token.split("");
  for (;;) {
    let best = Number.POSITIVE_INFINITY;
    let at = -1;
    for (let i = 0; i + 1 < parts.length; i++) {
      const rank = ranks?.get(`${parts[i]}${parts[i + 1]}`) ?? Number.POSITIVE_INFINITY;
      if (rank < best) [best, at] = [rank, i];
    }
    if (at < 0) return parts.length;
    parts.splice(at, 2, `${parts[at]}${parts[at + 1]}`);
  }
}
