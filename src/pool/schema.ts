/**
 * The tables of a pool object, as numbered steps that only ever add. Code of the version before must still run on
 * what a step leaves behind, for a deploy replaces objects one by one. Steps run when the first event is written, so
 * that a request for a pool that does not exist leaves no file behind, and on waking when a newer version finds older
 * tables. `docs/storage.md` describes every column.
 */
import type { PoolStorage } from "./storage.ts";

export const steps: readonly string[] = [
  `CREATE TABLE journal (
     first_seq INTEGER PRIMARY KEY,
     last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
     at INTEGER NOT NULL,
     previous TEXT NOT NULL,
     events TEXT NOT NULL
   ) STRICT;
   CREATE TABLE snapshot (
     chunk INTEGER PRIMARY KEY,
     seq INTEGER NOT NULL,
     head TEXT NOT NULL,
     part TEXT NOT NULL
   ) STRICT;`,
];

/** The version of the tables that are there; 0 if none are. */
export function schemaVersion({ sql }: PoolStorage): number {
  const found = sql.exec("SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'").toArray();
  if (found.length === 0) return 0;
  return Number(sql.exec("SELECT max(version) AS version FROM schema_version").one().version ?? 0);
}

/** Brings the tables to the newest version, in one transaction. Doing it again does nothing. */
export function migrate(storage: PoolStorage, wanted: readonly string[] = steps): void {
  const version = schemaVersion(storage);
  if (version >= wanted.length) return;
  storage.transactionSync(() => {
    storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT",
    );
    for (const [index, step] of wanted.entries()) {
      if (index < version) continue;
      storage.sql.exec(step);
      storage.sql.exec("INSERT INTO schema_version (version, at) VALUES (?, unixepoch() * 1000)", index + 1);
    }
  });
}
