/**
 * Wraps every request: gives it an id, turns what is thrown into a response, and logs one line. The caller says how a problem
 * looks and which headers are added, because the API and the gateway differ in both.
 */
import type { Env } from "../env.ts";
import { nameSchema } from "../protocol/common.wire.ts";
import type { Problem } from "../protocol/problems.ts";
import { stackOf } from "../protocol/stack.ts";
import type { Principal } from "./auth.ts";
import { type Entry, log } from "./log.ts";
import { ApiError, apiProblem, invalid } from "./problems.ts";
import { traceRequest } from "./trace.ts";

/** What a handler returns: a successful response, or a problem. */
export type Reply = Response | Problem;

/** What the log says of a request, filled in on its way. */
export type LogContext = { principal?: Principal; pool?: string | undefined };

export type Handled = {
  readonly request: Request;
  readonly env: Env;
  /** The route's pattern, for the log. */
  readonly route: string;
  readonly run: (logged: LogContext) => Promise<Reply>;
  /** Turns a problem into a response. */
  readonly show: (problem: Problem) => Response;
  /** Adds the headers of every response. */
  readonly finish: (response: Response, requestId: string) => Response;
};

export async function handle({ request, env, route, run, show, finish }: Handled): Promise<Response> {
  const began = Date.now();
  const requestId = crypto.randomUUID();
  const logged: LogContext = {};
  let error: unknown;
  let reply: Reply;
  try {
    mustHavePlainHost(request);
    reply = await run(logged);
  } catch (thrown) {
    const known = thrown instanceof ApiError;
    if (!known) error = thrown;
    reply = apiProblem(known ? thrown : new ApiError("internal_error", "Internal error. Report the request id."));
  }
  const problem = reply instanceof Response ? undefined : reply;
  const response = reply instanceof Response ? reply : show(reply);
  const capability = logged.principal?.kind === "key" ? logged.principal.capability : undefined;
  const entry: Entry = {
    event: error === undefined ? "request" : "internal_error",
    request_id: requestId,
    method: request.method,
    route,
    status: response.status,
    code: problem?.code,
    tenant: capability?.tenant,
    key_id: capability?.key_id,
    pool: capability === undefined ? undefined : nameOrNot(logged.pool),
    duration_ms: Date.now() - began,
    error: error instanceof Error ? error.name : undefined,
    stack: stackOf(error),
  };
  log(entry, env.BURSAR_LOG);
  traceRequest(entry);
  // The response to a session is the connection itself; its headers are the pool's.
  return response.status === 101 ? response : finish(response, requestId);
}

/** Throws `rate_limited` where a key exceeds the platform's rate limit: per location and approximate, to protect the objects. */
export async function enforceRateLimit(principal: Principal, { KEY_RATE }: Env): Promise<void> {
  if (KEY_RATE === undefined) return;
  const key = principal.kind === "operator" ? "operator" : principal.capability.key_id;
  // Fails open: if the rate limiter is down, requests must not fail with it.
  const { success } = await KEY_RATE.limit({ key }).catch(() => ({ success: true }));
  if (!success) throw new ApiError("rate_limited", "This key sends more requests than a pool can take. Slow down.");
}

/** workerd builds the URL from the Host header, so a Host with a path in it could choose the route. */
function mustHavePlainHost(request: Request): void {
  const [, host = ""] = /^https?:\/\/([^/]*)\//.exec(request.url) ?? [];
  const given = request.headers.get("host") ?? host;
  const isPlain = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(given);
  if (!isPlain || !URL.canParse(request.url)) throw invalid("Host", "is not a host");
}

/** Only valid names are logged: what stands in a name's place may be anything, even a key. */
function nameOrNot(text: string | undefined): string | undefined {
  return nameSchema.safeParse(text).success ? text : undefined;
}
