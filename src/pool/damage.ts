/** Damage: a pool whose stored state does not read back as it was written. Every caller is refused, with where it was found. */
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
 * Runs `query`. SQLite's errors for a corrupt file are damage; any other error (a disk that does not answer) may not occur
 * again, and is thrown on.
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

/** Interprets what was read. Any error in that is damage, because reading itself succeeded. */
export function understanding<T>(where: string, use: () => T): T {
  try {
    return use();
  } catch (error) {
    if (error instanceof DamagedError) throw error;
    throw new DamagedError(where, error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/**
 * Stores a pause of a damaged pool. Nothing is spent from it anyway; the pause is kept beside the damaged tables, so that the
 * pool is paused once it is restored from the archive.
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
    // There is no such table, or it is damaged, too.
    return false;
  }
}
