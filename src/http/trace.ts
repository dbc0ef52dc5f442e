/**
 * What the platform's own span of a request says besides: the route, whose it was, and how it ended. Costs nothing
 * where a request isn't traced. The platform exports spans (docs/reference/metrics.md); nothing here sends anything.
 */
import { tracing } from "cloudflare:workers";
import type { Entry } from "./log.ts";

/** Adds what is logged of a request to its span, and nothing else. */
export function traceRequest({ method, route, request_id, tenant, pool, code, error }: Entry): void {
  const span = tracing.getActiveSpan();
  if (span?.isTraced !== true) return;
  // Names of spans are grouped by: a pattern, never a path with a pool's name in it.
  if (route !== "") span.updateName(`${method} ${route}`);
  span.setAttributes({
    "http.route": route === "" ? undefined : route,
    "bursar.request.id": request_id,
    "bursar.tenant": tenant,
    "bursar.pool": pool,
    "error.type": error ?? code,
  });
}
