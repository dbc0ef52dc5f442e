/** Security headers of every response, and CORS. */

/** A browser may do nothing with a response of the API but read it. */
const fixed = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

export function secure(response: Response, requestId: string): Response {
  for (const [name, value] of Object.entries(fixed)) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  response.headers.set("x-request-id", requestId);
  return response;
}

/** The origins of BURSAR_CORS_ORIGINS. `*` is not accepted: any page could then use a key that a browser has. */
export function allowedOrigins(setting: string | undefined): readonly string[] {
  return (setting ?? "")
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => /^https?:\/\/[^/*]+$/.test(origin));
}

/** Adds the CORS headers for an allowed `origin`. The value comes from the configured list, never from the request. */
export function shareWith(response: Response, origin: string | null, setting: string | undefined): Response {
  const origins = allowedOrigins(setting);
  if (origins.length === 0) return response;
  response.headers.append("vary", "Origin");
  const allowed = origins.find((one) => one === origin);
  if (allowed === undefined) return response;
  response.headers.set("access-control-allow-origin", allowed);
  response.headers.set("access-control-expose-headers", "retry-after, x-request-id");
  return response;
}

/** The response to a CORS preflight, if its origin is allowed. */
export function preflight(origin: string | null, setting: string | undefined): Response | undefined {
  if (!allowedOrigins(setting).some((one) => one === origin)) return undefined;
  const response = new Response(null, { status: 204 });
  response.headers.set("access-control-allow-methods", "GET, PUT, POST, DELETE");
  response.headers.set("access-control-allow-headers", "authorization, content-type, idempotency-key");
  response.headers.set("access-control-max-age", "600");
  return response;
}
