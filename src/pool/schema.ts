/**
 * The tables of a pool object. Steps run when the first event is written, so that a request for a pool that does not
 * exist leaves no file behind, and on waking when a newer version finds older tables. `docs/reference/storage.md`
 * describes every column.
 */
import { migrate as runSteps, schemaVersion } from "../storage/migrate.ts";
import type { PoolStorage } from "./storage.ts";

export { schemaVersion };

export const steps: readonly string[] = [
  `CREATE TABLE journal (
     first_seq INTEGER PRIMARY KEY,
     last_seq INTEGER NOT NULL CHECK (last_seq >= first_seq),
     at INTEGER NOT NULL,
     previous TEXT NOT NULL,
     events TEXT NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;
   CREATE TABLE head (
     only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
     seq INTEGER NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;
   CREATE TABLE snapshot (
     chunk INTEGER PRIMARY KEY,
     seq INTEGER NOT NULL,
     head TEXT NOT NULL,
     part TEXT NOT NULL
   ) STRICT;
   CREATE TABLE checkpoint (
     chunk INTEGER PRIMARY KEY,
     seq INTEGER NOT NULL,
     head TEXT NOT NULL,
     part TEXT NOT NULL
   ) STRICT;
   CREATE TABLE periods (
     agent TEXT NOT NULL,
     number INTEGER NOT NULL,
     report TEXT NOT NULL,
     PRIMARY KEY (agent, number)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE outbox (
     seq INTEGER PRIMARY KEY,
     type TEXT NOT NULL,
     notification TEXT NOT NULL,
     unwanted INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE TABLE revoked_keys (
     key_id TEXT PRIMARY KEY,
     expires_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE shipped (
     only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
     seq INTEGER NOT NULL,
     head TEXT NOT NULL,
     prefix TEXT NOT NULL
   ) STRICT;
   CREATE TABLE restored (
     request TEXT PRIMARY KEY,
     seq INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
];

/** Brings the tables to the newest version, in one transaction. Doing it again does nothing. */
export function migrate(storage: PoolStorage, wanted: readonly string[] = steps): void {
  runSteps(storage, wanted);
}
