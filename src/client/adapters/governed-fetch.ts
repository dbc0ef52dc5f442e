/**
 * A `fetch` that governs: calls of a model are reserved before they go out and booked by what the provider reports,
 * everything else passes. Any SDK that takes a `fetch` is governed by it, streaming or not. Whatever happens, a call
 * is settled once: with its report, or with what was delivered when the report never came.
 */
import { bookedUsage } from "../../pricing/booked.ts";
import type { Tariff } from "../../pricing/tariff.ts";
import { metered, newMeter, usedBy } from "../../providers/meter.ts";
import { errorBody } from "../../providers/refusal.ts";
import {
  type Dialect,
  dialectOf,
  isUsageChunk,
  type ModelRequest,
  outputDefault,
  outputLeast,
  readRequest,
  wantsUsageChunk,
  withLimit,
} from "../../providers/request.ts";
import { jsonIn, type Usage } from "../../providers/shape.ts";
import { SseParser } from "../../providers/sse.ts";
import { usageOf } from "../../providers/usage.ts";
import { BursarError } from "../errors.ts";
import type { Hold } from "../hold.ts";
import type { Governor, ReserveOptions } from "../options.ts";
import { Settlement, type SettlementOptions } from "../settlement.ts";
import { type PriceOptions, tariffOf } from "../tariff.ts";
import { meteredStream } from "./metered-stream.ts";

export type GovernedFetchOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> &
  SettlementOptions &
  PriceOptions & {
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
  /** In whose shape a refusal reaches the SDK. */
  readonly provider: "openai" | "anthropic";
};

export function governedFetch(
  pool: Governor,
  agent: string,
  options: GovernedFetchOptions,
  { dialects, provider }: ProviderSide,
): typeof fetch {
  const { fetch: given, max_output = outputDefault, min_output = outputLeast, unbooked, price, ...reserve } = options;
  const send: typeof fetch = given ?? ((input, init) => fetch(input, init));

  return async (input, init) => {
    const outgoing = new Outgoing(input, init);
    const dialect = outgoing.method === "POST" ? dialectOf(outgoing.url.pathname) : undefined;
    if (dialect === undefined || !dialects.includes(dialect)) return send(input, init);
    const text = await outgoing.text();
    const asked = readRequest(dialect, jsonIn(text));
    // Not ours to judge: the provider will say what is wrong with it.
    if (asked === undefined) return send(...outgoing.with(text));

    const { signal } = outgoing;
    const limit = asked.limit ?? max_output;
    let tariff: Tariff;
    let hold: Hold;
    try {
      tariff = await tariffOf(pool, asked.model, price === undefined ? {} : { price });
      const bound = Math.max(1, tariff.bound(asked, limit));
      const least = Math.max(1, tariff.bound(asked, Math.min(limit, asked.thinking + min_output)));
      hold = await pool.reserve(agent, bound, { ...reserve, at_least: least, ...(signal === null ? {} : { signal }) });
    } catch (error) {
      // Thrown, it would look to the SDK like a lost connection, and be repeated.
      if (error instanceof BursarError && error.status < 500) return refusal(provider, error);
      throw error;
    }
    const settlement = new Settlement(hold, { unbooked });
    return call(send, outgoing, new GovernedCall(asked, tariff, settlement), limit);
  };
}

/** What the SDK is answered when the governor says no: one that it does not repeat. */
function refusal(provider: ProviderSide["provider"], { problem, status }: BursarError): Response {
  return Response.json(errorBody(provider, problem), { status, headers: { "x-should-retry": "false" } });
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

/** A call under its hold, and how what it used is booked. */
class GovernedCall {
  readonly asked: ModelRequest;
  readonly tariff: Tariff;
  readonly settlement: Settlement;

  constructor(asked: ModelRequest, tariff: Tariff, settlement: Settlement) {
    this.asked = asked;
    this.tariff = tariff;
    this.settlement = settlement;
  }

  /** Books what was used; what is estimated, for want of a report, is marked so. */
  book(usage: Usage, isReported: boolean): Promise<void> {
    const { tariff, asked } = this;
    const booked = bookedUsage(usage, tariff, { model: asked.model, isReported });
    return this.settlement.book(tariff.amountOf(usage), { usage: booked });
  }
}

async function call(send: typeof fetch, outgoing: Outgoing, governed: GovernedCall, wanted: number): Promise<Response> {
  const { asked, tariff, settlement } = governed;
  // The output that the grant leaves room for.
  const limit = Math.min(wanted, tariff.limitWithin(asked, settlement.hold.granted));
  let response: Response;
  try {
    response = await send(...outgoing.with(JSON.stringify(withLimit(asked, limit))));
  } catch (error) {
    // No answer is no bill, as far as can be seen from here.
    await settlement.giveBack();
    throw error;
  }
  if (!response.ok || response.body === null) {
    await settlement.giveBack();
    return response;
  }
  const streams = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  return streams ? meter(response, outgoing.signal, governed) : whole(response, governed);
}

async function whole(response: Response, governed: GovernedCall): Promise<Response> {
  let text: string;
  try {
    text = await response.text();
  } catch (error) {
    // The answer was lost on its way here. That it cost something is all that is known.
    await governed.book(usedBy(newMeter, governed.asked.prompt), false);
    throw error;
  }
  const usage = usageOf(jsonIn(text));
  await (usage === undefined ? governed.settlement.book(governed.settlement.hold.granted) : governed.book(usage, true));
  return new Response(text, { status: response.status, headers: decoded(response.headers) });
}

function meter(response: Response, signal: AbortSignal | null, governed: GovernedCall): Response {
  const { asked } = governed;
  const [decoder, encoder, parser] = [new TextDecoder(), new TextEncoder(), new SseParser()];
  const hidesUsage = asked.dialect === "openai-chat" && !wantsUsageChunk(asked);
  let state = newMeter;
  const settle = (): Promise<void> => {
    signal?.removeEventListener("abort", onAbort);
    return governed.book(usedBy(state, asked.prompt), state.isFinal);
  };
  // A stream whose reader has left is not told that it is over.
  const onAbort = (): void => void settle();
  signal?.addEventListener("abort", onAbort, { once: true });
  const through = (events: ReturnType<SseParser["push"]>): Uint8Array | undefined => {
    let out = "";
    for (const { data, text } of events) {
      const value = jsonIn(data);
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
