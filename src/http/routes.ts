/** The routes: the only registry of what can be asked over HTTP, and of who may. */
import type * as z from "zod";
import { segmentMedia } from "../archive/segment.ts";
import { knownPrice, knownPrices } from "../pricing/known.ts";
import {
  agentChangeResultSchema,
  agentDetailSchema,
  agentResultSchema,
  closeResultSchema,
  pauseResultSchema,
  registerBody,
} from "../protocol/agent.wire.ts";
import { batchBody, batchResultSchema, withIds } from "../protocol/batch.wire.ts";
import { deletedSchema, emptyBody, emptyQuery, idBody, listQuery } from "../protocol/common.wire.ts";
import { batchResult } from "../protocol/frames.ts";
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
} from "../protocol/journal.wire.ts";
import { keyBody, keyListSchema, newKeySchema, operatorKeyBody, revocationSchema } from "../protocol/key.wire.ts";
import { limits } from "../protocol/limits.ts";
import { periodListSchema, periodResultSchema, periodsQuery } from "../protocol/period.wire.ts";
import {
  configureBody,
  expositionSchema,
  fundBody,
  fundResultSchema,
  metricsQuery,
  poolListSchema,
  poolResultSchema,
  removeQuery,
  reportSchema,
} from "../protocol/pool.wire.ts";
import { modelsQuery, priceBody, priceListSchema, priceSchema } from "../protocol/price.wire.ts";
import {
  commitBody,
  extendBody,
  reservationResultSchema,
  reservationViewSchema,
  reserveBody,
  settlementResultSchema,
} from "../protocol/reservation.wire.ts";
import { mayRun } from "../protocol/rights.ts";
import { newTenantSchema, tenantBody, tenantListSchema } from "../protocol/tenant.wire.ts";
import { reallocateBody, reallocationResultSchema, recordBody, usageResultSchema } from "../protocol/usage.wire.ts";
import { uuid7 } from "../protocol/uuid.ts";
import {
  deliveriesQuery,
  deliveryListSchema,
  newWebhookSchema,
  pingedSchema,
  redeliverBody,
  redeliveredSchema,
  webhookBody,
  webhookListSchema,
  webhookSchema,
} from "../protocol/webhook.wire.ts";
import { parseBody, parseQuery } from "./body.ts";
import type { Call, Given } from "./call.ts";
import { exportJournal } from "./export-journal.ts";
import { exposition, expositionMedia, expositionOfPools } from "./metrics.ts";
import { makeKey, withinMaker } from "./new-keys.ts";
import { merged, page } from "./price-list.ts";
import { ApiError, invalid } from "./problems.ts";
import { mustBeOwn, mustHave, type Right, rights } from "./rights.ts";
import { numberOf } from "./settings.ts";
import { tenantMetrics } from "./tenant-metrics.ts";
import { webhookFields } from "./webhook-fields.ts";

export type Route = {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly summary: string;
  /** 101: the answer is a session. */
  readonly status: 101 | 200 | 201;
  readonly right: Right;
  readonly body: z.ZodType | undefined;
  readonly query: z.ZodObject;
  /** The body of its success; a session has none. */
  readonly answer: z.ZodType | undefined;
  /** What the body is written in. */
  readonly media: string;
  readonly run: (call: Call) => Promise<Given | Response>;
};

type Spec<B, Q> = {
  readonly status?: 101 | 200 | 201;
  readonly answer?: z.ZodType;
  readonly media?: string;
  readonly body?: z.ZodType<B>;
  readonly query?: z.ZodObject & z.ZodType<Q>;
  /** The agents that the request acts for; a key that is bound to one may act for no other. */
  readonly agents?: (call: Call, body: B) => readonly string[];
  readonly run: (call: Call, body: B, query: Q) => Promise<Given | Response>;
};

