/** A reservation in the caller's hands: to be committed with what the call used, or released. */
import type { Transfer } from "../protocol/events.ts";
import type { ReservationResult, SettlementResult } from "../protocol/results.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { CallOptions } from "./transport.ts";

export type CommitOptions = CallOptions & { readonly confidence?: number | undefined };

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
  /** Budget that other agents (`from: null`: the pool's float) gave for it. */
  readonly transfers: readonly Transfer[];
  #expiresAt: number;
  #settled = false;
  readonly #unit: string;
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher, unit: string, agent: string, result: ReservationResult) {
    this.#dispatcher = dispatcher;
    this.#unit = unit;
    this.agent = agent;
    this.id = result.id;
    this.granted = result.granted;
    this.transfers = result.transfers;
    this.#expiresAt = result.expires_at;
  }

  /** When the hold ends by itself, in milliseconds since 1970 of the server's clock. */
  get expires_at(): number {
    return this.#expiresAt;
  }

  /** Books what the call really used, more or less than was held. The same commit again answers the same. */
  async commit(amount: number, { confidence, ...options }: CommitOptions = {}): Promise<SettlementResult> {
    const command = { op: "commit", id: this.id, [this.#unit]: amount, confidence };
    const result = await this.#dispatcher.run<SettlementResult>(command, options);
    this.#settled = true;
    return result;
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

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#settled) await this.release();
  }
}
