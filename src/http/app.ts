/** The edge: finds the route, lets nobody in without a key, and turns whatever comes back into a response. */
import { type Context, Hono } from "hono";
import type { Env } from "../env.ts";
import { type Problem, refusalProblem } from "../protocol/problems.ts";
import { name } from "../protocol/schemas.ts";
import { stackOf } from "../protocol/stack.ts";
import { authenticate, type Principal } from "./auth.ts";
import { Call } from "./call.ts";
import { preflight, secure, shareWith } from "./headers.ts";
import { log } from "./log.ts";
import { DoorError, doorProblem, invalid, problemResponse } from "./problems.ts";
import { type Route, routes } from "./routes.ts";

type App = { Bindings: Env };

/** What a handler gives back: a response that is a success, or a problem. */
type Answered = Response | Problem;

export function createApp(): Hono<App> {
  const app = new Hono<App>();
  app.get("/healthz", (context) => handle(context, "/healthz", async () => json({ status: "ok" }, 200)));
  for (const route of routes)
    app.on(route.method, route.path, (context) => handle(context, route.path, (on) => ask(route, context, on)));
  for (const [path, methods] of methodsByPath()) {
    app.all(path, (context) => handle(context, path, async () => methodNotAllowed(context, methods)));
  }
  app.notFound((context) =>
    handle(context, "", async () => {
      throw new DoorError("route_not_found", "There is no such route; docs/protocol.md lists them.");
    }),
  );
  app.onError((error, context) =>
    handle(context, "", async () => {
      throw error;
    }),
  );
  return app;
}

async function ask(route: Route, context: Context<App>, learn: (principal: Principal) => void): Promise<Answered> {
  const { env } = context;
  const principal = await authenticate(context.req.raw, env);
  learn(principal);
  await mustNotHurry(principal, env);
  const given = await route.run(new Call(context.req.raw, env, principal, context.req.param()));
  if (given instanceof Response) return given;
  return given.ok ? json(given.result, route.status) : refusalProblem(given.refusal);
}

/** A shield before the objects: per key and place, not exact, and not for accounting. */
async function mustNotHurry(principal: Principal, { KEY_RATE }: Env): Promise<void> {
  if (KEY_RATE === undefined) return;
  const key = principal.kind === "operator" ? "operator" : principal.capability.key_id;
  // A shield that is broken lets through: good requests must not fail with it.
  const { success } = await KEY_RATE.limit({ key }).catch(() => ({ success: true }));
  if (!success) throw new DoorError("rate_limited", "This key sends more requests than a pool can take. Slow down.");
}

/** Runs a handler: gives the request its id, turns what is thrown into a problem, adds the headers, logs. */
async function handle(
  context: Context<App>,
  route: string,
  run: (learn: (principal: Principal) => void) => Promise<Answered>,
): Promise<Response> {
  const began = Date.now();
  const requestId = crypto.randomUUID();
  let principal: Principal | undefined;
  let error: unknown;
  let answered: Answered;
  try {
    mustHavePlainHost(context.req.raw);
    answered = await run((known) => {
      principal = known;
    });
  } catch (thrown) {
    const known = thrown instanceof DoorError;
    if (!known) error = thrown;
    answered = doorProblem(
      known ? thrown : new DoorError("internal_error", "This is a defect of Bursar's. Report the x-request-id."),
    );
  }
  const problem = answered instanceof Response ? undefined : answered;
  const response = answered instanceof Response ? answered : problemResponse(answered);
  const capability = principal?.kind === "key" ? principal.capability : undefined;
  const { env } = context;
  log(
    {
      event: error === undefined ? "request" : "internal_error",
      request_id: requestId,
      method: context.req.method,
      route,
      status: response.status,
      code: problem?.code,
      tenant: capability?.tenant,
      key_id: capability?.key_id,
      pool: capability === undefined ? undefined : nameOrNot(context.req.param("pool")),
      duration_ms: Date.now() - began,
      error: error instanceof Error ? error.name : undefined,
      stack: stackOf(error),
    },
    env.BURSAR_LOG,
  );
  // A session's answer is the connection itself; its headers are the pool's.
  if (response.status === 101) return response;
  return shareWith(secure(response, requestId), context.req.header("origin") ?? null, env.BURSAR_CORS_ORIGINS);
}

/** workerd puts the URL together from the Host header: one that is more than a host would choose the route. */
function mustHavePlainHost(request: Request): void {
  const [, host = ""] = /^https?:\/\/([^/]*)\//.exec(request.url) ?? [];
  const given = request.headers.get("host") ?? host;
  const isPlain = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(given);
  if (!isPlain || !URL.canParse(request.url)) throw invalid("Host", "is not a host");
}

/** What stands in a name's place may be anything, a whole key too; only a name is logged. */
function nameOrNot(text: string | undefined): string | undefined {
  return name.safeParse(text).success ? text : undefined;
}

function json(result: unknown, status: number): Response {
  return new Response(JSON.stringify(result), { status, headers: { "content-type": "application/json" } });
}

function methodsByPath(): Map<string, string> {
  const methods = new Map<string, string>();
  for (const { path, method } of routes) {
    const others = methods.get(path);
    methods.set(path, others === undefined ? method : `${others}, ${method}`);
  }
  return methods;
}

function methodNotAllowed(context: Context<App>, methods: string): Response {
  const asked = context.req.method === "OPTIONS" && context.req.header("access-control-request-method") !== undefined;
  const allowed = asked ? preflight(context.req.header("origin") ?? null, context.env.BURSAR_CORS_ORIGINS) : undefined;
  if (allowed !== undefined) return allowed;
  const response = problemResponse(doorProblem(new DoorError("method_not_allowed", `This route takes ${methods}.`)));
  response.headers.set("allow", methods);
  return response;
}
