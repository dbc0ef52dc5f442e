/** The journal of a pool: its events, archive, snapshot and audit. */
import { segmentMedia } from "../../archive/segment.ts";
import { emptyBody } from "../../protocol/common.wire.ts";
import {
  archiveResultSchema,
  auditSchema,
  exportQuery,
  journalPageSchema,
  journalQuery,
  restoreResultSchema,
  segmentSchema,
  snapshotQuery,
  snapshotSchema,
} from "../../protocol/journal.wire.ts";
import { limits } from "../../protocol/limits.ts";
import { exportJournal } from "../export-journal.ts";
import { rights } from "../rights.ts";
import { type Route, route } from "../route.ts";

const pool = "/v1/pools/:pool";

export const journalRoutes: readonly Route[] = [
  route("listEvents", "GET", `${pool}/journal`, rights.readPool, "A page of the pool's events", {
    answer: journalPageSchema,
    query: journalQuery,
    run: (call, _, { after = 0, limit = limits.journalPage }) => call.query({ about: "journal", after, limit }),
  }),
  route(
    "exportJournal",
    "GET",
    `${pool}/journal/export`,
    rights.readPool,
    "The journal as a file that `bursar verify` checks offline",
    {
      answer: segmentSchema,
      media: segmentMedia,
      query: exportQuery,
      run: (call, _, { after = 0, until = Number.MAX_SAFE_INTEGER }) => exportJournal(call, after, until),
    },
  ),
  route("getArchive", "GET", `${pool}/archive`, rights.readPool, "How far the journal is archived, and trimmed here", {
    answer: archiveResultSchema,
    run: (call) => call.query({ about: "archive" }),
  }),
  route("shipJournal", "POST", `${pool}/archive`, rights.managePool, "Ship the rest of the journal to the archive", {
    answer: archiveResultSchema,
    body: emptyBody,
    run: (call) => call.pool((stub, caller) => stub.archive(caller)),
  }),
  route("restorePool", "POST", `${pool}/restore`, rights.managePool, "Restore a deleted pool from the archive", {
    answer: restoreResultSchema,
    status: 201,
    body: emptyBody,
    run: (call) => {
      const name = call.param("pool");
      const { requestId } = call;
      return call.tenant((tenant, caller) => tenant.restorePool(caller, requestId, name));
    },
  }),
  route("getSnapshot", "GET", `${pool}/snapshot`, rights.readPool, "A pool's state as of event `seq`, in pages", {
    answer: snapshotSchema,
    query: snapshotQuery,
    run: (call, _, { page: cursor }) => {
      const [seq, number] = cursor?.split(".").map(Number) ?? [];
      return call.query({ about: "snapshot", ...(seq === undefined ? {} : { seq, page: number ?? 0 }) });
    },
  }),
  route(
    "auditPool",
    "GET",
    `${pool}/audit`,
    rights.readPool,
    "Fold the journal again, and compare the result with memory",
    {
      answer: auditSchema,
      run: (call) => call.query({ about: "audit" }),
    },
  ),
];
