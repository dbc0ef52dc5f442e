/** Pools: settings, budgets, periods and the ledger of all agents. */
import { pauseResultSchema } from "../../protocol/agent.wire.ts";
import { deletedSchema, emptyBody, idBody, listQuery } from "../../protocol/common.wire.ts";
import { limits } from "../../protocol/limits.ts";
import { periodListSchema, periodResultSchema, periodsQuery } from "../../protocol/period.wire.ts";
import {
  configureBody,
  fundBody,
  fundResultSchema,
  poolListSchema,
  poolResultSchema,
  removeQuery,
  reportSchema,
} from "../../protocol/pool.wire.ts";
import { rights } from "../rights.ts";
import { type Route, route } from "../route.ts";

const pool = "/v1/pools/:pool";

export const poolsRoutes: readonly Route[] = [
  route("listPools", "GET", "/v1/pools", rights.listPools, "The tenant's pools, by name", {
    answer: poolListSchema,
    query: listQuery,
    run: (call, _, { after = "", limit = 100 }) => call.tenant((tenant, caller) => tenant.pools(caller, after, limit)),
  }),
  route("configurePool", "PUT", pool, rights.managePool, "Create a pool, or change its settings", {
    answer: poolResultSchema,
    body: configureBody,
    run: (call, { location_hint, ...settings }) => {
      const name = call.param("pool");
      const command = { op: "configure", ...settings } as const;
      return call.tenant((tenant, caller) => tenant.configurePool(caller, name, command, location_hint));
    },
  }),
  route("getPool", "GET", pool, rights.readPool, "A pool's settings and totals", {
    answer: poolResultSchema,
    run: (call) => call.query({ about: "settings" }),
  }),
  route("deletePool", "DELETE", pool, rights.managePool, "Delete a pool and its journal", {
    answer: deletedSchema,
    query: removeQuery,
    run: (call, _, { force }) => {
      const name = call.param("pool");
      const { requestId } = call;
      return call.tenant((tenant, caller) => tenant.removePool(caller, requestId, name, force === true));
    },
  }),
  route("fundPool", "POST", `${pool}/funds`, rights.managePool, "Grow or shrink a pool's budget", {
    answer: fundResultSchema,
    status: 201,
    body: fundBody,
    run: (call, { id, ...fund }) => call.execute({ op: "fund", ...fund, id: call.idFor(id) }),
  }),
  route(
    "pausePool",
    "POST",
    `${pool}/pause`,
    rights.managePool,
    "Pause a pool: no new reserves, open reservations settle",
    {
      answer: pauseResultSchema,
      body: emptyBody,
      run: (call) => call.execute({ op: "pause", agent: null }),
    },
  ),
  route("resumePool", "POST", `${pool}/resume`, rights.managePool, "Resume a pool", {
    answer: pauseResultSchema,
    body: emptyBody,
    run: (call) => call.execute({ op: "resume", agent: null }),
  }),
  route(
    "resetPeriod",
    "POST",
    `${pool}/reset-period`,
    rights.managePool,
    "Start a new period now: the budget is filled again",
    {
      answer: periodResultSchema,
      body: idBody,
      run: (call, { id }) => call.execute({ op: "reset_period", id: call.idFor(id) }),
    },
  ),
  route("listPeriods", "GET", `${pool}/periods`, rights.readPool, "Reports of ended periods, newest first", {
    answer: periodListSchema,
    query: periodsQuery,
    run: (call, _, { agent = null, before = Number.MAX_SAFE_INTEGER, limit = limits.periodPage }) =>
      call.query({ about: "periods", agent, before, limit }),
  }),
  route("getReport", "GET", `${pool}/report`, rights.readPool, "Every agent's ledger entry", {
    answer: reportSchema,
    run: (call) => call.query({ about: "report" }),
  }),
];
