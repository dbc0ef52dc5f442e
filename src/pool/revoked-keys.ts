/**
 * The revoked keys that a pool knows. The tenant's object pushes them, so that the pool refuses a revoked key without a
 * look-up elsewhere for each request.
 */
import type { RevokedKey } from "../protocol/key.ts";
import { limits } from "../protocol/limits.ts";
import { migrate, schemaVersion } from "./schema.ts";
import type { PoolStorage } from "./storage.ts";

export class RevokedKeys {
  readonly #storage: PoolStorage;
  #ids: Set<string> | undefined;

  constructor(storage: PoolStorage) {
    this.#storage = storage;
  }

  has(keyId: string): boolean {
    this.#ids ??= this.#read();
    return this.#ids.has(keyId);
  }

  /** Stores revoked keys, and forgets those that expired long before `now`. Idempotent. */
  add(keys: readonly RevokedKey[], now: number): void {
    migrate(this.#storage);
    this.#storage.transactionSync(() => {
      const { sql } = this.#storage;
      sql.exec("DELETE FROM revoked_keys WHERE expires_at <= ?", now - limits.revokedKeysKeptMs);
      for (const { key_id, expires_at } of keys) {
        const until = expires_at ?? Number.MAX_SAFE_INTEGER;
        sql.exec("INSERT OR REPLACE INTO revoked_keys (key_id, expires_at) VALUES (?, ?)", key_id, until);
      }
    });
    this.#ids = undefined;
  }

  /** Drops the cache: the next check reads storage. */
  forget(): void {
    this.#ids = undefined;
  }

  #read(): Set<string> {
    if (schemaVersion(this.#storage) === 0) return new Set();
    const rows = this.#storage.sql.exec<{ key_id: string }>("SELECT key_id FROM revoked_keys").toArray();
    return new Set(rows.map(({ key_id }) => key_id));
  }
}
