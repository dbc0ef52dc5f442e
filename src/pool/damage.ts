/** A pool whose stored state does not read back as it was written is damaged: every caller is refused with that, and where it was found. */
import type { Refusal } from "../protocol/refusals.ts";
import type { PoolStorage } from "./storage.ts";

export class DamagedError extends Error {
  override readonly name = "DamagedError";
  /** The table, and the row or page in it. */
  readonly where: string;

  constructor(where: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.where = where;
  }

  get refusal(): Refusal {
    return { code: "damaged", where: this.where, reason: this.message };
  }
}

/**
 * Runs `query`. What SQLite says of a file that is not as it left it is damage; a disk that does not answer may be well
 * the next time.
 */
export function reading<T>(where: string, query: () => T): T {
  try {
    return query();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    if (error instanceof DamagedError || !ofDamage.test(message)) throw error;
    throw new DamagedError(where, message, { cause: error });
  }
}

const ofDamage = /SQLITE_(CORRUPT|NOTADB)|malformed|no such (table|column)|schema_version is empty/i;

/** Makes something of what was read. Whatever goes wrong in that is damage: storage gave what it has. */
export function understanding<T>(where: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof DamagedError) throw error;
    throw new DamagedError(where, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * A pause of a pool that can't be read. Nothing is spent from it anyway; the pause is kept beside what is damaged, so
 * that the pool is paused when it comes back from the archive.
 */
export function keepPause({ sql }: PoolStorage, paused: boolean): void {
  sql.exec("CREATE TABLE IF NOT EXISTS paused_while_damaged (only_one INTEGER PRIMARY KEY) STRICT");
  sql.exec("DELETE FROM paused_while_damaged");
  if (paused) sql.exec("INSERT INTO paused_while_damaged (only_one) VALUES (1)");
}

export function keptPause({ sql }: PoolStorage): boolean {
  try {
    return sql.exec("SELECT only_one FROM paused_while_damaged").toArray().length > 0;
  } catch {
    // There is no such table, or it can't be read either.
    return false;
  }
}
