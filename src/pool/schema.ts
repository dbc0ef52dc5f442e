/**
 * The tables of a pool object. Steps run when the first event is written, so that a request for a pool that does not
 * exist leaves no file behind, and on waking when a newer version finds older tables. `docs/storage.md` describes
 * every column.
 */
import { migrate as runSteps, schemaVersion } from "../storage/migrate.ts";
import { bringUpStates } from "./earlier.ts";
import type { PoolStorage } from "./storage.ts";

export { schemaVersion };

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
   ) STRICT;
   CREATE TABLE revoked_keys (
     key_id TEXT PRIMARY KEY,
     expires_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE periods (
     agent TEXT NOT NULL,
     number INTEGER NOT NULL,
     report TEXT NOT NULL,
     PRIMARY KEY (agent, number)
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE outbox (
     seq INTEGER PRIMARY KEY,
     notice TEXT NOT NULL
   ) STRICT;`,
  `CREATE TABLE checkpoint (
     chunk INTEGER PRIMARY KEY,
     seq INTEGER NOT NULL,
     head TEXT NOT NULL,
     part TEXT NOT NULL
   ) STRICT;
   CREATE TABLE shipped (
     only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
     seq INTEGER NOT NULL,
     head TEXT NOT NULL,
     prefix TEXT NOT NULL
   ) STRICT;`,
  `ALTER TABLE journal ADD COLUMN hash TEXT NOT NULL DEFAULT '';
   CREATE TABLE head (
     only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
     seq INTEGER NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;
   ALTER TABLE outbox ADD COLUMN type TEXT NOT NULL DEFAULT '';
   ALTER TABLE outbox ADD COLUMN unwanted INTEGER NOT NULL DEFAULT 0;
   UPDATE outbox SET type = json_extract(notice, '$.type');`,
  `CREATE TABLE restored (
     request TEXT PRIMARY KEY,
     seq INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
];

/** The first version whose states are stored in pages with histories. */
export const pagedVersion = 5;

/**
 * Brings the tables, and what is stored in them, to the newest version, in one transaction. Doing it again does
 * nothing. Throws a `DamagedError` where a state of before can't be read; nothing has changed then.
 */
export function migrate(storage: PoolStorage, wanted: readonly string[] = steps): void {
  runSteps(storage, wanted, (from) => {
    if (from > 0 && from < pagedVersion && wanted.length >= pagedVersion) bringUpStates(storage);
  });
}
