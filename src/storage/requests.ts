/**
 * Requests that were done, so that a repeat after a lost answer is answered and not done again. A request is named by
 * its caller's key and its Idempotency-Key; one that comes without is named by the edge, which repeats it, too.
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
   * The answer of then, if this was done; `id_reused` if it was another request. `what` says all that is asked for.
   * Refusals are not kept: a request that had no effect may be made again.
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
    // A key's own are forgotten for its own, so that none pushes out another's.
    this.#sql.exec(
      `DELETE FROM requests WHERE caller = ?1 AND key IN
         (SELECT key FROM requests WHERE caller = ?1 ORDER BY at DESC LIMIT -1 OFFSET ?2)`,
      caller,
      limits.requestsPerKey,
    );
    return answer;
  }

  /** Does what was not done yet, in one turn. */
  once<T>(id: RequestId, what: string, now: number, run: () => Result<T>): Result<T> {
    return this.find<T>(id, what, now) ?? this.keep(id, what, run(), now);
  }
}
