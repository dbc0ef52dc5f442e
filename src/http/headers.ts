/** Headers that every answer carries, and those that let a browser of an allowed origin in. */

/** What a browser may do with an answer of the API: nothing but read it. */
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

/** Origins of BURSAR_CORS_ORIGINS. `*` is not taken: a key in any page would be everyone's key. */
export function allowedOrigins(setting: string | undefined): readonly string[] {
  return (setting ?? "")
    .split(",")
    .map((origin) => origin.trim())
    .filter((origin) => /^https?:\/\/[^/*]+$/.test(origin));
}

/** Adds what lets the page at `origin` read the answer. What is set is our own list's text, never the request's. */
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

/** The answer to a browser that asks before it sends, if its origin is allowed. */
export function preflight(origin: string | null, setting: string | undefined): Response | undefined {
  if (!allowedOrigins(setting).some((one) => one === origin)) return undefined;
  const response = new Response(null, { status: 204 });
  response.headers.set("access-control-allow-methods", "GET, PUT, POST, DELETE");
  response.headers.set("access-control-allow-headers", "authorization, content-type, idempotency-key");
  response.headers.set("access-control-max-age", "600");
  return response;
}
