/**
 * What follows a reservation: the provider is asked, its answer goes to the caller, and the call is settled, whatever
 * becomes of either. It runs to its end by itself, so that a caller who goes does not take the end along.
 */

import { numberOf } from "../http/settings.ts";
import { limits } from "../protocol/limits.ts";
import { withLimit } from "../providers/request.ts";
import type { Admitted, ModelCall } from "./model-call.ts";
import { errorAnswer, redactionFor } from "./redaction.ts";
import { Settlement, standingHeaders } from "./settlement.ts";
import { streamThrough } from "./stream.ts";
import { thoughtsIn } from "./thoughts.ts";
import { incomingHeaders, mustBeAnswer, outgoingRequest, upstreamFailed } from "./upstream.ts";
import { endingOf, readWhole } from "./whole.ts";

/** A connection that fails later than this had a provider at its other end, which has begun to work. */
const refusedWithinMs = 2_000;

/** An admitted call on its way. `answer` is called once. */
export class Forwarded {
  readonly #call: ModelCall;
  readonly #admitted: Admitted;
  readonly #settlement: Settlement;
  /** Tokens that each answer may have, within what was granted. */
  readonly #limit: number;
  readonly #silenceMs: number;
  readonly #began = Date.now();
  readonly #silence = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(call: ModelCall, admitted: Admitted) {
    const { asked, route, limit, env, waitUntil, trace } = call;
    this.#call = call;
    this.#admitted = admitted;
    this.#settlement = new Settlement({ ...admitted, provider: route.provider, model: asked.model, trace }, waitUntil);
    this.#limit = Math.min(limit, admitted.tariff.limitWithin(asked, admitted.reservation.granted));
    this.#silenceMs = numberOf(env, "BURSAR_GATEWAY_SILENCE_MS", limits.gatewaySilenceMs);
  }

  /** The provider's answer; throws a 502 when it gives none. Settled by then, or about to be. */
  async answer(): Promise<Response> {
    this.#listen();
    try {
      if (this.#call.request.signal.aborted) throw await this.#refused("was not asked: the caller has gone");
      const response = await this.#ask();
      const { body, headers, status } = response;
      const shown = this.#headers(headers);
      if (!response.ok || body === null) return await this.#notAnswered(response, shown);
      return isStream(headers)
        ? new Response(this.#stream(body, headers), { status, headers: shown })
        : await this.#whole(body, response, shown);
    } finally {
      clearTimeout(this.#timer);
    }
  }

  /** From now on the provider may be silent for so long, and no longer. */
  #listen(): void {
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
      const body = JSON.stringify(withLimit(asked, this.#limit));
      return outgoingRequest({ route, credentials, request, body, upstream });
    } catch {
      throw await this.#refused("can't be asked: the governor's provider key or base URL is not valid");
    }
  }

  /** The provider's refusal, which it does not bill. */
  async #notAnswered(response: Response, headers: Headers): Promise<Response> {
    const { route, credentials } = this.#call;
    await this.#settlement.giveBack(String(response.status));
    await mustBeAnswer(response, route.provider, credentials);
    if (response.ok) throw upstreamFailed(route.provider, "returned an empty response");
    return errorAnswer(response, headers, route.provider, credentials);
  }

  #stream(body: ReadableStream<Uint8Array>, headers: Headers): ReadableStream<Uint8Array> {
    const { asked, credentials, request, waitUntil } = this.#call;
    const { stream, ended } = streamThrough(body, {
      asked,
      confidencePath: this.#admitted.confidencePath,
      redaction: redactionFor(credentials),
      headers,
      began: this.#began,
      silenceMs: this.#silenceMs,
      signal: request.signal,
      settle: (ending) => this.#settlement.book(ending),
    });
    waitUntil(ended);
    return stream;
  }

  async #whole(body: ReadableStream<Uint8Array>, { headers, status }: Response, shown: Headers): Promise<Response> {
    const { asked, credentials } = this.#call;
    const { tariff, reservation, confidencePath } = this.#admitted;
    const { bytes, isWhole } = await readWhole(body, () => this.#listen());
    if (!isWhole) throw await this.#lost("broke off its answer, or gave one too long", bytes);
    const settled = await this.#settlement.book(endingOf(bytes, asked, confidencePath, headers));
    if (settled !== undefined) {
      setAll(shown, standingHeaders(tariff, reservation, settled.agent));
      shown.set(`x-bursar-used-${tariff.unit}`, String(settled.consumed));
    }
    return new Response(redactionFor(credentials)?.answer(bytes) ?? bytes, { status, headers: shown });
  }

  /** Gives the hold back: nothing was asked, or the caller had gone. */
  async #refused(what: string): Promise<Error> {
    await this.#settlement.giveBack("upstream_failed");
    return upstreamFailed(this.#call.route.provider, what);
  }

  /** Books a call whose answer was lost on its way here: what went in, what came of it, and what may have been thought. */
  async #lost(what: string, came: Uint8Array = new Uint8Array()): Promise<Error> {
    const { asked, route } = this.#call;
    const ending = endingOf(came, asked, null, new Headers());
    const thoughts = asked.dialect === "openai-embeddings" ? 0 : thoughtsIn(Date.now() - this.#began);
    const { usage, isReported } = ending;
    const estimate = { ...usage, output: usage.output + thoughts };
    await this.#settlement.book(isReported ? ending : { ...ending, usage: estimate }, "upstream_failed");
    return upstreamFailed(route.provider, what);
  }

  #headers(incoming: Headers): Headers {
    const { credentials, asked } = this.#call;
    const { tariff, reservation } = this.#admitted;
    const headers = incomingHeaders(incoming, credentials);
    setAll(headers, standingHeaders(tariff, reservation, reservation.agent));
    if (asked.dialect !== "openai-embeddings") headers.set("x-bursar-output-limit", String(this.#limit));
    return headers;
  }
}

function isStream(headers: Headers): boolean {
  return headers.get("content-type")?.toLowerCase().startsWith("text/event-stream") === true;
}

function setAll(headers: Headers, more: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
}
