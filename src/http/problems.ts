/** Problems of the edge on their way out: thrown wherever they are met, and made into responses in one place. */
import { type ApiErrorCode, type Problem, problemOf } from "../protocol/problems.ts";

/** A problem to answer with: thrown, because it ends the request wherever it is found. */
export class ApiError extends Error {
  readonly code: ApiErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ApiErrorCode, detail: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(detail);
    this.code = code;
    this.facts = facts;
  }
}

/** A body or query that is not what the route takes; `field` is a JSON pointer, or a parameter's name. */
export function invalid(field: string, message: string): ApiError {
  return new ApiError("invalid_request", `${field === "" ? "The body" : field} ${message}.`, {
    errors: [{ field, message }],
  });
}

export function apiProblem({ code, message, facts }: ApiError): Problem {
  return problemOf(code, message, facts);
}

/** A feature of a provider's that can't be governed; `field` is a JSON pointer. */
export function unsupported(field: string, message: string): ApiError {
  return new ApiError("unsupported_feature", `${field} ${message}.`, { errors: [{ field, message }] });
}

/**
 * The problem as a response. 429 and 503 say when to come back, in whole seconds. What names the request stands in the
 * header alone: the body of a pool that isn't there and that of a stranger's are the same to the byte.
 */
export function problemResponse(body: Problem): Response {
  const headers = new Headers({ "content-type": "application/problem+json" });
  if (body.status === 429 || body.status === 503) headers.set("retry-after", body.code === "rate_limited" ? "10" : "1");
  if (body.status === 401) headers.set("www-authenticate", "Bearer");
  return new Response(JSON.stringify(body), { status: body.status, headers });
}
