/**
 * What follows a reservation: the provider is asked, its answer goes to the caller, and the call is settled, whatever
 * becomes of either. It runs to its end by itself, so that a caller that disconnects does not take the end along.
 */
import { AnswerMeter } from "../calls/answer.ts";
import { limitWithin } from "../calls/bound.ts";
import { GovernedCall } from "../calls/governed-call.ts";
import { kindOf, looked, noteWhole, type Rewrite, StreamedAnswer } from "../calls/streamed-answer.ts";
import { joined } from "../http/body.ts";
import { numberOf } from "../http/settings.ts";
import type { Tariff } from "../pricing/tariff.ts";
import type { NamedAgentView } from "../protocol/agent.ts";
import { limits } from "../protocol/limits.ts";
import type { ReservationResult, SettlementResult } from "../protocol/reservation.ts";
import type { Admitted, ModelCall } from "./model-call.ts";
import { PoolPort } from "./pool-port.ts";
import { errorAnswer, type Redaction, redactionFor } from "./redaction.ts";
import { streamThrough } from "./stream.ts";
import { incomingHeaders, mustBeAnswer, outgoingRequest, upstreamFailed } from "./upstream.ts";

/** A connection that fails later than this had a provider at its other end, which has begun to work. */
const refusedWithinMs = 2_000;

