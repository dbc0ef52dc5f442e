/**
 * Idempotency of control requests: the answers of requests that were done, so that a repeat after a lost answer is answered
 * and not done again. A request is identified by its caller's key and its Idempotency-Key; without the header by a key that
 * the edge makes, which repeats requests itself.
 */
import type { RequestId } from "../protocol/caller.ts";
import { limits } from "../protocol/limits.ts";
import type { Result } from "../protocol/refusals.ts";

/** The table that `Requests` needs, as a step of its object's migrations. */
export const requestsStep = `CREATE TABLE requests (
     caller TEXT NOT NULL,
     key TEXT NOT NULL,
     what TEXT NOT NULL,
     answer TEXT NOT NULL,
     at INTEGER NOT NULL,
     PRIMARY KEY (caller, key)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX requests_at ON requests (at);`;

export class Requests {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /**
   * The first answer, if this request was done before; `id_reused` if the key was used for another request. `what` is the
   * whole content. Refusals are not stored: a request that had no effect may be made again.
   */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the answer is what `keep` was given then
  find<T>({ caller, key }: RequestId, what: string, now: number): Result<T> | undefined {
    const query = "SELECT what, answer FROM requests WHERE caller = ? AND key = ? AND at >= ?";
    const found = this.#sql.exec<{ what: string; answer: string }>(query, caller, key, now - limits.requestsKeptMs);
    const [known] = found.toArray();
    if (known === undefined) return undefined;
    if (known.what !== what) return { ok: false, refusal: { code: "id_reused", id: key, field: "request" } };
    return { ok: true, result: JSON.parse(known.answer) as T };
  }

  keep<T>({ caller, key }: RequestId, what: string, answer: Result<T>, now: number): Result<T> {
    if (!answer.ok) return answer;
    this.#sql.exec(
      "INSERT OR REPLACE INTO requests (caller, key, what, answer, at) VALUES (?, ?, ?, ?, ?)",
      caller,
      key,
      what,
      JSON.stringify(answer.result),
      now,
    );
    this.#sql.exec("DELETE FROM requests WHERE at < ?", now - limits.requestsKeptMs);
    // Only the caller's own requests make room for its new ones, so that no key pushes out another's.
    this.#sql.exec(
      `DELETE FROM requests WHERE caller = ?1 AND key IN
         (SELECT key FROM requests WHERE caller = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)`,
      caller,
      limits.requestsPerKey,
    );
    return answer;
  }

  /** Runs what was not done before, without an await in between. */
  once<T>(id: RequestId, what: string, now: number, run: () => Result<T>): Result<T> {
    return this.find<T>(id, what, now) ?? this.keep(id, what, run(), now);
  }
}
