/**
 * A dialect: one API of a provider, as requests and answers. Everything that differs between the APIs is in one object
 * for each, so that a governed call is written once, and a new API is a file.
 */
import type { Answers } from "./answers.ts";
import type { Inspection } from "./inspection.ts";
import type { ErrorShape } from "./refusal.ts";

export type DialectName =
  | "openai-chat"
  | "openai-responses"
  | "openai-embeddings"
  | "anthropic-messages"
  | "gemini-generate";

export type Body = Readonly<Record<string, unknown>>;

export interface Dialect {
  readonly name: DialectName;
  /** How the addresses of its calls end. */
  readonly path: string;
  /** In whose shape its callers expect errors. */
  readonly errors: ErrorShape;
  /** Whether a model writes: an embedding has no output, and takes no limit. */
  readonly writes: boolean;
  /** Estimated tokens of everything that is billed as input. */
  promptTokens(body: Body, model: string): number;
  /** The limit on each answer that the caller set; undefined for none. */
  limitOf(body: Body): number | undefined;
  /** The body to send, its answers limited to `limit` tokens, and its usage reported. */
  withLimit(body: Body, limit: number): Body;
  /** How many answers are asked for. */
  answersIn(body: Body): number;
  /** Tokens of each answer's limit that are for thinking: with no more than these there is no answer. */
  thinkingIn(body: Body): number;
  /** Whether the provider may write what goes in to its cache. */
  cacheWritesIn(body: Body): "never" | "short" | "hour";
  /** What can't be governed, what is not known, and what is asked for beside tokens. */
  inspect(body: Body, model: string): Inspection;
  readonly answers: Answers;
  /**
   * Where usage is asked for in the caller's place: what the caller gets to see of an event (`event`, and its text as it
   * came). Undefined where the caller sees everything.
   */
  withoutUsage?(body: Body): ((event: unknown, text: string) => string) | undefined;
}
