/** The Durable Object of a tenant: the directory of its pools. It is never asked on the way of a reserve or commit. */
import { DurableObject } from "cloudflare:workers";
import { limits } from "../protocol/limits.ts";
import type { Answer } from "../protocol/results.ts";

const schema = `CREATE TABLE IF NOT EXISTS pools (name TEXT PRIMARY KEY, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID`;

export type PoolList = { readonly pools: readonly { readonly name: string; readonly created_at: number }[] };

export class TenantObject extends DurableObject<unknown> {
  /** Lists a pool before it is made, so that no pool exists that is not listed. Listing it again does nothing. */
  async addPool(name: string): Promise<Answer<{ added: boolean }>> {
    const { sql } = this.ctx.storage;
    sql.exec(schema);
    if (sql.exec("SELECT 1 FROM pools WHERE name = ?", name).toArray().length > 0)
      return { ok: true, result: { added: false } };
    const { count } = sql.exec<{ count: number }>("SELECT count(*) AS count FROM pools").one();
    if (count >= limits.poolsPerTenant) {
      const maximum = limits.poolsPerTenant;
      return { ok: false, refusal: { code: "limit_reached", limit: "poolsPerTenant", maximum } };
    }
    sql.exec("INSERT INTO pools (name, created_at) VALUES (?, ?)", name, Date.now());
    return { ok: true, result: { added: true } };
  }

  async removePool(name: string): Promise<void> {
    this.ctx.storage.sql.exec(schema);
    this.ctx.storage.sql.exec("DELETE FROM pools WHERE name = ?", name);
  }

  /** Pools by name, after `after`. */
  async pools(after: string, count: number): Promise<PoolList> {
    const { sql } = this.ctx.storage;
    if (sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'pools'").toArray().length === 0) return { pools: [] };
    const query = "SELECT name, created_at FROM pools WHERE name > ? ORDER BY name LIMIT ?";
    return { pools: sql.exec<{ name: string; created_at: number }>(query, after, count).toArray() };
  }
}
