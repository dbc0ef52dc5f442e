/** The edge: routes requests, authenticates them, and turns results and refusals into responses. */
import { type Context, Hono } from "hono";
import type { Env } from "../env.ts";
import { refusalProblem } from "../protocol/problems.ts";
import { authenticate, type Principal } from "./auth.ts";
import { enforceRateLimit, handle, type Reply } from "./handle.ts";
import { preflight, secure, shareWith } from "./headers.ts";
import { ApiError, apiProblem, problemResponse } from "./problems.ts";
import { RequestContext } from "./request-context.ts";
import { type Route, routes } from "./routes.ts";
import { mustBeConfigured, wrongSettings } from "./settings.ts";

type App = { Bindings: Env };

export function createApp(): Hono<App> {
  const app = new Hono<App>();
  app.get("/healthz", (context) => handled(context, "/healthz", async () => health(context.env)));
  app.get("/", (context) => handled(context, "/", async () => frontDoor(context.env)));
  for (const route of routes)
    app.on(route.method, route.path, (context) => handled(context, route.path, (on) => ask(route, context, on)));
  for (const [path, methods] of methodsByPath()) {
    app.all(path, (context) => handled(context, path, async () => methodNotAllowed(context, methods)));
  }
  app.notFound((context) =>
    handled(context, "", async () => {
      throw new ApiError("route_not_found", "There is no such route; /docs lists them.");
    }),
  );
  app.onError((error, context) =>
    handled(context, "", async () => {
      throw error;
    }),
  );
  return app;
}

/** The health check: which settings can't be used. Throws a 503 while a required one is missing. */
function health(env: Env): Response {
  mustBeConfigured(env);
  const errors = wrongSettings(env);
  return json(errors.length === 0 ? { status: "ok" } : { status: "degraded", errors }, 200);
}

/** Redirects a browser to the dashboard, once the Worker is configured. */
function frontDoor(env: Env): Response {
  mustBeConfigured(env);
  return new Response(null, { status: 302, headers: { location: "/dashboard/" } });
}

async function ask(route: Route, context: Context<App>, setPrincipal: (principal: Principal) => void): Promise<Reply> {
  const { env } = context;
  const principal = await authenticate(context.req.raw, env);
  setPrincipal(principal);
  await enforceRateLimit(principal, env);
  const given = await route.run(
    new RequestContext(context.req.raw, env, principal, context.req.param(), later(context)),
  );
  if (given instanceof Response) return given;
  return given.ok ? json(given.result, route.status) : refusalProblem(given.refusal);
}

/** `waitUntil`: lets a promise run on after the response. Without an execution context (in a test) it runs all the same. */
function later(context: Context<App>): (promise: Promise<unknown>) => void {
  return (promise) => {
    try {
      context.executionCtx.waitUntil(promise);
    } catch {
      promise.catch(() => undefined);
    }
  };
}

/** Runs a handler, with the API's problems and headers. */
function handled(
  context: Context<App>,
  route: string,
  run: (setPrincipal: (principal: Principal) => void) => Promise<Reply>,
): Promise<Response> {
  const { env } = context;
  return handle({
    request: context.req.raw,
    env,
    route,
    run: (logged) => {
      logged.pool = context.req.param("pool");
      return run((principal) => {
        logged.principal = principal;
      });
    },
    show: problemResponse,
    finish: (response, requestId) =>
      shareWith(secure(response, requestId), context.req.header("origin") ?? null, env.BURSAR_CORS_ORIGINS),
  });
}

function json(result: unknown, status: number): Response {
  return new Response(JSON.stringify(result), { status, headers: { "content-type": "application/json" } });
}

function methodsByPath(): Map<string, string> {
  const methods = new Map([
    ["/", "GET"],
    ["/healthz", "GET"],
  ]);
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
  const response = problemResponse(apiProblem(new ApiError("method_not_allowed", `This route takes ${methods}.`)));
  response.headers.set("allow", methods);
  return response;
}
