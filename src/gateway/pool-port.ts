/**
 * A governed call's reservation in its pool: kept alive while the call runs, then committed or released. If this
 * Worker dies, or its pool can't be reached any more, the lease ends and the hold is booked whole: hanging up does not
 * make a call free.
 */
import type { Booking } from "../calls/booking.ts";
import type { Ending } from "../calls/ending.ts";
import type { Port } from "../calls/governed-call.ts";
import { logUnsettled } from "../http/log.ts";
import { systemCaller } from "../protocol/caller.ts";
import type { Command } from "../protocol/commands.ts";
import type { Price } from "../protocol/price.ts";
import type { ReservationResult, SettlementResult } from "../protocol/reservation.ts";
import type { Admitted, ModelCall } from "./model-call.ts";

/** Pauses before a settlement is tried again, while the platform lets a request run on. */
const pausesMs = [200, 500, 1_000, 2_000, 4_000, 8_000];

export class PoolPort implements Port<SettlementResult> {
  readonly #call: ModelCall;
  readonly #admitted: Admitted;
  readonly #alive: ReturnType<typeof setInterval>;
  /** Why the call failed, if it did: a problem's code, or the provider's status. */
  failure: string | undefined;

  constructor(call: ModelCall, admitted: Admitted) {
    this.#call = call;
    this.#admitted = admitted;
    const { reservation, ttlMs } = admitted;
    // A third of the lease: two extensions may fail before it ends.
    this.#alive = setInterval(() => {
      const extend = { op: "extend", id: reservation.id, ttl_ms: ttlMs, on_expiry: "charge" } as const;
      void this.#run(extend).catch(() => undefined);
    }, ttlMs / 3);
  }

  async commit(
    { amount, usage }: Booking,
    confidence: number | undefined,
    ending?: Ending,
  ): Promise<SettlementResult | undefined> {
    const { trace, asked } = this.#call;
    const { id } = this.#reservation;
    const { unit } = this.#admitted.tariff;
    const settled = await this.#settle({ op: "commit", id, amount, unit, confidence, usage });
    if (ending !== undefined) trace.used(ending.usage, ending.model ?? asked.model, ending.isReported);
    trace.end(settled && { amount: settled.consumed, unit }, this.failure ?? (settled ? undefined : "unsettled"));
    return settled;
  }

  async release(): Promise<SettlementResult | undefined> {
    const settled = await this.#settle({ op: "release", id: this.#reservation.id });
    this.#call.trace.end(undefined, this.failure ?? "upstream_failed");
    return settled;
  }

  priceOf(model: string): Promise<Price | undefined> {
    return this.#admitted.pricing.priceOf(this.#call.route.provider, model);
  }

  get #reservation(): ReservationResult {
    return this.#admitted.reservation;
  }

  /** Settles now, if the pool can be reached; if not, again and again while it may, and its lease is kept alive. */
  async #settle(command: Command): Promise<SettlementResult | undefined> {
    try {
      return await this.#once(command);
    } catch {
      this.#call.waitUntil(this.#again(command));
      return undefined;
    }
  }

  async #again(command: Command): Promise<void> {
    for (const ms of pausesMs) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      try {
        await this.#once(command);
        return;
      } catch {
        // The next pause is longer.
      }
    }
    clearInterval(this.#alive);
    logUnsettled(this.#reservation.id, "the pool can't be reached");
  }

  async #once(command: Command): Promise<SettlementResult | undefined> {
    const outcome = await this.#run(command);
    const { reservation, tariff } = this.#admitted;
    if (outcome?.ok === true) {
      const result = outcome.result as SettlementResult;
      if (command.op === "release" && result.state === "expired") {
        // Its lease had ended, and was charged: a commit of nothing corrects it.
        return this.#once({ op: "commit", id: reservation.id, amount: 0, unit: tariff.unit });
      }
      clearInterval(this.#alive);
      return result;
    }
    clearInterval(this.#alive);
    logUnsettled(reservation.id, outcome?.refusal.code ?? "no outcome");
    return undefined;
  }

  /** As Bursar itself: a key that was revoked meanwhile must not leave what was spent unbooked. */
  async #run(command: Command) {
    const { pricing } = this.#admitted;
    const { outcomes } = await pricing.ask((pool) => pool.execute(systemCaller, [command]));
    const [outcome] = outcomes;
    return outcome;
  }
}