/** A route that looks at the key, then reads its query and body by schema, before it runs. */
function route<B = unknown, Q = unknown>(
  method: Route["method"],
  path: string,
  right: Right,
  summary: string,
  { status = 200, body, query, answer, media = "application/json", agents, run }: Spec<B, Q>,
): Route {
  return {
    method,
    path,
    summary,
    status,
    right,
    body,
    query: query ?? emptyQuery,
    answer,
    media,
    run: async (call) => {
      mustHave(right, call.principal);
      if (call.isForeignPool()) return poolNotFound;
      const parsedQuery = parseQuery(call.url, (query ?? emptyQuery) as z.ZodType<Q>);
      const parsedBody =
        body === undefined
          ? (undefined as B)
          : await parseBody(call.request, body, numberOf(call.env, "BURSAR_BODY_BYTES", limits.bodyBytes));
      if (agents !== undefined) mustBeOwn(call.capability, agents(call, parsedBody));
      return run(call, parsedBody, parsedQuery);
    },
  };
}

const poolNotFound: Given = { ok: false, refusal: { code: "pool_not_found" } };

const tenants = "/v1/tenants";
const keys = "/v1/keys";
const prices = "/v1/prices";
const price = `${prices}/:model`;
const webhooks = "/v1/webhooks";
const webhook = `${webhooks}/:webhook`;
const pool = "/v1/pools/:pool";
const agent = `${pool}/agents/:agent`;
const reservation = `${pool}/reservations/:id`;

