/** The way in: a governor, by its address and a key. */
import type { Unit } from "../protocol/commands.ts";
import type { PoolList } from "../protocol/results.ts";
import { Keys } from "./keys.ts";
import { Pool } from "./pool.ts";
import { Tenants } from "./tenants.ts";
import { type CallOptions, Transport, type TransportOptions } from "./transport.ts";

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
  /** Keys of the tenant; takes an admin key. */
  readonly keys: Keys;
  /** All tenants; takes the operator's token for a key. */
  readonly tenants: Tenants;

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
    this.keys = new Keys(this.#transport);
    this.tenants = new Tenants(this.#transport);
  }

  /** A pool by its name; `configure()` creates it. `unit` is what it counts, tokens unless said otherwise. */
  pool(name: string, options: { readonly unit?: Unit } = {}): Pool {
    return new Pool(this.#transport, name, options.unit ?? "tokens");
  }

  /** The tenant's pools by name, after `after`. */
  async pools(after?: string, options: CallOptions = {}): Promise<PoolList["pools"]> {
    const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
    const { pools } = await this.#transport.call<PoolList>("GET", `/v1/pools${query}`, undefined, options);
    return pools;
  }
}
