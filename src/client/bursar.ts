/** The way in: a governor, by its address and a key. */
import type { PoolList } from "../protocol/pool.ts";
import type { Unit } from "../protocol/unit.ts";
import { Dispatcher } from "./dispatcher.ts";
import { Keys } from "./keys.ts";
import { Pool, pathOf } from "./pool.ts";
import { Prices } from "./prices.ts";
import { Tenants } from "./tenants.ts";
import { type CallOptions, Transport, type TransportOptions } from "./transport.ts";
import { Webhooks } from "./webhooks.ts";

/**
 * ```ts
 * const bursar = new Bursar({ url: "http://localhost:8787", key });
 * const pool = bursar.pool("report-42");
 * await pool.configure();
 * await pool.register("researcher", { priority: 3, max_tokens: 4000 });
 * ```
 */
export class Bursar {
  readonly #transport: Transport;
  /** Pools of one name share a session. */
  readonly #dispatchers = new Map<string, Dispatcher>();
  /** Keys of the tenant; takes an admin key. */
  readonly keys: Keys;
  /** Prices of models; setting one takes an admin key. */
  readonly prices: Prices;
  /** Where the tenant's notifications are sent; takes an admin key. */
  readonly webhooks: Webhooks;
  /** All tenants; takes the operator's token for a key. */
  readonly tenants: Tenants;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
    this.keys = new Keys(this.#transport);
    this.prices = new Prices(this.#transport);
    this.webhooks = new Webhooks(this.#transport);
    this.tenants = new Tenants(this.#transport);
  }

  /** A pool by its name; `configure()` creates it. `unit` is what it counts, tokens unless said otherwise. */
  pool(name: string, options: { readonly unit?: Unit } = {}): Pool {
    return new Pool(this.#transport, this.#dispatcherOf(name), this.prices, name, options.unit ?? "tokens");
  }

  /** Ends the sessions that are open. Idle ones end by themselves after two seconds. */
  close(): void {
    for (const dispatcher of this.#dispatchers.values()) dispatcher.close();
    this.#dispatchers.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #dispatcherOf(name: string): Dispatcher {
    const known = this.#dispatchers.get(name);
    if (known !== undefined) return known;
    const { key, connect, fetch, retries = 3, timeout_ms = 10_000, transport: kind = "auto" } = this.#transport.options;
    // A caller with a `fetch` of its own has a way to the governor that a WebSocket may not have.
    const canConnect = connect !== undefined || (fetch === undefined && typeof WebSocket !== "undefined");
    const session = { key, connect, retries, timeout_ms };
    const dispatcher = new Dispatcher(this.#transport, pathOf(name), { kind, canConnect, session });
    this.#dispatchers.set(name, dispatcher);
    return dispatcher;
  }

  /** The tenant's pools by name, after `after`. */
  async pools(after?: string, options: CallOptions = {}): Promise<PoolList["pools"]> {
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const { pools } = await this.#transport.call<PoolList>("GET", `/v1/pools${query}`, undefined, options);
    return pools;
  }
}
