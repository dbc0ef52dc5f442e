/** What models cost, for pools that count microusd. */
import type { PriceFields, PriceList, PriceView } from "../protocol/price.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** A new price may take so long to be in force here, as it may at the gateway. */
const rememberedMs = 30_000;

export class Prices {
  readonly #transport: Transport;
  readonly #inForce = new Map<string, { readonly price: Promise<PriceView>; readonly until: number }>();
  /** Models that answered and have no price, and until when that is remembered. */
  readonly #unpriced = new Map<string, number>();

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** The price of a model that is in force: the tenant's own, or the known one. */
  get(model: string, options: CallOptions = {}): Promise<PriceView> {
    return this.#transport.call("GET", pathOf(model), undefined, options);
  }

  /**
   * As `get`, remembered for half a minute: for calls that follow each other. Where the model has no price, the fallback
   * price of `pool` is in force.
   */
  inForce(model: string, pool?: string): Promise<PriceView> {
    const path = pathOf(model) + (pool === undefined ? "" : `?pool=${encodeURIComponent(pool)}`);
    const known = this.#inForce.get(path);
    if (known !== undefined && known.until > Date.now()) return known.price;
    const price = this.#transport.call<PriceView>("GET", path, undefined, {});
    bounded(this.#inForce).set(path, { price, until: Date.now() + rememberedMs });
    // What failed is asked again.
    price.catch(() => this.#inForce.delete(path));
    return price;
  }

  /** The price of a model that answered; undefined where it has none, which is remembered, too. */
  async served(model: string): Promise<PriceView | undefined> {
    if ((this.#unpriced.get(model) ?? 0) > Date.now()) return undefined;
    try {
      return await this.inForce(model);
    } catch {
      bounded(this.#unpriced).set(model, Date.now() + rememberedMs);
      return undefined;
    }
  }

  /** Prices by model, after `after`. */
  async list(after?: string, options: CallOptions = {}): Promise<PriceList["prices"]> {
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const { prices } = await this.#transport.call<PriceList>("GET", `/v1/prices${query}`, undefined, options);
    return prices;
  }

  /** Sets the tenant's own price of a model, in microusd per million tokens. Takes an admin key. */
  set(model: string, price: PriceFields, options: CallOptions = {}): Promise<PriceView> {
    return this.#transport.call("PUT", pathOf(model), price, options);
  }

  /** Takes the tenant's own price away. */
  remove(model: string, options: CallOptions = {}): Promise<{ deleted: true }> {
    return this.#transport.once("DELETE", pathOf(model), undefined, options);
  }
}

/** The names of models come from answers: so many are remembered. */
const mostRemembered = 1_000;

function bounded<T>(map: Map<string, T>): Map<string, T> {
  if (map.size >= mostRemembered) map.clear();
  return map;
}

function pathOf(model: string): string {
  return `/v1/prices/${encodeURIComponent(model)}`;
}
