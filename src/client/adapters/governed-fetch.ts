/**
 * A `fetch` that governs: calls of a model are reserved before they go out and booked by what the provider reports,
 * everything else passes. Any SDK that takes a `fetch` is governed by it, streaming or not.
 */
import { AnswerMeter } from "../../calls/answer.ts";
import { boundOf, limitWithin, outputDefault, outputLeast } from "../../calls/bound.ts";
import type { GovernedCall } from "../../calls/governed-call.ts";
import { KeptSizes } from "../../calls/kept-sizes.ts";
import { kindOf, looked, noteWhole, type Rewrite, StreamedAnswer } from "../../calls/streamed-answer.ts";
import type { SettlementResult } from "../../protocol/reservation.ts";
import type { Dialect } from "../../providers/dialect.ts";
import { errorBody, factHeaders } from "../../providers/refusal.ts";
import { dialectOf, type ModelRequest, readRequest } from "../../providers/request.ts";
import { jsonIn } from "../../providers/shape.ts";
import { BursarError } from "../errors.ts";
import { governedCall, type SettlementOptions } from "../hold-port.ts";
import type { Governor, ReserveOptions } from "../options.ts";
import { type PriceOptions, tariffOf } from "../tariff.ts";
import { meteredStream } from "./metered-stream.ts";
import { Outgoing } from "./outgoing.ts";

export type GovernedFetchOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> &
  SettlementOptions &
  PriceOptions & {
    /** Makes the calls; by default the runtime's `fetch`. */
    readonly fetch?: typeof fetch;
    /** Output allowed for when a request names no limit; it is sent along as the limit. Default: what the model can write, at most
     * 32,000. */
    readonly max_output?: number;
    /** The least output that a call is worth making for, when less than asked is left. Default 16. */
    readonly min_output?: number;
    /** Whether a call with fields that this version does not know is made, or refused. Default `pass`. */
    readonly unknown_fields?: "pass" | "refuse";
  };

/** A call that was admitted. */
type Admitted = {
  readonly asked: ModelRequest;
  readonly governed: GovernedCall<SettlementResult>;
  readonly meter: AnswerMeter;
  /** Tokens that each answer may have, within what was granted. */
  readonly limit: number;
};

/** … and is on its way; `kept` remembers what the provider keeps of its answer. */
type Running = Admitted & { readonly kept: KeptSizes };

/** A `fetch` that governs the calls in `dialects`. A refusal reaches the SDK as its own error, after one request. */
export function governedFetch(
  pool: Governor,
  agent: string,
  options: GovernedFetchOptions,
  dialects: readonly Dialect[],
): typeof fetch {
  const { fetch: given, unknown_fields = "pass" } = options;
  const kept = new KeptSizes();
  const send: typeof fetch = given ?? ((input, init) => fetch(input, init));

  return async (input, init) => {
    const outgoing = new Outgoing(input, init);
    const dialect = outgoing.method === "POST" ? dialectOf(outgoing.url.pathname, dialects) : undefined;
    if (dialect === undefined) return send(input, init);
    const text = await outgoing.text();
    const asked = readRequest(dialect, jsonIn(text), (id) => kept.of("", id));
    // The provider says best what is wrong with it.
    if (asked === undefined) return send(...outgoing.with(text));
    const { refused, unknown } = asked.inspection;
    const fault = refused ?? (unknown_fields === "refuse" ? unknown[0] : undefined);
    if (fault !== undefined) {
      const detail = `${fault.field} ${fault.message}.`;
      return refusal(dialect, pool.name, { status: 400, code: "unsupported_feature", detail, errors: [fault] });
    }
    let admitted: Admitted;
    try {
      admitted = await admit(pool, agent, options, asked, outgoing.signal);
    } catch (error) {
      // Thrown, it would look to the SDK like a lost connection, and be repeated.
      if (error instanceof BursarError && error.status < 500) return refusal(dialect, pool.name, error.problem);
      throw error;
    }
    return call(send, outgoing, { ...admitted, kept });
  };
}

/** What the SDK is answered when the governor says no: one that it does not repeat. */
function refusal(dialect: Dialect, pool: string, problem: Parameters<typeof errorBody>[1]): Response {
  const headers = { "x-should-retry": "false", ...factHeaders(problem) };
  return Response.json(errorBody(dialect.errors, problem, pool), { status: problem.status, headers });
}

