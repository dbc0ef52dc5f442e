/** The edge: finds the route, lets nobody in without a name, and turns whatever comes back into a response. */
import { Hono } from "hono";
import type { Env } from "../env.ts";
import { authenticate } from "./auth.ts";
import { Call, type Given } from "./call.ts";
import { DoorError, doorProblem, problemResponse, refusalProblem } from "./problems.ts";
import { type Route, routes } from "./routes.ts";

export function createApp(): Hono<{ Bindings: Env }> {
  const app = new Hono<{ Bindings: Env }>();
  app.get("/healthz", () => answer({ status: "ok" }, 200, crypto.randomUUID()));
  for (const route of routes) {
    app.on(route.method, route.path, (context) => respond(context.req.raw, context.env, route, context.req.param()));
  }
  for (const [path, methods] of methodsByPath()) {
    app.all(path, (context) => respondWith(context.req.raw, async () => methodNotAllowed(methods)));
  }
  app.notFound((context) =>
    respondWith(context.req.raw, async () => {
      throw new DoorError("route_not_found", "There is no such route; docs/protocol.md lists them.");
    }),
  );
  app.onError((error, context) =>
    respondWith(context.req.raw, async () => {
      throw error;
    }),
  );
  return app;
}

function respond(
  request: Request,
  env: Env,
  route: Route,
  params: Readonly<Record<string, string>>,
): Promise<Response> {
  return respondWith(request, async (requestId) => {
    const principal = authenticate(request, env);
    const given: Given = await route.run(new Call(request, env, principal, params));
    return given.ok
      ? answer(given.result, route.status, requestId)
      : problemResponse(refusalProblem(given.refusal), requestId);
  });
}

/** Gives the request its id, and turns what is thrown into a problem: a defect of ours tells the caller nothing. */
async function respondWith(request: Request, run: (requestId: string) => Promise<Response>): Promise<Response> {
  const requestId = crypto.randomUUID();
  try {
    const response = await run(requestId);
    response.headers.set("x-request-id", requestId);
    return response;
  } catch (error) {
    const known = error instanceof DoorError;
    if (!known) {
      const { pathname } = new URL(request.url);
      const reason = error instanceof Error ? { name: error.name, stack: error.stack } : { name: typeof error };
      console.error(
        JSON.stringify({ event: "internal_error", request_id: requestId, method: request.method, pathname, ...reason }),
      );
    }
    const problem = known
      ? error
      : new DoorError("internal_error", "This is a defect of Bursar's. Report the request_id.");
    const response = problemResponse(doorProblem(problem), requestId);
    response.headers.set("x-request-id", requestId);
    return response;
  }
}

function answer(result: unknown, status: number, requestId: string): Response {
  return new Response(JSON.stringify(result), {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store", "x-request-id": requestId },
  });
}

function methodsByPath(): Map<string, string> {
  const methods = new Map<string, string>();
  for (const { path, method } of routes) {
    const others = methods.get(path);
    methods.set(path, others === undefined ? method : `${others}, ${method}`);
  }
  return methods;
}

function methodNotAllowed(methods: string): Response {
  const problem = new DoorError("method_not_allowed", `This route takes ${methods}.`);
  const response = problemResponse(doorProblem(problem), "");
  response.headers.set("allow", methods);
  return response;
}
