/**
 * The gateway: an unmodified SDK of OpenAI's, Anthropic's or Google's, pointed here, is governed. Finds the route, knows the
 * caller, and passes calls to `call.ts`; whatever goes wrong is said in the provider's own dialect.
 */

import { outputDefault } from "../calls/bound.ts";
import { KeptSizes } from "../calls/kept-sizes.ts";
import type { Env } from "../env.ts";
import { enforceRateLimit, handle, type LogContext } from "../http/handle.ts";
import { secure } from "../http/headers.ts";
import { ApiError } from "../http/problems.ts";
import { withRetry } from "../http/retry.ts";
import { numberOf } from "../http/settings.ts";
import { tenantId } from "../objects.ts";
import { limits } from "../protocol/limits.ts";
import { type Problem, refusalProblem } from "../protocol/problems.ts";
import { upstreamOfPath } from "../providers/upstreams.ts";
import { parseCall, parseQuestion } from "./body.ts";
import { callModel } from "./call.ts";
import { type Credentials, credentialsOf, spenderOf } from "./credentials.ts";
import { showAs } from "./dialect.ts";
import { numberIn } from "./options.ts";
import { errorAnswer } from "./redaction.ts";
import { type GatewayRoute, routeOf } from "./routes.ts";
import { CallTrace } from "./trace.ts";
import { incomingHeaders, mustBeAnswer, outgoingRequest, upstreamFailed, addressOf } from "./upstream.ts";

/** Answers a request whose path, as it was sent, is the gateway's. */
export function gateway(
  request: Request,
  pathname: string,
  env: Env,
  context: Pick<ExecutionContext, "waitUntil">,
): Promise<Response> {
  const route = routeOf(request.method, pathname);
  let pool: string | undefined;
  return handle({
    request,
    env,
    route: typeof route === "string" ? "" : route.pattern,
    run: (learned) => {
      const learnt = run(request, env, context, route, learned);
      return learnt.finally(() => (pool = learned.pool));
    },
    show: showAs(upstreamOfPath(pathname)?.errors ?? "openai", request, () => pool),
    finish,
  });
}

async function run(
  request: Request,
  env: Env,
  context: Pick<ExecutionContext, "waitUntil">,
  route: ReturnType<typeof routeOf>,
  learned: LogContext,
): Promise<Response | Problem> {
  if (request.headers.get("upgrade")?.toLowerCase() === "websocket")
    throw new ApiError("upgrade_required", "The gateway takes no WebSocket. Send the same call as a POST.");
  if (route === "route_not_found")
    throw new ApiError(route, "There is no such route; docs/reference/gateway.md lists them.");
  if (route === "method_not_allowed")
    throw new ApiError(route, "This route takes another method; docs/reference/gateway.md.");
  const credentials = await credentialsOf(request, route.upstream, env, (principal) => {
    learned.principal = principal;
  });
  await enforceRateLimit({ kind: "key", capability: credentials.capability }, env);
  const upstream = addressOf(route.upstream, env);
  if (route.dialect === undefined) return ask(request, env, route, credentials, upstream);
  const found = spenderOf(request, credentials.capability);
  if (!found.ok) return refusalProblem(found.refusal);
  const spender = found.result;
  learned.pool = spender.pool;
  const scope = `${credentials.capability.tenant}/${spender.pool}`;
  const asked = await parseCall(request, route.dialect, route.call, (id) => keptSizes.of(scope, id));
  const waitUntil = (promise: Promise<unknown>): void => context.waitUntil(promise);
  const otherwise = numberIn(request, "x-bursar-max-output", limits.amount) ?? outputDefault(asked.model);
  const waitMs = numberIn(request, "x-bursar-wait-ms", limits.waitMs) ?? 0;
  const limit = asked.limit ?? otherwise;
  const { provider, dialect } = route;
  const { model, isStreaming } = asked;
  const made = CallTrace.of({ provider, dialect, model, isStreaming, limit, ...spender }, (trace) =>
    callModel({
      env,
      request,
      route,
      credentials,
      spender,
      asked,
      limit,
      waitMs,
      upstream,
      waitUntil,
      trace,
      keep: (meter, ending) => keptSizes.remember(scope, meter, ending),
    }),
  );
  // It runs to its end by itself: a caller that goes must not take the end along.
  waitUntil(made.catch(() => undefined));
  return made;
}

/** What the providers keep of this isolate's answers. */
const keptSizes = new KeptSizes();

/** Passes a question on that costs nothing: which models there are, how many tokens a prompt has. */
async function ask(
  request: Request,
  env: Env,
  route: GatewayRoute,
  credentials: Credentials,
  upstream: string,
): Promise<Response | Problem> {
  const { tenant, jurisdiction, key_id, agent = null, expires_at = null } = credentials.capability;
  const id = tenantId(env, tenant, jurisdiction);
  const refusal = await withRetry(() => env.TENANTS.get(id).standing({ key_id, agent, expires_at }));
  if (refusal !== null) return refusalProblem(refusal);
  const body = route.method === "POST" ? await parseQuestion(request) : undefined;
  const signal = AbortSignal.timeout(numberOf(env, "BURSAR_GATEWAY_SILENCE_MS", limits.gatewaySilenceMs));
  const outgoing = outgoingRequest({ route, credentials, request, body, upstream });
  const response = await fetch(outgoing, { signal }).catch(() => {
    throw upstreamFailed(route.upstream, "can't be reached");
  });
  await mustBeAnswer(response, route.upstream, credentials);
  const headers = incomingHeaders(response.headers, credentials);
  if (!response.ok) return errorAnswer(response, headers, route.upstream, credentials);
  return new Response(response.body, { status: response.status, headers });
}

/** The provider's own id stays where its SDK looks for it; ours stands beside it. */
function finish(response: Response, requestId: string): Response {
  const theirs = response.headers.get("x-request-id");
  const answer = secure(response, requestId);
  answer.headers.set("x-bursar-request-id", requestId);
  if (theirs === null) answer.headers.delete("x-request-id");
  else answer.headers.set("x-request-id", theirs);
  return answer;
}
