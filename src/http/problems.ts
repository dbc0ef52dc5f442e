/** Problems of the edge: thrown where they are found, and turned into responses in one place. */
import { type ApiErrorCode, type Problem, problemOf } from "../protocol/problems.ts";

/** A problem that ends the request wherever it is thrown. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ApiErrorCode, detail: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.code = code;
    this.facts = facts;
  }
}

/** A body or query that the route does not accept; `field` is a JSON pointer, or a parameter's name. */
export function invalid(field: string, message: string): ApiError {
  return new ApiError("invalid_request", `${field === "" ? "The body" : field} ${message}.`, {
    errors: [{ field, message }],
  });
}

export function apiProblem({ code, message, facts }: ApiError): Problem {
  return problemOf(code, message, facts);
}

/** A provider's feature that can't be governed; `field` is a JSON pointer. */
export function unsupported(field: string, message: string): ApiError {
  return new ApiError("unsupported_feature", `${field} ${message}.`, { errors: [{ field, message }] });
}

/**
 * The problem as a response (RFC 9457). 429 and 503 carry Retry-After, in whole seconds. The request id is in a header only:
 * the body for a pool that does not exist must equal the body for another tenant's pool, byte for byte.
 */
export function problemResponse(body: Problem): Response {
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (body.status === 429 || body.status === 503) headers.set("retry-after", body.code === "rate_limited" ? "10" : "1");
  if (body.status === 401) headers.set("www-authenticate", "Bearer");
  return new Response(JSON.stringify(body), { status: body.status, headers });
}
