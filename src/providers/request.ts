/** A request to a model, read in its dialect: what it may use at most, and how its output is limited. */
import type { Body, Dialect } from "./dialect.ts";

/** What a call may use, as far as its request says. */
export type Extent = {
  /** Estimated tokens of what goes in, never below what the provider will count. */
  readonly prompt: number;
  /** How many answers are asked for. */
  readonly answers: number;
  /** Whether a model writes: an embedding has no output. */
  readonly writes: boolean;
  /** Whether the provider may write what goes in to its cache, which may cost more than reading it plainly. */
  readonly cacheWrites: "never" | "short" | "hour";
  /** The tier that is asked for; undefined for the provider's default. */
  readonly tier: string | undefined;
};

export type ModelRequest = Extent & {
  readonly dialect: Dialect;
  readonly body: Body;
  readonly isStreaming: boolean;
  /** The model's name; "" if the request has none. */
  readonly model: string;
  /** The limit on each answer that the caller set; undefined if none. */
  readonly limit: number | undefined;
  /** Tokens of each answer's limit that are for thinking. */
  readonly thinking: number;
};

/** Reads a request; undefined if its body is not an object. */
export function readRequest(dialect: Dialect, body: unknown): ModelRequest | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  const fields = body as Body;
  const { model, stream, service_tier: tier, speed } = fields;
  const name = typeof model === "string" ? model : "";
  return {
    dialect,
    body: fields,
    isStreaming: stream === true,
    model: name,
    prompt: Math.ceil(dialect.promptTokens(fields, name)),
    limit: dialect.limitOf(fields),
    answers: dialect.answersIn(fields),
    writes: dialect.writes,
    thinking: dialect.thinkingIn(fields),
    cacheWrites: dialect.cacheWritesIn(fields),
    tier: speed === "fast" ? "fast" : typeof tier === "string" ? tier : undefined,
  };
}

/** The dialect among `dialects` of an address; undefined for one that calls no model. */
export function dialectOf(pathname: string, dialects: readonly Dialect[]): Dialect | undefined {
  return dialects.find(({ path }) => pathname.endsWith(path));
}
