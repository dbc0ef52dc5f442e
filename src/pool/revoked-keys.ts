/**
 * Keys that are revoked here. The tenant's object pushes them, so that a pool refuses a revoked key by itself, with
 * no look-up on the way of a request.
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

  /** Keeps them, and forgets those that expired long before `now`. Doing it again does nothing. */
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

  /** Reads again when asked next. */
  forget(): void {
    this.#ids = undefined;
  }

  #read(): Set<string> {
    if (schemaVersion(this.#storage) === 0) return new Set();
    const rows = this.#storage.sql.exec<{ key_id: string }>("SELECT key_id FROM revoked_keys").toArray();
    return new Set(rows.map(({ key_id }) => key_id));
  }
}
