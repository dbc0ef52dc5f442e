/**
 * A governed call's hold: kept alive while the call runs, then committed or released. It never costs the caller an
 * answer that is already there: what can't be booked is reported, not thrown.
 */
import type { Booking } from "../calls/booking.ts";
import { GovernedCall, type Port } from "../calls/governed-call.ts";
import type { Tariff } from "../pricing/tariff.ts";
import type { Price } from "../protocol/price.ts";
import type { SettlementResult } from "../protocol/reservation.ts";
import { UnreachableError } from "./errors.ts";
import type { Hold } from "./hold.ts";
import type { Governor } from "./options.ts";

export type SettlementOptions = {
  /** Called when what a call used could not be booked, even after repeating. By default it is logged as an error. */
  readonly unbooked?: ((error: unknown, hold: Hold, amount: number) => void) | undefined;
};

/** A call longer than this is left to its lease: the reader of its stream has left without closing it. */
const keepAliveMs = 15 * 60_000;

/** The call that `hold` is for, of `model`, which counts by `tariff`. */
export function governedCall(
  pool: Governor,
  hold: Hold,
  call: { readonly tariff: Tariff; readonly model: string | undefined },
  options: SettlementOptions,
): GovernedCall<SettlementResult> {
  const { tariff, model = "" } = call;
  return new GovernedCall({ model, tariff, granted: hold.granted }, new HoldPort(pool, hold, options));
}

class HoldPort implements Port<SettlementResult> {
  readonly #pool: Governor;
  readonly #hold: Hold;
  readonly #options: SettlementOptions;
  readonly #alive: { stop(): void };

  constructor(pool: Governor, hold: Hold, options: SettlementOptions) {
    this.#pool = pool;
    this.#hold = hold;
    this.#options = options;
    this.#alive = hold.keepAlive(keepAliveMs);
  }

  async commit({ amount, usage }: Booking, confidence: number | undefined): Promise<SettlementResult | undefined> {
    const hold = this.#hold;
    this.#alive.stop();
    try {
      return await hold.commit(amount, { confidence, usage });
    } catch (error) {
      // A caller that chose to go on without the governor goes on without it.
      if (!hold.governed && error instanceof UnreachableError) return undefined;
      const { unbooked = logUnbooked } = this.#options;
      unbooked(error, hold, amount);
      return undefined;
    }
  }

  /** Its lease gives it back too. What went wrong with the call is what the caller must hear of. */
  release(): Promise<SettlementResult | undefined> {
    this.#alive.stop();
    return this.#hold.governed ? this.#hold.release().catch(() => undefined) : Promise.resolve(undefined);
  }

  priceOf(model: string): Promise<Price | undefined> {
    return this.#pool.prices.served(model);
  }
}

function logUnbooked(error: unknown, { agent, id }: Hold, amount: number): void {
  const why = error instanceof Error ? error.message : String(error);
  console.error(`bursar: ${amount} used by ${agent} could not be booked on ${id}: ${why}`);
}
