/** A tenant's list of pools, and which revocations each of them has been notified of. */
import type { PoolList } from "../protocol/pool.ts";

export type PendingRevocation = {
  readonly key_id: string;
  readonly expires_at: number | null;
  readonly revocation: number;
};

/** A revocation concerns a pool that has not been notified of it, if the key reaches the pool. */
const concerns = "keys.revocation > pools.notified AND (keys.pool IS NULL OR keys.pool = pools.name)";

export class Pools {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  has(name: string): boolean {
    return this.#sql.exec("SELECT 1 FROM pools WHERE name = ?", name).toArray().length > 0;
  }

  count(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM pools").one().count;
  }

  add(name: string, now: number): void {
    this.#sql.exec("INSERT OR IGNORE INTO pools (name, created_at) VALUES (?, ?)", name, now);
  }

  remove(name: string): void {
    this.#sql.exec("DELETE FROM pools WHERE name = ?", name);
  }

  list(after: string, count: number): PoolList {
    const query = "SELECT name, created_at FROM pools WHERE name > ? ORDER BY name LIMIT ?";
    return { pools: this.#sql.exec<{ name: string; created_at: number }>(query, after, count).toArray() };
  }

  /** Pools that a revoked key could still be used on. */
  pending(count: number): string[] {
    const query = `SELECT name FROM pools WHERE EXISTS (SELECT 1 FROM keys WHERE ${concerns}) ORDER BY name LIMIT ?`;
    return this.#sql
      .exec<{ name: string }>(query, count)
      .toArray()
      .map(({ name }) => name);
  }

  countPending(): number {
    const query = `SELECT count(*) AS count FROM pools WHERE EXISTS (SELECT 1 FROM keys WHERE ${concerns})`;
    return this.#sql.exec<{ count: number }>(query).one().count;
  }

  /** How many pools this revoked key could still be used on. */
  countPendingOf(keyId: string): number {
    const query = `SELECT count(*) AS count FROM pools JOIN keys ON ${concerns} WHERE keys.key_id = ?`;
    return this.#sql.exec<{ count: number }>(query, keyId).one().count;
  }

  /** The revocations that the pool has not been notified of, in order. */
  pendingFor(name: string): PendingRevocation[] {
    const query = `SELECT keys.key_id, keys.expires_at, keys.revocation FROM pools JOIN keys ON ${concerns}
                   WHERE pools.name = ? ORDER BY keys.revocation`;
    return this.#sql.exec<PendingRevocation>(query, name).toArray();
  }

  notified(name: string, revocation: number): void {
    this.#sql.exec("UPDATE pools SET notified = max(notified, ?) WHERE name = ?", revocation, name);
  }

  /** The pool was emptied, and with it what it stored of revocations: all of them are pending for it again. */
  forgets(name: string): void {
    this.#sql.exec("UPDATE pools SET notified = 0 WHERE name = ? AND notified > 0", name);
  }
}