/** An admitted call on its way. `answer` is called once. */
export class Forwarded {
  readonly #call: ModelCall;
  readonly #admitted: Admitted;
  readonly #port: PoolPort;
  readonly #governed: GovernedCall<SettlementResult>;
  readonly #meter: AnswerMeter;
  readonly #redaction: Redaction | undefined;
  /** Tokens that each answer may have, within what was granted. */
  readonly #limit: number;
  readonly #silenceMs: number;
  readonly #began = Date.now();
  readonly #silence = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(call: ModelCall, admitted: Admitted) {
    const { asked, route, limit, env, credentials } = call;
    const { tariff, reservation } = admitted;
    const { granted, confidence_path: confidencePath = null } = reservation;
    this.#call = call;
    this.#admitted = admitted;
    this.#port = new PoolPort(call, admitted);
    this.#governed = new GovernedCall({ provider: route.provider, model: asked.model, tariff, granted }, this.#port);
    this.#meter = new AnswerMeter(asked, { confidencePath, began: this.#began });
    this.#redaction = redactionFor(credentials);
    this.#limit = limitWithin(asked, tariff, limit, granted);
    this.#silenceMs = numberOf(env, "BURSAR_GATEWAY_SILENCE_MS", limits.gatewaySilenceMs);
  }

  /** The provider's answer; throws a 502 when it gives none. Settled by then, or about to be. */
  async answer(): Promise<Response> {
    this.#restartTimer();
    try {
      if (this.#call.request.signal.aborted) throw await this.#refused("was not asked: the caller has disconnected");
      const response = await this.#ask();
      const shown = this.#headers(response.headers);
      const { body, headers, status } = response;
      if (!response.ok || body === null) return await this.#notAnswered(response, shown);
      const kind = kindOf(headers.get("content-type"), this.#call.asked.isStreaming);
      const seen = kind === "unclear" ? await this.#look(body) : { isJson: kind === "whole", body };
      return seen.isJson
        ? await this.#whole(seen.body, response, shown)
        : new Response(this.#stream(seen.body, headers), { status, headers: shown });
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** From now on the provider may be silent for so long, and no longer. */
  #restartTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#silence.abort(), this.#silenceMs);
  }

  async #ask(): Promise<Response> {
    const outgoing = await this.#outgoing();
    try {
      return await fetch(outgoing, { signal: this.#silence.signal });
    } catch {
      if (this.#silence.signal.aborted) throw await this.#lost(`said nothing for ${this.#silenceMs} ms`);
      // No answer, no bill, unless the provider was at work when the connection broke.
      throw Date.now() - this.#began < refusedWithinMs
        ? await this.#refused("can't be reached")
        : await this.#lost("broke off before it answered");
    }
  }

  /** What is sent; where that can't be made (a secret that no header may hold), nothing was asked and nothing is held. */
  async #outgoing(): Promise<Request> {
    const { asked, route, credentials, request, upstream } = this.#call;
    try {
      const body = JSON.stringify(asked.dialect.withLimit(asked.body, this.#limit));
      return outgoingRequest({ route, credentials, request, body, upstream });
    } catch {
      throw await this.#refused("can't be asked: the governor's provider key or base URL is not valid");
    }
  }

  /** The provider's refusal, which it does not bill. */
  async #notAnswered(response: Response, headers: Headers): Promise<Response> {
    const { route, credentials } = this.#call;
    this.#port.failure = String(response.status);
    await this.#governed.giveBack();
    await mustBeAnswer(response, route.upstream, credentials);
    if (response.ok) throw upstreamFailed(route.upstream, "returned an empty response");
    return errorAnswer(response, headers, route.upstream, credentials);
  }

  /** Looks whether an answer that was asked for as a stream is one, whatever its type says. */
  async #look(body: ReadableStream<Uint8Array>): ReturnType<typeof looked> {
    try {
      return await looked(body);
    } catch {
      throw await this.#lost("broke off its answer");
    }
  }

  #stream(body: ReadableStream<Uint8Array>, headers: Headers): ReadableStream<Uint8Array> {
    const { request, waitUntil } = this.#call;
    const meter = this.#meter;
    const { stream, ended } = streamThrough(body, {
      meter,
      answer: new StreamedAnswer(meter, this.#rewrite(), limits.gatewayEventLength),
      silenceMs: this.#silenceMs,
      signal: request.signal,
      book: () => this.#book(Date.now(), headers),
    });
    waitUntil(ended);
    return stream;
  }

  /** What the caller gets to see of each event; undefined for all of it, byte for byte. */
  #rewrite(): Rewrite | undefined {
    const { asked } = this.#call;
    const redaction = this.#redaction;
    const hidden = asked.dialect.withoutUsage?.(asked.body);
    if (hidden === undefined) return redaction && ((event, sse) => redaction.event(event, sse));
    return (event, sse) => hidden(event, redaction?.event(event, sse) ?? sse.text);
  }

  async #whole(body: ReadableStream<Uint8Array>, { headers, status }: Response, shown: Headers): Promise<Response> {
    const { tariff, reservation } = this.#admitted;
    const { bytes, isWhole } = await readWhole(body, () => this.#restartTimer());
    if (!isWhole) throw await this.#lost("broke off its answer, or gave one too long", bytes);
    noteWhole(this.#meter, new TextDecoder().decode(bytes), this.#began);
    const settled = await this.#book(this.#began, headers);
    if (settled !== undefined) {
      setAll(shown, standingHeaders(tariff, reservation, settled.agent));
      shown.set(`x-bursar-used-${tariff.unit}`, String(settled.consumed));
    }
    return new Response(this.#redaction?.answer(bytes) ?? bytes, { status, headers: shown });
  }

  /** Books the answer as it stands at `now`. */
  #book(now: number, headers: Headers): Promise<SettlementResult | undefined> {
    const ending = this.#meter.ending(now, (name) => headers.get(name));
    if (ending.isReported) this.#call.keep(this.#meter, ending);
    return this.#governed.book(ending);
  }

  /** Gives the hold back: nothing was asked, or the caller had disconnected. */
  async #refused(what: string): Promise<Error> {
    await this.#governed.giveBack();
    return upstreamFailed(this.#call.route.upstream, what);
  }

  /** Books a call whose answer was lost on its way here: what went in, what came of it, and what may have been reasoned. */
  async #lost(what: string, came: Uint8Array = new Uint8Array()): Promise<Error> {
    if (came.byteLength > 0) this.#meter.brokenOff(new TextDecoder().decode(came), this.#began);
    this.#port.failure = "upstream_failed";
    await this.#governed.book(this.#meter.ending(Date.now()));
    return upstreamFailed(this.#call.route.upstream, what);
  }

  #headers(incoming: Headers): Headers {
    const { credentials, asked } = this.#call;
    const { tariff, reservation } = this.#admitted;
    const headers = incomingHeaders(incoming, credentials);
    setAll(headers, standingHeaders(tariff, reservation, reservation.agent));
    if (asked.writes) headers.set("x-bursar-output-limit", String(this.#limit));
    const { unknown } = asked.inspection;
    if (unknown.length > 0) headers.set("x-bursar-unknown-fields", unknown.map(({ field }) => field).join(","));
    return headers;
  }
}

/**
 * Reads an answer as far as it comes, up to its limit; `onPiece` is called for each piece. A caller that disconnects
 * meanwhile does not end it: the provider bills the answer all the same, and only its end says how much.
 */
async function readWhole(
  body: ReadableStream<Uint8Array>,
  onPiece: () => void,
): Promise<{ bytes: Uint8Array; isWhole: boolean }> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let isWhole = true;
  try {
    for await (const chunk of body) {
      onPiece();
      length += chunk.byteLength;
      if (length > limits.gatewayAnswerBytes) {
        isWhole = false;
        break;
      }
      chunks.push(chunk);
    }
  } catch {
    isWhole = false;
  }
  return { bytes: joined(chunks), isWhole };
}

/** Headers that say what a call was granted and what its agent has left. */
function standingHeaders(
  { unit }: Tariff,
  { id, granted }: ReservationResult,
  agent: NamedAgentView | null,
): Record<string, string> {
  return {
    "x-bursar-reservation": id,
    [`x-bursar-granted-${unit}`]: String(granted),
    ...(agent === null ? undefined : { [`x-bursar-remaining-${unit}`]: String(agent.remaining) }),
  };
}

function setAll(headers: Headers, more: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
}