async function admit(
  pool: Governor,
  agent: string,
  options: GovernedFetchOptions,
  asked: ModelRequest,
  signal: AbortSignal | null,
): Promise<Admitted> {
  const {
    fetch: _,
    unknown_fields: __,
    max_output = outputDefault(asked.model),
    min_output = outputLeast,
    unbooked,
    price,
    ...reserve
  } = options;
  const { limit: wanted = max_output, model } = asked;
  const tariff = await tariffOf(pool, model, price === undefined ? {} : { price });
  const { amount, at_least } = boundOf(asked, tariff, wanted, asked.thinking + min_output);
  const hold = await pool.reserve(agent, amount, { ...reserve, at_least, ...(signal === null ? {} : { signal }) });
  return {
    asked,
    governed: governedCall(pool, hold, { tariff, model }, { unbooked }),
    meter: new AnswerMeter(asked, { confidencePath: hold.confidence_path, began: Date.now() }),
    limit: limitWithin(asked, tariff, wanted, hold.granted),
  };
}

async function call(send: typeof fetch, outgoing: Outgoing, admitted: Running): Promise<Response> {
  const { asked, governed, limit } = admitted;
  let response: Response;
  try {
    response = await send(...outgoing.with(JSON.stringify(asked.dialect.withLimit(asked.body, limit))));
  } catch (error) {
    // No answer is no bill, as far as can be seen from here.
    await governed.giveBack();
    throw error;
  }
  if (!response.ok || response.body === null) {
    await governed.giveBack();
    return response;
  }
  const kind = kindOf(response.headers.get("content-type"), asked.isStreaming);
  if (kind === "stream") return stream(response.body, response, outgoing.signal, admitted);
  if (kind === "whole") return whole(response.body, response, admitted);
  let seen: Awaited<ReturnType<typeof looked>>;
  try {
    seen = await looked(response.body);
  } catch (error) {
    await book(admitted, response);
    throw error;
  }
  return seen.isJson ? whole(seen.body, response, admitted) : stream(seen.body, response, outgoing.signal, admitted);
}

/** Books the call as it stands. */
async function book({ governed, meter, kept }: Running, { headers }: Response): Promise<void> {
  const ending = meter.ending(Date.now(), (name) => headers.get(name));
  if (ending.isReported) kept.remember("", meter, ending);
  await governed.book(ending);
}

async function whole(body: ReadableStream<Uint8Array>, response: Response, admitted: Running): Promise<Response> {
  let bytes: ArrayBuffer;
  try {
    bytes = await new Response(body).arrayBuffer();
  } catch (error) {
    // The answer was lost on its way here. That it cost something is all that is known.
    await book(admitted, response);
    throw error;
  }
  noteWhole(admitted.meter, new TextDecoder().decode(bytes), Date.now());
  await book(admitted, response);
  return new Response(bytes, { status: response.status, headers: decoded(response.headers) });
}

function stream(
  body: ReadableStream<Uint8Array>,
  response: Response,
  signal: AbortSignal | null,
  admitted: Running,
): Response {
  const { asked, meter } = admitted;
  const hidden = asked.dialect.withoutUsage?.(asked.body);
  const rewrite: Rewrite | undefined = hidden && ((event, sse) => hidden(event, sse.text));
  const answer = new StreamedAnswer(meter, rewrite);
  const settle = (): Promise<void> => {
    signal?.removeEventListener("abort", onAbort);
    return book(admitted, response);
  };
  // A stream whose reader has left is not told that it is over.
  const onAbort = (): void => void settle();
  signal?.addEventListener("abort", onAbort, { once: true });
  const filled = (out: Uint8Array): Uint8Array | undefined => (out.byteLength === 0 ? undefined : out);
  const metered = meteredStream<Uint8Array, Uint8Array>(
    body,
    (chunk) => filled(answer.pass(chunk, Date.now())),
    settle,
    () => filled(answer.rest(Date.now())),
  );
  return new Response(metered, { status: response.status, headers: decoded(response.headers) });
}

/** `fetch` has decoded the body; what said how it was encoded is no longer true. */
function decoded(headers: Headers): Headers {
  const kept = new Headers(headers);
  kept.delete("content-encoding");
  kept.delete("content-length");
  return kept;
}
