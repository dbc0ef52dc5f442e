/** The routes: the only registry of what can be asked over HTTP. */
import type * as z from "zod";
import { limits } from "../protocol/limits.ts";
import type { Outcome } from "../protocol/results.ts";
import * as schemas from "../protocol/schemas.ts";
import { parseBody, parseQuery } from "./body.ts";
import type { Call, Given } from "./call.ts";
import { refusalProblem } from "./problems.ts";

export type Route = {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  readonly path: string;
  readonly summary: string;
  readonly status: 200 | 201;
  readonly body: z.ZodType | undefined;
  readonly query: z.ZodType;
  readonly run: (call: Call) => Promise<Given>;
};

type Spec<B, Q> = {
  readonly status?: 200 | 201;
  readonly body?: z.ZodType<B>;
  readonly query?: z.ZodType<Q>;
  readonly run: (call: Call, body: B, query: Q) => Promise<Given>;
};

/** A route that reads its query and body by schema before it runs. */
function route<B = unknown, Q = unknown>(
  method: Route["method"],
  path: string,
  summary: string,
  { status = 200, body, query, run }: Spec<B, Q>,
): Route {
  return {
    method,
    path,
    summary,
    status,
    body,
    query: query ?? schemas.emptyQuery,
    run: async (call) => {
      const parsedQuery = parseQuery(call.url, (query ?? schemas.emptyQuery) as z.ZodType<Q>);
      const parsedBody = body === undefined ? (undefined as B) : await parseBody(call.request, body);
      return run(call, parsedBody, parsedQuery);
    },
  };
}

const pool = "/v1/pools/:pool";
const agent = `${pool}/agents/:agent`;
const reservation = `${pool}/reservations/:id`;

export const routes: readonly Route[] = [
  route("GET", "/v1/pools", "The tenant's pools, by name", {
    query: schemas.poolsQuery,
    run: async (call, _, { after = "", limit = 100 }) =>
      given(await call.tenant((tenant) => tenant.pools(after, limit))),
  }),
  route("PUT", pool, "Create a pool, or change its settings", {
    body: schemas.configureBody,
    run: async (call, { location_hint, ...settings }) => {
      const name = call.param("pool");
      const listed = await call.tenant((tenant) => tenant.addPool(name));
      if (!listed.ok) return listed;
      return first(await call.pool((stub) => stub.run([{ op: "configure", ...settings }]), location_hint));
    },
  }),
  route("GET", pool, "A pool's settings and totals", { run: (call) => call.pool((stub) => stub.settings()) }),
  route("DELETE", pool, "Delete a pool and its journal", {
    query: schemas.removeQuery,
    run: async (call, _, { force }) => {
      const name = call.param("pool");
      const removed = await call.pool((stub) => stub.remove(force === "true"));
      if (removed.ok) await call.tenant((tenant) => tenant.removePool(name));
      return removed;
    },
  }),
  route("POST", `${pool}/funds`, "Grow or shrink a pool's budget", {
    status: 201,
    body: schemas.fundBody,
    run: (call, { id, ...fund }) => call.run({ op: "fund", ...fund, id: call.idFor(id) }),
  }),
  route("PUT", agent, "Register an agent, or change its contract", {
    body: schemas.registerBody,
    run: (call, contract) => call.run({ op: "register", ...contract, agent: call.param("agent") }),
  }),
  route("GET", agent, "An agent's contract and ledger entry", {
    run: (call) => {
      const name = call.param("agent");
      return call.pool((stub) => stub.agent(name));
    },
  }),
  route("DELETE", agent, "Close an agent; it leaves when its reservations are settled", {
    run: (call) => call.run({ op: "close", agent: call.param("agent") }),
  }),
  route("POST", `${agent}/reopen`, "Open a closed confidence gate: a new task", {
    body: schemas.idBody,
    run: (call, { id }) => call.run({ op: "reopen", agent: call.param("agent"), id: call.idFor(id) }),
  }),
  route("POST", `${agent}/reset`, "Start a new period: nothing consumed, the contract's allocation again", {
    body: schemas.idBody,
    run: (call, { id }) => call.run({ op: "reset", agent: call.param("agent"), id: call.idFor(id) }),
  }),
  route("POST", `${pool}/reservations`, "Reserve budget before a call", {
    status: 201,
    body: schemas.reserveBody,
    run: (call, { id, wait_ms = 0, ...reserve }) => {
      const command = { op: "reserve", ...reserve, id: call.idFor(id) } as const;
      return call.pool((stub) => stub.reserve(command, wait_ms));
    },
  }),
  route("GET", reservation, "A reservation", {
    run: (call) => {
      const id = call.param("id");
      return call.pool((stub) => stub.reservation(id));
    },
  }),
  route("POST", `${reservation}/commit`, "Book what the call really used", {
    body: schemas.commitBody,
    run: (call, commit) => call.run({ op: "commit", ...commit, id: call.param("id") }),
  }),
  route("POST", `${reservation}/release`, "Give a reservation back", {
    body: schemas.emptyBody,
    run: (call) => call.run({ op: "release", id: call.param("id") }),
  }),
  route("POST", `${reservation}/extend`, "Move the end of a reservation's lease", {
    body: schemas.extendBody,
    run: (call, extend) => call.run({ op: "extend", ...extend, id: call.param("id") }),
  }),
  route("POST", `${pool}/usage`, "Record exact usage without a reservation", {
    status: 201,
    body: schemas.recordBody,
    run: (call, { id, ...record }) => call.run({ op: "record", ...record, id: call.idFor(id) }),
  }),
  route("POST", `${pool}/reallocations`, "Move spare budget to an agent, or plan it with dry_run", {
    body: schemas.reallocateBody,
    run: (call, { id, ...reallocate }) => call.run({ op: "reallocate", ...reallocate, id: call.idFor(id) }),
  }),
  route("GET", `${pool}/report`, "Every agent's ledger entry", { run: (call) => call.pool((stub) => stub.report()) }),
  route("POST", `${pool}/batch`, "Run commands in order, each with its own outcome", {
    body: schemas.batchBody,
    run: async (call, { commands }) => {
      const outcomes = await call.pool((stub) => stub.run(commands));
      return given({ results: outcomes.map((outcome, index) => batchResult(outcome, commands[index]?.op ?? "")) });
    },
  }),
  route("GET", `${pool}/journal`, "A page of the pool's events", {
    query: schemas.journalQuery,
    run: (call, _, { after = 0, limit = limits.journalPage }) => call.pool((stub) => stub.journal(after, limit)),
  }),
  route("GET", `${pool}/audit`, "Fold the journal again and compare it with memory", {
    run: (call) => call.pool((stub) => stub.audit()),
  }),
];

function given(result: unknown): Given {
  return { ok: true, result };
}

function first(outcomes: readonly Outcome[]): Outcome {
  const [outcome] = outcomes;
  if (outcome === undefined) throw new Error("the pool gave no outcome");
  return outcome;
}

/** Each command's answer, with the status that its own route would have given. */
function batchResult(outcome: Outcome, op: string) {
  if (!outcome.ok) {
    const problem = refusalProblem(outcome.refusal);
    return { status: problem.status, problem };
  }
  const created = op === "reserve" || op === "record" || op === "fund";
  return { status: created ? 201 : 200, result: outcome.result };
}
