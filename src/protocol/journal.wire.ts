/** The journal on the wire. */
import * as z from "zod";
import { type Describes, integer, queryInteger } from "./common.wire.ts";
import { eventSchema } from "./events.wire.ts";
import type { ArchiveResult, Audit, RestoreResult } from "./journal.ts";
import { limits } from "./limits.ts";

export const journalQuery = z.strictObject({
  after: queryInteger(Number.MAX_SAFE_INTEGER).optional(),
  limit: queryInteger(limits.journalPage).optional(),
});

export const snapshotQuery = z.strictObject({
  page: z
    .string()
    .regex(/^\d{1,16}\.\d{1,6}$/, "must be what `next` of the page before says")
    .optional(),
});

export const exportQuery = z.strictObject({
  after: queryInteger(Number.MAX_SAFE_INTEGER).optional(),
  until: queryInteger(Number.MAX_SAFE_INTEGER).optional(),
});

export const journalPageSchema = z
  .strictObject({ events: z.array(eventSchema).readonly(), next: integer })
  .meta({ id: "JournalPage" });

/** What the engine goes on from (`src/engine/image.ts`); its shape may change with any version. */
export const snapshotSchema = z
  .looseObject({
    seq: integer.describe("the state is as of this event; the journal leads on from it"),
    next: z.string().nullable().describe("the next page's `page`; null at the end"),
  })
  .meta({ id: "Snapshot" });

export const segmentSchema = z
  .string()
  .meta({ id: "Segment", description: "Newline-delimited JSON; docs/reference/storage.md describes each line." });

export const archiveResultSchema = z
  .strictObject({
    archive: z.boolean().describe("whether this deployment has an archive"),
    seq: integer,
    shipped: integer.describe("the last event that is in the archive"),
    trimmed: integer.describe("the last event that is no longer here"),
  })
  .meta({ id: "ArchiveResult" }) satisfies Describes<ArchiveResult>;

export const restoreResultSchema = z
  .strictObject({ seq: integer })
  .meta({ id: "RestoreResult" }) satisfies Describes<RestoreResult>;

export const auditSchema = z
  .strictObject({ ok: z.boolean(), seq: integer, rows: integer, findings: z.array(z.string()).readonly() })
  .meta({ id: "Audit" }) satisfies Describes<Audit>;
