/** What the stand-in's APIs have in common: what a model is asked, what it answers, and what that costs. */

export type Json = Record<string, unknown>;

export type Tool = {
  readonly name: string;
  readonly description?: string;
  readonly namespace?: string;
  readonly schema: Json;
  readonly isFreeform?: boolean;
  /** The provider runs it, and bills each use. */
  readonly isHosted?: boolean;
  /** It finds further tools, which the client has. */
  readonly isSearch?: boolean;
};

/** A message of the conversation, in order. A result belongs to a tool call before it. */
export type Said =
  | { readonly by: "user" | "model"; readonly text: string }
  | { readonly by: "call"; readonly name: string }
  | { readonly by: "result"; readonly text: string };

export type Turn = {
  readonly said: readonly Said[];
  readonly tools: readonly Tool[];
  /** Output tokens that the caller allows at most; undefined for no limit. */
  readonly limit: number | undefined;
};

export type Call = { readonly tool: Tool; readonly input: Json };
export type Reply = {
  /** The text, in the pieces in which a stream sends it. */
  readonly pieces: readonly string[];
  readonly calls: readonly Call[];
  /** The stream pauses after this many pieces until the caller has seen them. */
  readonly pauseAfter?: number;
  /** How often the provider has searched the web for it. */
  readonly searches?: number;
  /** Whether the caller's limit has cut it short. */
  readonly isCut?: boolean;
  /** Before it pauses, it sends what keeps a silent connection alive. */
  readonly pings?: boolean;
};

/** Tokens, each counted once. */
export type Usage = {
  readonly input: number;
  readonly cacheRead: number;
  readonly cacheWrite: number;
  readonly cacheWrite1h: number;
  /** With the reasoning in it. */
  readonly output: number;
  readonly reasoning: number;
  /** Web searches, each billed beside the tokens. */
  readonly searches: number;
};

/** The reasoning that each answer of a reasoning API has. */
const reasoningTokens = 17;
const bytesPerToken = 5;
const charactersPerToken = 4;

/**
 * Usage that differs from call to call and can be told apart from an estimate: a third of the prompt was cached, and
 * where the API charges for it, a tenth is written to the cache for five minutes and a twentieth for an hour.
 */
export function usageOf(body: string, reply: Reply, { reasons, writes }: { reasons: boolean; writes: boolean }): Usage {
  const prompt = Math.max(20, Math.ceil(Buffer.byteLength(body) / bytesPerToken));
  const cacheRead = Math.floor(prompt / 3);
  const cacheWrite = writes ? Math.floor(prompt / 10) : 0;
  const cacheWrite1h = writes ? Math.floor(prompt / 20) : 0;
  const reasoning = reasons ? reasoningTokens : 0;
  const text = reply.pieces.join("") + reply.calls.map(({ input }) => JSON.stringify(input)).join("");
  const output = Math.max(1, Math.ceil(text.length / charactersPerToken)) + reasoning;
  return {
    input: prompt - cacheRead - cacheWrite - cacheWrite1h,
    cacheRead,
    cacheWrite,
    cacheWrite1h,
    output,
    reasoning,
    searches: reply.searches ?? 0,
  };
}

/** A reply within the caller's limit: what is over it is left away. */
export function within(reply: Reply, limit: number, { reasons }: { reasons: boolean }): Reply {
  const room = Math.max(0, limit - (reasons ? reasoningTokens : 0)) * charactersPerToken;
  let length = 0;
  const pieces = reply.pieces.filter((piece) => (length += piece.length) <= room);
  return { ...reply, pieces, calls: [], isCut: true };
}