export const routes: readonly Route[] = [
  route("POST", tenants, rights.operate, "Create a tenant; answers its first admin key, once", {
    answer: newTenantSchema,
    status: 201,
    body: tenantBody,
    run: async (call, { id, jurisdiction = null }) => {
      const { requestId } = call;
      const added = await call.directory((directory) => directory.add(requestId, id, jurisdiction));
      if (!added.ok) return added;
      const key = await makeKey(call, { tenant: id, jurisdiction }, { scope: "admin", label: "first admin key" });
      return key.ok ? given({ ...added.result, key: key.result }) : key;
    },
  }),
  route("GET", tenants, rights.operate, "The tenants, by id", {
    answer: tenantListSchema,
    query: listQuery,
    run: async (call, _, { after = "", limit = 100 }) =>
      given(await call.directory((directory) => directory.list(after, limit))),
  }),
  route("POST", `${tenants}/:tenant/keys`, rights.operate, "Make an admin key for a tenant that has lost its own", {
    answer: newKeySchema,
    status: 201,
    body: operatorKeyBody,
    run: async (call, fields) => {
      const found = await call.directory((directory) => directory.find(call.param("tenant")));
      if (!found.ok) return found;
      const { id: tenant, jurisdiction } = found.result;
      if (fields.expires_at !== undefined && fields.expires_at <= Date.now())
        throw invalid("/expires_at", "has passed");
      return makeKey(call, { tenant, jurisdiction }, { ...fields, scope: "admin" });
    },
  }),
  route("POST", keys, rights.manageKeys, "Make a key; it is shown once", {
    answer: newKeySchema,
    status: 201,
    body: keyBody,
    run: (call, fields) => makeKey(call, call.capability, withinMaker(call.capability, fields)),
  }),
  route("GET", keys, rights.manageKeys, "The tenant's keys, by id; never the keys themselves", {
    answer: keyListSchema,
    query: listQuery,
    run: (call, _, { after = "", limit = 100 }) =>
      call.tenant((tenant, caller) => tenant.keys(caller, call.capability.pool ?? null, after, limit)),
  }),
  route("DELETE", `${keys}/:key_id`, rights.manageKeys, "Revoke a key, in force at the next command everywhere", {
    answer: revocationSchema,
    run: (call) => {
      const keyId = call.param("key_id");
      const { requestId } = call;
      return call.tenant((tenant, caller) => tenant.revoke(caller, requestId, call.capability.pool ?? null, keyId));
    },
  }),
  route("GET", prices, rights.readPrices, "Prices of models: the tenant's own, and those that are known", {
    answer: priceListSchema,
    query: modelsQuery,
    agents: () => [],
    run: async (call, _, { after = "", limit = 100 }) => {
      const own = await call.tenant((tenant, caller) => tenant.prices(caller));
      if (!own.ok) return own;
      return given({ prices: page(merged(own.result, knownPrices(Date.now())), after, limit) });
    },
  }),
  route("GET", price, rights.readPrices, "The price of a model that is in force", {
    answer: priceSchema,
    agents: () => [],
    run: async (call) => {
      const model = call.model();
      const own = await call.tenant((tenant, caller) => tenant.price(caller, model));
      if (own.ok || own.refusal.code !== "price_not_found") return own;
      const known = knownPrice(model, Date.now());
      return known === undefined ? own : given(known);
    },
  }),
  route("PUT", price, rights.managePrices, "Set the tenant's own price of a model", {
    answer: priceSchema,
    body: priceBody,
    run: (call, fields) => {
      const model = call.model();
      return call.tenant((tenant, caller) => tenant.setPrice(caller, model, fields));
    },
  }),
  route("DELETE", price, rights.managePrices, "Take the tenant's own price of a model away", {
    answer: deletedSchema,
    run: (call) => {
      const model = call.model();
      const { requestId } = call;
      return call.tenant((tenant, caller) => tenant.removePrice(caller, requestId, model));
    },
  }),
  route("POST", webhooks, rights.manageWebhooks, "Send notices to an address; its secret is shown once", {
    answer: newWebhookSchema,
    status: 201,
    body: webhookBody,
    run: (call, body) => {
      const fields = webhookFields(call.env, body);
      const { requestId } = call;
      const id = uuid7();
      return call.webhooks((stub) => stub.add(requestId, id, fields));
    },
  }),
  route("GET", webhooks, rights.manageWebhooks, "The tenant's webhooks, and how each has fared", {
    answer: webhookListSchema,
    run: (call) => call.webhooks(async (stub) => given({ webhooks: await stub.list() })),
  }),
  route("GET", webhook, rights.manageWebhooks, "A webhook, and how it has fared", {
    answer: webhookSchema,
    run: (call) => call.webhooks((stub) => stub.find(call.param("webhook"))),
  }),
  route("PUT", webhook, rights.manageWebhooks, "Change where notices are sent, and which", {
    answer: webhookSchema,
    body: webhookBody,
    run: (call, body) => {
      const fields = webhookFields(call.env, body);
      return call.webhooks((stub) => stub.change(call.param("webhook"), fields));
    },
  }),
  route("DELETE", webhook, rights.manageWebhooks, "Send nothing there any more", {
    answer: deletedSchema,
    run: (call) => {
      const { requestId } = call;
      return call.webhooks((stub) => stub.remove(requestId, call.param("webhook")));
    },
  }),
  route("POST", `${webhook}/rotate`, rights.manageWebhooks, "A new secret; the one before is signed with for a day", {
    answer: newWebhookSchema,
    body: emptyBody,
    run: (call) => {
      const { requestId } = call;
      return call.webhooks((stub) => stub.rotate(requestId, call.param("webhook")));
    },
  }),
  route("POST", `${webhook}/enable`, rights.manageWebhooks, "Send again where it was disabled", {
    answer: webhookSchema,
    body: emptyBody,
    run: (call) => call.webhooks((stub) => stub.enable(call.param("webhook"))),
  }),
  route("POST", `${webhook}/ping`, rights.manageWebhooks, "Send a message that says nothing, to see it arrive", {
    answer: pingedSchema,
    body: emptyBody,
    run: (call) => {
      const { requestId } = call;
      const message = `msg_${uuid7()}`;
      return call.webhooks((stub) => stub.ping(requestId, call.param("webhook"), message));
    },
  }),
  route("GET", `${webhook}/deliveries`, rights.manageWebhooks, "What was sent there, and what became of it", {
    answer: deliveryListSchema,
    query: deliveriesQuery,
    run: (call, _, { before, limit = 100 }) =>
      call.webhooks((stub) => stub.deliveries(call.param("webhook"), before, limit)),
  }),
  route("POST", `${webhook}/redeliver`, rights.manageWebhooks, "Send again: one message, or all that did not arrive", {
    answer: redeliveredSchema,
    body: redeliverBody,
    run: (call, { message, since = 0 }) => {
      const { requestId } = call;
      return call.webhooks((stub) => stub.redeliver(requestId, call.param("webhook"), message, since));
    },
  }),
  route("GET", "/v1/metrics", rights.listPools, "Figures of the tenant's pools for Prometheus", {
    answer: expositionSchema,
    media: expositionMedia,
    query: metricsQuery,
    run: async (call, _, { after = "", limit = limits.metricsPage }) => {
      const figures = await tenantMetrics(call, after, limit);
      if (!figures.ok) return figures;
      return new Response(expositionOfPools(figures.result), { headers: { "content-type": expositionMedia } });
    },
  }),
  route("GET", "/v1/pools", rights.listPools, "The tenant's pools, by name", {
    answer: poolListSchema,
    query: listQuery,
    run: (call, _, { after = "", limit = 100 }) => call.tenant((tenant, caller) => tenant.pools(caller, after, limit)),
  }),
  route("PUT", pool, rights.managePool, "Create a pool, or change its settings", {
    answer: poolResultSchema,
    body: configureBody,
    run: (call, { location_hint, ...settings }) => {
      const name = call.param("pool");
      const command = { op: "configure", ...settings } as const;
      return call.tenant((tenant, caller) => tenant.configurePool(caller, name, command, location_hint));
    },
  }),
  route("GET", pool, rights.readPool, "A pool's settings and totals", {
    answer: poolResultSchema,
    run: (call) => call.pool((stub, caller) => stub.settings(caller)),
  }),
  route("DELETE", pool, rights.managePool, "Delete a pool and its journal", {
    answer: deletedSchema,
    query: removeQuery,
    run: (call, _, { force }) => {
      const name = call.param("pool");
      const { requestId } = call;
      return call.tenant((tenant, caller) => tenant.removePool(caller, requestId, name, force === "true"));
    },
  }),
  route("POST", `${pool}/funds`, rights.managePool, "Grow or shrink a pool's budget", {
    answer: fundResultSchema,
    status: 201,
    body: fundBody,
    run: (call, { id, ...fund }) => call.run({ op: "fund", ...fund, id: call.idFor(id) }),
  }),
  route("POST", `${pool}/pause`, rights.managePool, "Stop all agents from reserving; open reservations settle", {
    answer: pauseResultSchema,
    body: emptyBody,
    run: (call) => call.run({ op: "pause", agent: null }),
  }),
  route("POST", `${pool}/resume`, rights.managePool, "End the pause of a pool", {
    answer: pauseResultSchema,
    body: emptyBody,
    run: (call) => call.run({ op: "resume", agent: null }),
  }),
  route("POST", `${pool}/reset-period`, rights.managePool, "Start a new period now: the budget is filled again", {
    answer: periodResultSchema,
    body: idBody,
    run: (call, { id }) => call.run({ op: "reset_period", id: call.idFor(id) }),
  }),
  route("PUT", agent, rights.managePool, "Register an agent, or change its contract", {
    answer: agentResultSchema,
    body: registerBody,
    run: (call, contract) => call.run({ op: "register", ...contract, agent: call.param("agent") }),
  }),
  route("GET", agent, rights.readOwn, "An agent's contract and ledger entry", {
    answer: agentDetailSchema,
    agents: (call) => [call.param("agent")],
    run: (call) => {
      const name = call.param("agent");
      return call.pool((stub, caller) => stub.agent(caller, name));
    },
  }),
  route("DELETE", agent, rights.managePool, "Close an agent; it leaves when its reservations are settled", {
    answer: closeResultSchema,
    run: (call) => call.run({ op: "close", agent: call.param("agent"), id: call.idFor(undefined) }),
  }),
  route("POST", `${agent}/reopen`, rights.managePool, "Open a closed confidence gate: a new task", {
    answer: agentChangeResultSchema,
    body: idBody,
    run: (call, { id }) => call.run({ op: "reopen", agent: call.param("agent"), id: call.idFor(id) }),
  }),
  route(
    "POST",
    `${agent}/pause`,
    rights.managePool,
    "Stop an agent, and those below it, from reserving; open ones settle",
    {
      answer: pauseResultSchema,
      body: emptyBody,
      run: (call) => call.run({ op: "pause", agent: call.param("agent") }),
    },
  ),
  route("POST", `${agent}/resume`, rights.managePool, "End the pause of an agent", {
    answer: pauseResultSchema,
    body: emptyBody,
    run: (call) => call.run({ op: "resume", agent: call.param("agent") }),
  }),
  route("POST", `${agent}/reset`, rights.managePool, "Start an agent again: nothing consumed, its allocation again", {
    answer: agentChangeResultSchema,
    body: idBody,
    run: (call, { id }) => call.run({ op: "reset", agent: call.param("agent"), id: call.idFor(id) }),
  }),
  route("POST", `${pool}/reservations`, rights.spend, "Reserve budget before a call", {
    answer: reservationResultSchema,
    status: 201,
    body: reserveBody,
    agents: (_, body) => [body.agent],
    run: (call, { id, wait_ms = 0, ...reserve }) => {
      const command = { op: "reserve", ...reserve, id: call.idFor(id) } as const;
      return call.reserve(command, wait_ms);
    },
  }),
  route("GET", reservation, rights.readOwn, "A reservation", {
    answer: reservationViewSchema,
    agents: checkedByThePool,
    run: (call) => {
      const id = call.param("id");
      return call.pool((stub, caller) => stub.reservation(caller, id));
    },
  }),
  route("POST", `${reservation}/commit`, rights.spend, "Book what the call really used", {
    answer: settlementResultSchema,
    body: commitBody,
    agents: checkedByThePool,
    run: (call, commit) => call.run({ op: "commit", ...commit, id: call.param("id") }),
  }),
  route("POST", `${reservation}/release`, rights.spend, "Give a reservation back", {
    answer: settlementResultSchema,
    body: emptyBody,
    agents: checkedByThePool,
    run: (call) => call.run({ op: "release", id: call.param("id") }),
  }),
  route("POST", `${reservation}/extend`, rights.spend, "Move the end of a reservation's lease", {
    answer: reservationResultSchema,
    body: extendBody,
    agents: checkedByThePool,
    run: (call, extend) => call.run({ op: "extend", ...extend, id: call.param("id") }),
  }),
  route("POST", `${pool}/usage`, rights.spend, "Record exact usage without a reservation", {
    answer: usageResultSchema,
    status: 201,
    body: recordBody,
    agents: (_, body) => [body.agent],
    run: (call, { id, ...record }) => call.run({ op: "record", ...record, id: call.idFor(id) }),
  }),
  route("POST", `${pool}/reallocations`, rights.spend, "Move spare budget to an agent, or plan it with dry_run", {
    answer: reallocationResultSchema,
    body: reallocateBody,
    agents: (_, body) => [body.agent],
    run: (call, { id, ...reallocate }) => call.run({ op: "reallocate", ...reallocate, id: call.idFor(id) }),
  }),
  route("GET", `${pool}/report`, rights.readPool, "Every agent's ledger entry", {
    answer: reportSchema,
    run: (call) => call.pool((stub, caller) => stub.report(caller)),
  }),
  route("GET", `${pool}/metrics`, rights.readPool, "A pool's figures for Prometheus", {
    answer: expositionSchema,
    media: expositionMedia,
    run: async (call) => {
      const figures = await call.pool((stub, caller) => stub.metrics(caller));
      if (!figures.ok) return figures;
      return new Response(exposition(figures.result), { headers: { "content-type": expositionMedia } });
    },
  }),
  route("POST", `${pool}/batch`, rights.spend, "Run commands in order, each with its own outcome", {
    answer: batchResultSchema,
    body: batchBody,
    agents: (_, { commands }) =>
      commands.flatMap((command) => ("agent" in command && command.agent !== null ? [command.agent] : [])),
    run: async (call, body) => {
      // Those without an id get one, and the same again where the batch is repeated with its Idempotency-Key.
      const { batchKey } = call;
      const commands = withIds(body.commands, (place) => (batchKey === null ? uuid7() : `${batchKey}.${place}`));
      const index = commands.findIndex(({ op }) => !mayRun(call.capability.scope, op));
      const beyond = commands[index];
      if (beyond !== undefined) {
        throw new ApiError(
          "forbidden",
          `A key of scope ${call.capability.scope} can't ${beyond.op} (/commands/${index}).`,
        );
      }
      const outcomes = await call.pool((stub, caller) => stub.run(caller, commands));
      return given({ results: outcomes.map((outcome, at) => batchResult(outcome, commands[at]?.op ?? "")) });
    },
  }),
  route("GET", `${pool}/journal`, rights.readPool, "A page of the pool's events", {
    answer: journalPageSchema,
    query: journalQuery,
    run: (call, _, { after = 0, limit = limits.journalPage }) =>
      call.pool((stub, caller) => stub.journal(caller, after, limit)),
  }),
  route("GET", `${pool}/journal/export`, rights.readPool, "The journal as a file that can be verified offline", {
    answer: segmentSchema,
    media: segmentMedia,
    query: exportQuery,
    run: (call, _, { after = 0, until = Number.MAX_SAFE_INTEGER }) => exportJournal(call, after, until),
  }),
  route("GET", `${pool}/archive`, rights.readPool, "What of the journal is here, and what is in the archive", {
    answer: archiveResultSchema,
    run: (call) => call.pool((stub, caller) => stub.archived(caller)),
  }),
  route("POST", `${pool}/archive`, rights.managePool, "Ship what is not in the archive yet", {
    answer: archiveResultSchema,
    body: emptyBody,
    run: (call) => call.pool((stub, caller) => stub.archive(caller)),
  }),
  route("POST", `${pool}/restore`, rights.managePool, "Make a deleted pool again out of the archive", {
    answer: restoreResultSchema,
    status: 201,
    body: emptyBody,
    run: (call) => {
      const name = call.param("pool");
      const { requestId } = call;
      return call.tenant((tenant, caller) => tenant.restorePool(caller, requestId, name));
    },
  }),
  route("GET", `${pool}/periods`, rights.readPool, "Reports of periods that are over, newest first", {
    answer: periodListSchema,
    query: periodsQuery,
    run: (call, _, { agent = null, before = Number.MAX_SAFE_INTEGER, limit = limits.periodPage }) =>
      call.pool((stub, caller) => stub.periods(caller, agent, before, limit)),
  }),
  route("GET", `${pool}/snapshot`, rights.readPool, "A pool's whole state, in pages, as of its event `seq`", {
    answer: snapshotSchema,
    query: snapshotQuery,
    run: (call, _, { page: cursor }) => {
      const [seq, number] = cursor?.split(".").map(Number) ?? [];
      return call.pool((stub, caller) => stub.snapshot(caller, seq, number));
    },
  }),
  route("GET", `${pool}/session`, rights.readOwn, "Open a session: frames of commands, and events as they happen", {
    status: 101,
    agents: () => [],
    run: async (call) => {
      if (call.request.headers.get("upgrade")?.toLowerCase() !== "websocket") {
        throw invalid("Upgrade", "must be websocket: this route opens a session");
      }
      return call.openSession();
    },
  }),
  route("GET", `${pool}/audit`, rights.readPool, "Fold the journal again and compare it with memory", {
    answer: auditSchema,
    run: (call) => call.pool((stub, caller) => stub.audit(caller)),
  }),
];

/** Whose a reservation is only the pool can tell (`pool/rights.ts`); the request names no agent. */
function checkedByThePool(): readonly string[] {
  return [];
}

function given(result: unknown): Given {
  return { ok: true, result };
}
