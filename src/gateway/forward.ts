/**
 * What follows a reservation: the provider is asked, its answer goes to the caller, and the call is settled, whatever
 * becomes of either. It runs to its end by itself, so that a caller who goes does not take the end along.
 */
import type { Env } from "../env.ts";
import { limits } from "../protocol/limits.ts";
import { type ModelRequest, withLimit } from "../providers/request.ts";
import type { Admitted, ModelCall } from "./call.ts";
import { type Ending, Settlement, standingHeaders } from "./settlement.ts";
import { streamThrough } from "./stream.ts";
import { incomingHeaders, outgoingRequest, upstreamFailed } from "./upstream.ts";
import { endingOf, readWhole } from "./whole.ts";

/** Forwards an admitted call; its answer, or a thrown 502 when the provider gives none. */
export function forward(call: ModelCall, admitted: Admitted): Promise<Response> {
  const answered = new Forwarded(call, admitted).answer();
  call.waitUntil(answered.catch(() => undefined));
  return answered;
}

class Forwarded {
  readonly #call: ModelCall;
  readonly #admitted: Admitted;
  readonly #settlement: Settlement;
  /** Tokens that each answer may have, within what was granted. */
  readonly #limit: number;
  readonly #silenceMs: number;
  readonly #began = Date.now();
  readonly #silence = new AbortController();

  constructor(call: ModelCall, admitted: Admitted) {
    const { asked, route, limit, env } = call;
    this.#call = call;
    this.#admitted = admitted;
    this.#settlement = new Settlement({ ...admitted, provider: route.provider, model: asked.model });
    this.#limit = Math.min(limit, admitted.tariff.limitWithin(asked, admitted.reservation.granted));
    this.#silenceMs = silenceMs(env);
  }

  async answer(): Promise<Response> {
    const timer = setTimeout(() => this.#silence.abort(), this.#silenceMs);
    try {
      if (this.#call.request.signal.aborted) throw await this.#notNeeded();
      const response = await this.#ask();
      const { body, headers, status } = response;
      const shown = this.#headers(headers);
      if (!response.ok || body === null) return await this.#notAnswered(response, shown);
      return isStream(headers)
        ? new Response(this.#stream(body, headers), { status, headers: shown })
        : await this.#whole(body, response, shown);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The caller has gone while it waited in line. */
  async #notNeeded(): Promise<Error> {
    await this.#settlement.giveBack();
    return upstreamFailed(this.#call.route.provider, "was not asked: the caller has gone");
  }

  async #ask(): Promise<Response> {
    const { asked, route, credentials, request, upstream } = this.#call;
    const body = JSON.stringify(withLimit(asked, this.#limit));
    try {
      const outgoing = outgoingRequest({ route, credentials, request, body, upstream });
      return await fetch(outgoing, { signal: this.#silence.signal });
    } catch {
      if (this.#silence.signal.aborted) throw await this.#lost(`said nothing for ${this.#silenceMs} ms`);
      // Nobody answered: nobody bills.
      await this.#settlement.giveBack();
      throw upstreamFailed(route.provider, "can't be reached");
    }
  }

  /** The provider's refusal, which it does not bill. */
  async #notAnswered(response: Response, headers: Headers): Promise<Response> {
    await this.#settlement.giveBack();
    if (response.status >= 400) return new Response(response.body, { status: response.status, headers });
    throw upstreamFailed(this.#call.route.provider, `answered ${response.status}, which is no answer`);
  }

  #stream(body: ReadableStream<Uint8Array>, headers: Headers): ReadableStream<Uint8Array> {
    const { asked, request, waitUntil } = this.#call;
    const { stream, ended } = streamThrough(body, {
      asked,
      confidencePath: this.#admitted.confidencePath,
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
    const { asked } = this.#call;
    const { tariff, reservation, confidencePath } = this.#admitted;
    const bytes = await readWhole(body).catch(() => undefined);
    if (bytes === undefined) throw await this.#lost("broke off its answer, or gave one too long");
    const settled = await this.#settlement.book(endingOf(bytes, asked, confidencePath, headers));
    if (settled !== undefined) {
      setAll(shown, standingHeaders(tariff, reservation, settled.agent));
      shown.set(`x-bursar-used-${tariff.unit}`, String(settled.consumed));
    }
    return new Response(bytes, { status, headers: shown });
  }

  /** Books a call whose answer was lost on its way here: what it cost at least is what went in. */
  async #lost(what: string): Promise<Error> {
    await this.#settlement.book(unanswered(this.#call.asked));
    return upstreamFailed(this.#call.route.provider, what);
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

function silenceMs({ BURSAR_GATEWAY_SILENCE_MS: setting = "" }: Env): number {
  return Number(setting) || limits.gatewaySilenceMs;
}

function isStream(headers: Headers): boolean {
  return headers.get("content-type")?.startsWith("text/event-stream") === true;
}

function setAll(headers: Headers, more: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(more)) headers.set(name, value);
}

function unanswered({ prompt }: ModelRequest): Ending {
  const usage = { input: prompt, output: 0, cacheRead: 0, cacheWrite: 0, reasoning: 0 };
  return { usage, isReported: false, model: undefined, confidence: undefined };
}
