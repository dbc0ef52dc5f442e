/** The way in: a governor, by its address and a key. */
import type { Unit } from "../protocol/commands.ts";
import { Pool } from "./pool.ts";
import { Transport, type TransportOptions } from "./transport.ts";

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

  constructor(options: TransportOptions) {
    this.#transport = new Transport(options);
  }

  /** A pool by its name; `configure()` creates it. `unit` is what it counts, tokens unless said otherwise. */
  pool(name: string, options: { readonly unit?: Unit } = {}): Pool {
    return new Pool(this.#transport, name, options.unit ?? "tokens");
  }
}
