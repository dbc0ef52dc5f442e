/**
 * Sends due messages, to several addresses at once, and records the results. An address that keeps failing gets exponential
 * back-off and is then tried with one message, so that a dead address costs the others little and a slow one is not flooded.
 * Delivery is at least once: a message whose answer was lost is sent again, under the same id.
 */
import { backoffMs } from "../protocol/retry.ts";
import { validateWebhookUrl } from "./address.ts";
import { abandonMs, type Deliveries, type Due } from "./deliveries.ts";
import type { Endpoint, Endpoints } from "./endpoints.ts";
import { signedHeaders } from "./signature.ts";

/** Requests in flight: as many as the platform lets an object have. */
const atOnce = 6;
/** Of these, to one address; an address whose last attempt failed gets one at a time. */
const atOnceEach = 3;
/** How often newly due messages are looked for while others are in flight. */
const lookAgainMs = 1_000;
/** How long an address may take to answer. Standard Webhooks recommends 15 to 30 seconds. */
const timeoutMs = 15_000;
/** Failures in a row before back-off begins. */
const failuresFree = 2;
const backoff = { firstMs: 1_000, maxMs: 300_000 };
/** An address is disabled after so many failures in a row, if they go on for `abandonMs`. */
const deadFailures = 10;

export type WebhookSenderOptions = {
  readonly send: (url: string, init: RequestInit) => Promise<Response>;
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** 0 to 1: the jitter of retries. */
  readonly random: () => number;
  /** Origins that are allowed although they are not public, by the operator's choice. */
  readonly allowedOrigins: readonly string[];
};

export class WebhookSender {
  readonly #endpoints: Endpoints;
  readonly #deliveries: Deliveries;
  readonly #options: WebhookSenderOptions;
  /** Messages in flight, by webhook. */
  readonly #inFlight = new Map<string, Set<number>>();
  /** The lane that was served last, by webhook. */
  readonly #lanes = new Map<string, string>();
  /** Ends the wait for new messages. */
  #wake: () => void = () => undefined;

  constructor(endpoints: Endpoints, deliveries: Deliveries, options: WebhookSenderOptions) {
    this.#endpoints = endpoints;
    this.#deliveries = deliveries;
    this.#options = options;
  }

  /** Sends until nothing is due, or until `until`; returns when the next message is due, undefined if none waits. */
  async run(until: number): Promise<number | undefined> {
    const sending = new Set<Promise<void>>();
    for (;;) {
      if (this.#options.clock() < until) this.#begin(sending);
      if (sending.size === 0) return this.nextAt();
      // Not only until a request ends: an address that hangs would delay new messages to all others.
      await Promise.race([...sending, this.#somethingNew()]);
      // Clears the timer, if a request ended first.
      this.#wake();
    }
  }

  /** Looks for new messages now: an address that hangs must not delay them. */
  wake(): void {
    this.#wake();
  }

  /** Resolves on `wake`, or after a second for messages that became due. */
  #somethingNew(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, lookAgainMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** When the next message is due; undefined if none waits. */
  nextAt(): number | undefined {
    const moments = this.#endpoints.enabled(this.#options.clock()).flatMap(({ id, backoffUntil }) => {
      const at = this.#deliveries.nextAt(id);
      return at === undefined ? [] : [Math.max(at, backoffUntil)];
    });
    return moments.length === 0 ? undefined : Math.min(...moments);
  }

  #begin(sending: Set<Promise<void>>): void {
    const now = this.#options.clock();
    // In rounds, so that one address with many messages does not take all places.
    for (let round = 0; round < atOnceEach; round++) {
      for (const endpoint of this.#endpoints.enabled(now)) {
        if (sending.size >= atOnce) return;
        const inFlight = this.#inFlight.get(endpoint.id) ?? new Set<number>();
        const places = endpoint.failures > 0 ? 1 : round + 1;
        if (endpoint.backoffUntil > now || inFlight.size >= places) continue;
        const due = this.#deliveries.due(endpoint.id, now, this.#lanes.get(endpoint.id) ?? "", inFlight);
        if (due === undefined) continue;
        this.#lanes.set(endpoint.id, due.lane);
        this.#inFlight.set(endpoint.id, inFlight.add(due.message));
        const sent = this.#deliver(endpoint, due).finally(() => {
          inFlight.delete(due.message);
          sending.delete(sent);
        });
        sending.add(sent);
      }
    }
  }

  async #deliver(endpoint: Endpoint, due: Due): Promise<void> {
    const { status, error } = await this.#attempt(endpoint, due);
    const now = this.#options.clock();
    if (error === undefined) {
      this.#deliveries.delivered(endpoint.id, due.message, now);
      this.#endpoints.succeeded(endpoint.id, now);
      return;
    }
    this.#deliveries.failed(endpoint.id, due, now, error, this.#options.random());
    const failures = endpoint.failures + 1;
    this.#endpoints.failed(endpoint.id, now, error, now + backoffMs(backoff, failures - failuresFree));
    const isDead = failures >= deadFailures && now - (endpoint.failingSince ?? now) >= abandonMs;
    if (status === 410 || isDead) {
      this.#endpoints.disable(endpoint.id, status === 410 ? "gone" : "failing");
      this.#deliveries.abandon(endpoint.id);
    }
  }

  /** One request. Of the answer only the status counts; of a failure only its kind is stored, never the address's text. */
  async #attempt({ url, secrets }: Endpoint, { id, body }: Due): Promise<{ status?: number; error?: string }> {
    const wrong = validateWebhookUrl(url, this.#options.allowedOrigins);
    if (wrong !== undefined) return { error: `the address ${wrong}` };
    // Not AbortSignal.timeout: its timers run on after the answer, and the platform allows ten thousand.
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new DOMException("no answer", "TimeoutError")), timeoutMs);
    try {
      const response = await this.#options.send(url, {
        method: "POST",
        // The time is this attempt's: receivers refuse what is minutes old.
        headers: {
          "content-type": "application/json",
          "user-agent": "Bursar-Webhooks/1",
          ...signedHeaders(id, this.#options.clock(), body, secrets),
        },
        body,
        // A redirect would lead to an address that was not checked.
        redirect: "manual",
        signal: late.signal,
      });
      await response.body?.cancel();
      const { status } = response;
      if (status >= 200 && status < 300) return { status };
      return {
        status,
        error: status >= 300 && status < 400 ? `${status}: redirects are not followed` : String(status),
      };
    } catch (error) {
      const isLate = error instanceof Error && error.name === "TimeoutError";
      return { error: isLate ? `no answer within ${timeoutMs / 1_000} s` : "could not be reached" };
    } finally {
      clearTimeout(timer);
    }
  }
}
