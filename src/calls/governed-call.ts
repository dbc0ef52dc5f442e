/**
 * The end of a governed call: booked once, or given back once, whatever happens to the answer, its reader and the
 * connection. The same for every door; how a pool is reached is the port's.
 */
import { isFixed, replaces } from "../pricing/origin.ts";
import type { Tariff } from "../pricing/tariff.ts";
import type { Price } from "../protocol/price.ts";
import { type Booking, bookingOf } from "./booking.ts";
import type { Ending } from "./ending.ts";

/** A reservation in its pool, as a door reaches it. */
export type Port<Settled> = {
  /** Books the call; repeats until it is booked, or can't be. `ending` is unknown where the caller counts by itself. */
  commit(booking: Booking, confidence: number | undefined, ending?: Ending): Promise<Settled | undefined>;
  /** Gives the hold back: the call costs nothing. */
  release(): Promise<Settled | undefined>;
  /** The price in force of a model that answered and is not the one that was asked for; undefined for none. */
  priceOf(model: string): Promise<Price | undefined>;
};

export type Governed = {
  readonly provider?: string | undefined;
  /** The model that was asked for. */
  readonly model: string;
  readonly tariff: Tariff;
  /** What is held, in the tariff's unit. */
  readonly granted: number;
};

export class GovernedCall<Settled> {
  readonly #call: Governed;
  readonly #port: Port<Settled>;
  #isOver = false;

  constructor(call: Governed, port: Port<Settled>) {
    this.#call = call;
    this.#port = port;
  }

  /** Books what was used. Undefined if the call was settled before, or can't be settled at once. */
  async book(ending: Ending): Promise<Settled | undefined> {
    if (this.#end()) return undefined;
    if (ending.isFree) return this.#port.release();
    const booking = bookingOf(ending, await this.#served(ending), this.#call);
    return this.#port.commit(booking, ending.confidence, ending);
  }

  /** Books an amount that the caller has counted, in the pool's unit. */
  async bookAmount(amount: number, confidence: number | undefined): Promise<Settled | undefined> {
    return this.#end() ? undefined : this.#port.commit({ amount, usage: undefined }, confidence);
  }

  /** Gives the hold back: the provider refused the call, or never had it. */
  async giveBack(): Promise<void> {
    if (!this.#end()) await this.#port.release();
  }

  /** What served the call decides its price: the tier and the model that the answer names. */
  async #served({ model, tier }: Ending): Promise<Tariff> {
    const { tariff, model: asked } = this.#call;
    const { price } = tariff;
    if (price === undefined || model === undefined || model === asked || isFixed(price)) {
      return tariff.served(tier, asked);
    }
    const other = await this.#port.priceOf(model).catch(() => undefined);
    return other !== undefined && replaces(other, price)
      ? tariff.served(tier, model, other)
      : tariff.served(tier, asked);
  }

  /** True if it was over before. */
  #end(): boolean {
    const wasOver = this.#isOver;
    this.#isOver = true;
    return wasOver;
  }
}
