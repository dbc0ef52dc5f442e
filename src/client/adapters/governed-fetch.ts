/**
 * A `fetch` that governs: calls of a model are reserved before they go out and booked by what the provider reports,
 * everything else passes. Any SDK that takes a `fetch` is governed by it, streaming or not. Whatever happens, a call
 * is settled once: with its report, or with what was delivered when the report never came.
 */
import { metered, newMeter, settled } from "../../providers/meter.ts";
import {
  type Dialect,
  dialectOf,
  isUsageChunk,
  type ModelRequest,
  readRequest,
  upperBound,
  wantsUsageChunk,
  withLimit,
} from "../../providers/request.ts";
import { SseParser } from "../../providers/sse.ts";
import { totalOf, usageOf } from "../../providers/usage.ts";
import { BudgetExceededError } from "../errors.ts";
import type { Hold } from "../hold.ts";
import type { Pool, ReserveOptions } from "../pool.ts";
import { Settlement, type SettlementOptions } from "../settlement.ts";
import { meteredStream } from "./metered-stream.ts";

export type GovernedFetchOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> &
  SettlementOptions & {
    /** Makes the calls; by default the runtime's `fetch`. */
    readonly fetch?: typeof fetch;
    /** Output allowed for when a request names no limit; it is sent along as the limit. Default 4,096. */
    readonly max_output?: number;
    /** The least output that a call is worth making for, when less than asked is left. Default 16. */
    readonly min_output?: number;
  };

/** What an adapter knows of its provider. */
export type ProviderSide = {
  readonly dialects: readonly Dialect[];
  /** How a refusal looks to the SDK: its provider's own shape of an error, with a status that no SDK retries. */
  readonly refusal: (error: BudgetExceededError) => Response;
};

export function governedFetch(
  pool: Pool,
  agent: string,
  options: GovernedFetchOptions,
  { dialects, refusal }: ProviderSide,
): typeof fetch {
  if (pool.unit !== "tokens") throw new TypeError(`a governed fetch counts tokens; this pool counts ${pool.unit}`);
  const { fetch: given, max_output = 4_096, min_output = 16, unbooked, ...reserve } = options;
  const send: typeof fetch = given ?? ((input, init) => fetch(input, init));

  return async (input, init) => {
    const outgoing = new Outgoing(input, init);
    const dialect = outgoing.method === "POST" ? dialectOf(outgoing.url.pathname) : undefined;
    if (dialect === undefined || !dialects.includes(dialect)) return send(input, init);
    const text = await outgoing.text();
    const asked = readRequest(dialect, parse(text));
    // Not ours to judge: the provider will say what is wrong with it.
    if (asked === undefined) return send(...outgoing.with(text));

    const bound = upperBound(asked, max_output);
    const least = Math.min(bound, asked.prompt + asked.answers * min_output);
    const { signal } = outgoing;
    let hold: Hold;
    try {
      hold = await pool.reserve(agent, bound, { ...reserve, at_least: least, ...(signal === null ? {} : { signal }) });
    } catch (error) {
      if (error instanceof BudgetExceededError) return refusal(error);
      throw error;
    }
    return call(send, outgoing, asked, new Settlement(hold, { unbooked }));
  };
}

/** A request as `fetch` takes it, which is read at most once and sent on with all that its caller set. */
class Outgoing {
  readonly url: URL;
  readonly method: string;
  readonly signal: AbortSignal | null;
  readonly #input: Request | undefined;
  readonly #init: RequestInit;

  constructor(input: RequestInfo | URL, init: RequestInit = {}) {
    this.#input = input instanceof Request ? input : undefined;
    this.#init = init;
    // A relative address is the page's, where there is a page; `Request` knows.
    this.url = new URL(input instanceof URL ? input : (this.#input ?? new Request(input)).url);
    this.method = (init.method ?? this.#input?.method ?? "GET").toUpperCase();
    this.signal = init.signal ?? this.#input?.signal ?? null;
  }

  text(): Promise<string> {
    const { body } = this.#init;
    if (typeof body === "string") return Promise.resolve(body);
    if (body === undefined && this.#input !== undefined) return this.#input.clone().text();
    return new Response(body ?? null).text();
  }

  /** The arguments of `fetch` with another body. */
  with(body: string): [url: string, init: RequestInit] {
    const { method, signal } = this;
    const headers = new Headers(this.#init.headers ?? this.#input?.headers);
    headers.delete("content-length");
    const inherited = this.#input === undefined ? {} : { redirect: this.#input.redirect };
    return [this.url.href, { ...inherited, ...this.#init, method, headers, body, signal }];
  }
}

async function call(
  send: typeof fetch,
  outgoing: Outgoing,
  asked: ModelRequest,
  settlement: Settlement,
): Promise<Response> {
  // The output that the grant leaves room for.
  const limit = Math.floor((settlement.hold.granted - asked.prompt) / asked.answers);
  let response: Response;
  try {
    response = await send(...outgoing.with(JSON.stringify(withLimit(asked, limit))));
  } catch (error) {
    // No answer is no bill, as far as anybody can tell from here.
    await settlement.giveBack();
    throw error;
  }
  if (!response.ok || response.body === null) {
    await settlement.giveBack();
    return response;
  }
  const streams = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  return streams ? meter(response, outgoing.signal, asked, settlement) : whole(response, asked, settlement);
}

async function whole(response: Response, asked: ModelRequest, settlement: Settlement): Promise<Response> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    // The answer was lost on its way here. That it cost something is all that is known.
    await settlement.book(asked.prompt);
    throw error;
  }
  const usage = usageOf(parse(text));
  await settlement.book(usage === undefined ? settlement.hold.granted : totalOf(usage));
  return new Response(text, { status: response.status, headers: decoded(response.headers) });
}

function meter(response: Response, signal: AbortSignal | null, asked: ModelRequest, settlement: Settlement): Response {
  const [decoder, encoder, parser] = [new TextDecoder(), new TextEncoder(), new SseParser()];
  const hidesUsage = asked.dialect === "openai-chat" && !wantsUsageChunk(asked);
  let state = newMeter;
  const settle = (): Promise<void> => {
    signal?.removeEventListener("abort", onAbort);
    return settlement.book(settled(state, asked.prompt));
  };
  // A stream that nobody reads any more is not told that it is over.
  const onAbort = (): void => void settle();
  signal?.addEventListener("abort", onAbort, { once: true });
  const through = (events: ReturnType<SseParser["push"]>): Uint8Array | undefined => {
    let out = "";
    for (const { data, text } of events) {
      const value = parse(data);
      state = metered(state, value);
      if (!hidesUsage || !isUsageChunk(value)) out += text;
    }
    return out === "" ? undefined : encoder.encode(out);
  };
  const stream = meteredStream<Uint8Array, Uint8Array>(
    response.body as ReadableStream<Uint8Array>,
    (chunk) => through(parser.push(decoder.decode(chunk, { stream: true }))),
    settle,
    () => through([...parser.push(decoder.decode()), ...parser.end()]),
  );
  return new Response(stream, { status: response.status, headers: decoded(response.headers) });
}

/** `fetch` has decoded the body; what said how it was encoded is no longer true. */
function decoded(headers: Headers): Headers {
  const kept = new Headers(headers);
  kept.delete("content-encoding");
  kept.delete("content-length");
  return kept;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
