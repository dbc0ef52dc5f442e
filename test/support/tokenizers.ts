/** The real tokenizers that the estimator is held against: OpenAI's two, and the only one that Anthropic has published. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { get_encoding, Tiktoken } from "tiktoken";

const claude2 = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../node_modules/@anthropic-ai/tokenizer/claude.json"), "utf8"),
);

/** Claude's tokenizer reads compatibility forms as what they stand for. */
const encoders = {
  o200k_base: get_encoding("o200k_base"),
  cl100k_base: get_encoding("cl100k_base"),
  claude: new Tiktoken(claude2.bpe_ranks, claude2.special_tokens, claude2.pat_str),
} as const;

export type Tokenizer = keyof typeof encoders;
export const tokenizers = Object.keys(encoders) as Tokenizer[];

/** Tokens of `text`, which is taken as text all through: "<|endoftext|>" is none. */
export function countedBy(tokenizer: Tokenizer, text: string): number {
  return encoders[tokenizer].encode_ordinary(tokenizer === "claude" ? text.normalize("NFKC") : text).length;
}

/** The vocabulary of a tokenizer: each token's bytes, as a string of one character a byte, and its rank. */
export function ranksOf(tokenizer: Tokenizer): ReadonlyMap<string, number> {
  const encoder = encoders[tokenizer];
  const tokens = encoder.token_byte_values().map((bytes) => Uint8Array.from(bytes));
  return new Map(tokens.map((bytes) => [String.fromCharCode(...bytes), encoder.encode_single_token(bytes)]));
}
