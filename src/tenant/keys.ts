/** A tenant's list of keys: what each may do, and whether it is revoked. The keys themselves are stored nowhere. */
import type { KeyFields, KeyView, Scope } from "../protocol/key.ts";
import { limits } from "../protocol/limits.ts";

type KeyRow = {
  key_id: string;
  scope: string;
  pool: string | null;
  agent: string | null;
  label: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
};

const columns = "key_id, scope, pool, agent, label, created_at, expires_at, revoked_at";

export class Keys {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  isRevoked(keyId: string): boolean {
    const query = "SELECT 1 FROM keys WHERE key_id = ? AND revoked_at IS NOT NULL";
    return this.#sql.exec(query, keyId).toArray().length > 0;
  }

  get(keyId: string): KeyView | undefined {
    const [row] = this.#sql.exec<KeyRow>(`SELECT ${columns} FROM keys WHERE key_id = ?`, keyId).toArray();
    return row === undefined ? undefined : viewOf(row);
  }

  /** Keys by id after `after`; only those bound to `pool`, unless it is null. */
  list(pool: string | null, after: string, count: number): KeyView[] {
    const query = `SELECT ${columns} FROM keys WHERE key_id > ?1 AND (?2 IS NULL OR pool = ?2) ORDER BY key_id LIMIT ?3`;
    return this.#sql.exec<KeyRow>(query, after, pool, count).toArray().map(viewOf);
  }

  /** How many keys are not revoked, of one pool or of all. */
  count(pool: string | null = null): number {
    const query = "SELECT count(*) AS count FROM keys WHERE revoked_at IS NULL AND (?1 IS NULL OR pool = ?1)";
    return this.#sql.exec<{ count: number }>(query, pool).one().count;
  }

  /** How many revoked keys are remembered, of one pool or of all. */
  countRevoked(pool: string | null = null): number {
    const query = "SELECT count(*) AS count FROM keys WHERE revoked_at IS NOT NULL AND (?1 IS NULL OR pool = ?1)";
    return this.#sql.exec<{ count: number }>(query, pool).one().count;
  }

  /**
   * Deletes expired keys: their signed expiry refuses them. Revoked ones are kept longer, because a clock that is behind would
   * accept them again.
   */
  forgetExpired(now: number): void {
    this.#sql.exec(
      "DELETE FROM keys WHERE expires_at <= iif(revoked_at IS NULL, ?1, ?2)",
      now,
      now - limits.revokedKeysKeptMs,
    );
  }

  /** Lists a key. */
  add({ key_id, scope, pool, agent, label, expires_at }: KeyFields, now: number): void {
    this.#sql.exec(
      "INSERT INTO keys (key_id, scope, pool, agent, label, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      key_id,
      scope,
      pool,
      agent,
      label,
      now,
      expires_at,
    );
  }

  /**
   * Marks a key as revoked. Revocations are numbered, so that a pool's row can say up to which number it was notified. Numbers
   * of expired keys are deleted with them, so the next number must be above every one that a pool was notified of.
   */
  revoke(keyId: string, now: number): void {
    const last = "max(coalesce((SELECT max(revocation) FROM keys), 0), coalesce((SELECT max(notified) FROM pools), 0))";
    this.#sql.exec(
      `UPDATE keys SET revoked_at = ?, revocation = ${last} + 1 WHERE key_id = ? AND revoked_at IS NULL`,
      now,
      keyId,
    );
  }
}

function viewOf({ scope, ...row }: KeyRow): KeyView {
  return { ...row, scope: scope as Scope };
}
