/** A request to a model, read in its dialect: what it may use at most, and how its output is limited. */
import type { Body, Dialect } from "./dialect.ts";
import type { Inspection, Reference } from "./inspection.ts";
import { type ProviderTool, toolTokens } from "./provider-tools.ts";

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
  /** Tools that the provider runs and bills by use. */
  readonly tools: readonly ProviderTool[];
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
  readonly inspection: Inspection;
};

/** Tokens of content that only the provider has, by its id; undefined where that is not known. */
export type SizeOf = (id: string) => number | undefined;

/**
 * Reads a request; undefined if its body is not an object. Content that only the provider has is counted by `sizeOf`,
 * and where that does not know it by a flat size; what the answer reports corrects it.
 */
export function readRequest(
  dialect: Dialect,
  body: unknown,
  sizeOf: SizeOf = () => undefined,
): ModelRequest | undefined {
  if (typeof body !== "object" || body === null || Array.isArray(body)) return undefined;
  const fields = body as Body;
  const { model, stream } = fields;
  const name = typeof model === "string" ? model : "";
  const inspection = dialect.inspect(fields, name);
  const referred = inspection.references.reduce((sum, { id, kind }) => sum + (sizeOf(id) ?? flatTokens[kind]), 0);
  return {
    dialect,
    body: fields,
    isStreaming: stream === true,
    model: name,
    prompt: Math.ceil(dialect.promptTokens(fields, name) + referred + toolTokens(inspection.tools)),
    limit: dialect.limitOf(fields),
    answers: dialect.answersIn(fields),
    writes: dialect.writes,
    thinking: dialect.thinkingIn(fields),
    cacheWrites: dialect.cacheWritesIn(fields),
    tier: tierIn(fields),
    tools: inspection.tools,
    inspection,
  };
}

/** What is held for content that only the provider has, and of which nothing is known: a long conversation or document. */
const flatTokens: Readonly<Record<Reference["kind"], number>> = { history: 32_000, file: 32_000, item: 4_000 };

function tierIn({ service_tier: tier, speed, inference_geo: region }: Body): string | undefined {
  if (speed === "fast") return "fast";
  if (region === "us") return "us";
  return typeof tier === "string" ? tier : undefined;
}

/** The dialect among `dialects` of an address; undefined for one that calls no model. */
export function dialectOf(pathname: string, dialects: readonly Dialect[]): Dialect | undefined {
  return dialects.find(({ path }) => pathname.endsWith(path));
}
