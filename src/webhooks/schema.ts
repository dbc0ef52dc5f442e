/** The tables of a tenant's webhooks. `docs/reference/storage.md` describes every column. */
import { requestsStep } from "../storage/requests.ts";

export const webhookSteps: readonly string[] = [
  `CREATE TABLE webhooks (
     id TEXT PRIMARY KEY,
     url TEXT NOT NULL,
     types TEXT NOT NULL,
     pool TEXT,
     description TEXT,
     secret TEXT NOT NULL,
     previous_secret TEXT,
     previous_secret_until INTEGER,
     created_at INTEGER NOT NULL,
     disabled_reason TEXT,
     failures INTEGER NOT NULL DEFAULT 0,
     failing_since INTEGER,
     backoff_until INTEGER NOT NULL DEFAULT 0,
     last_success_at INTEGER,
     last_failure_at INTEGER,
     last_error TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE messages (
     number INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     pool TEXT,
     seq INTEGER,
     type TEXT NOT NULL,
     at INTEGER NOT NULL,
     body TEXT NOT NULL
   ) STRICT;
   CREATE TABLE deliveries (
     webhook_id TEXT NOT NULL,
     message INTEGER NOT NULL,
     state TEXT NOT NULL,
     attempts INTEGER NOT NULL DEFAULT 0,
     since INTEGER NOT NULL,
     next_at INTEGER NOT NULL,
     last_at INTEGER,
     last_error TEXT,
     lane TEXT NOT NULL,
     PRIMARY KEY (webhook_id, message)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX pending ON deliveries (webhook_id, next_at) WHERE state = 'pending';
   CREATE INDEX lanes ON deliveries (webhook_id, lane, next_at) WHERE state = 'pending';`,
  requestsStep,
];
