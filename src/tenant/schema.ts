/** The tables of a tenant object and of the directory of tenants. `docs/reference/storage.md` lists every column. */
import { requestsStep } from "../storage/requests.ts";

export const tenantSteps: readonly string[] = [
  `CREATE TABLE pools (
     name TEXT PRIMARY KEY,
     created_at INTEGER NOT NULL,
     notified INTEGER NOT NULL DEFAULT 0
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE keys (
     key_id TEXT PRIMARY KEY,
     scope TEXT NOT NULL,
     pool TEXT,
     agent TEXT,
     label TEXT,
     created_at INTEGER NOT NULL,
     expires_at INTEGER,
     revoked_at INTEGER,
     revocation INTEGER
   ) STRICT, WITHOUT ROWID;`,
  `CREATE TABLE prices (
     model TEXT PRIMARY KEY,
     price TEXT NOT NULL,
     set_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  requestsStep,
];

export const directorySteps: readonly string[] = [
  `CREATE TABLE tenants (
     id TEXT PRIMARY KEY,
     jurisdiction TEXT,
     created_at INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;`,
  requestsStep,
];
