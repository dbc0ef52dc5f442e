/** A reservation in the caller's hands: to be committed with what the call used, or released. */
import type { BookedUsage } from "../protocol/price.ts";
import type { ReservationResult, SettlementResult, Transfer } from "../protocol/reservation.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { BursarError } from "./errors.ts";
import { unref } from "./timers.ts";
import type { CallOptions } from "./transport.ts";

export type CommitOptions = CallOptions & {
  readonly confidence?: number | undefined;
  /** What the amount is made of; journaled beside it. */
  readonly usage?: BookedUsage | undefined;
};

/** A lease is extended at half of its length, and not more often than this, whatever the clocks say. */
const minBeatMs = 2_000;
const maxBeatMs = 120_000;

/** What a hold needs to know of a reservation. */
type Granted = Pick<ReservationResult, "id" | "granted" | "transfers" | "expires_at" | "confidence_path">;

/**
 * ```ts
 * await using hold = await pool.reserve("researcher", 1_500);
 * const answer = await callTheModel({ max_tokens: hold.granted });
 * await hold.commit(answer.usage.total_tokens);
 * ```
 * Left without a commit, by an exception for example, `await using` gives it back.
 */
export class Hold implements AsyncDisposable {
  readonly id: string;
  readonly agent: string;
  /** What is held; with `at_least` it may be less than was asked. */
  readonly granted: number;
  /** False when the governor could not be reached and the caller chose to go on without it (`on_unreachable`). */
  readonly governed: boolean;
  /** Budget that other agents (`from: null`: the pool's unallocated budget) gave for it. */
  readonly transfers: readonly Transfer[];
  /** Where the answer of this call states its confidence, by the agent's contract; null for nowhere. */
  readonly confidence_path: string | null;
  #expiresAt: number;
  readonly #ttl: number;
  #settled = false;
  readonly #unit: string;
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher, unit: string, agent: string, result: Granted, ttl?: number, governed = true) {
    this.#dispatcher = dispatcher;
    this.#unit = unit;
    this.governed = governed;
    this.agent = agent;
    this.id = result.id;
    this.granted = result.granted;
    this.transfers = result.transfers;
    this.confidence_path = result.confidence_path ?? null;
    this.#expiresAt = result.expires_at;
    // Without a length of the caller's own, what the clocks say of it, within reason: they may disagree.
    this.#ttl = Math.max(minBeatMs, Math.min(maxBeatMs, ttl ?? result.expires_at - Date.now()));
  }

  /** When the hold ends by itself, in milliseconds since 1970 of the server's clock. */
  get expires_at(): number {
    return this.#expiresAt;
  }

  /** Books what the call really used, more or less than was held. The same commit again answers the same. */
  commit(amount: number, { confidence, usage, ...options }: CommitOptions = {}): Promise<SettlementResult> {
    // From here on it may not be given back: what it was for has been spent, whether or not this gets through.
    this.#settled = true;
    const fields = { id: this.id, [this.#unit]: amount, confidence, usage };
    return this.#dispatcher.run<SettlementResult>({ op: "commit", ...fields }, options).catch((error: unknown) => {
      if (this.governed || !isUnknown(error)) throw error;
      // It was never reserved; what was spent is booked all the same.
      return this.#dispatcher.run<SettlementResult>({ op: "record", agent: this.agent, ...fields }, options);
    });
  }

  /** Gives it back: no call was made. */
  async release(options: CallOptions = {}): Promise<SettlementResult> {
    const result = await this.#dispatcher.run<SettlementResult>({ op: "release", id: this.id }, options);
    this.#settled = true;
    return result;
  }

  /** Moves the end of the lease to `ttl_ms` from now; never earlier than it was. */
  async extend(ttl_ms: number, options: CallOptions = {}): Promise<ReservationResult> {
    const result = await this.#dispatcher.run<ReservationResult>({ op: "extend", id: this.id, ttl_ms }, options);
    this.#expiresAt = result.expires_at;
    return result;
  }

  /**
   * Extends the lease again and again until stopped, or for `most_ms`, for a call that may take longer. A program that
   * dies stops extending, and the hold ends by itself.
   */
  keepAlive(most_ms = 24 * 3_600_000): { stop(): void } {
    if (!this.governed) return { stop: () => undefined };
    const until = Date.now() + most_ms;
    const ttl = this.#ttl;
    const timer = setInterval(() => {
      if (Date.now() > until) clearInterval(timer);
      else this.extend(ttl).catch(() => undefined);
    }, ttl / 2);
    unref(timer);
    return { stop: () => clearInterval(timer) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#settled && this.governed) await this.release();
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof BursarError && error.code === "reservation_not_found";
}
