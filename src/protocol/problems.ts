/** Problem documents (RFC 9457): every answer that is not a success, with a stable `code` and the facts beside it. */
import { isTransient, type Refusal, type RefusalCode, refusalStatus, sentenceOf } from "./refusals.ts";

/** Errors of the API itself, before any pool is asked, and their statuses. */
const apiErrors = {
  invalid_request: 400,
  unauthorized: 401,
  forbidden: 403,
  route_not_found: 404,
  method_not_allowed: 405,
  body_too_large: 413,
  unsupported_media_type: 415,
  /** Of the gateway: it takes no WebSocket where a provider would. */
  upgrade_required: 426,
  /** The gateway does not forward what it can't bound. */
  unsupported_feature: 400,
  /** The provider did not answer, or not as it should. */
  upstream_failed: 502,
  rate_limited: 429,
  misconfigured: 503,
  unavailable: 503,
  overloaded: 503,
  internal_error: 500,
} as const;

export type ApiErrorCode = keyof typeof apiErrors;
export const apiErrorCodes = Object.keys(apiErrors) as ApiErrorCode[];
type Code = RefusalCode | ApiErrorCode;
type Status = ReturnType<typeof refusalStatus> | (typeof apiErrors)[ApiErrorCode];

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: Code;
  readonly [fact: string]: unknown;
};

export function statusOf(code: Code): Status {
  return isApiError(code) ? apiErrors[code] : refusalStatus(code);
}

function isApiError(code: Code): code is ApiErrorCode {
  return Object.hasOwn(apiErrors, code);
}

export function refusalProblem(refusal: Refusal): Problem {
  const { code, ...facts } = refusal;
  const problem = problemOf(code, sentenceOf(refusal), facts);
  // Clients repeat a 429 by themselves: only where waiting helps.
  return problem.status === 429 && !isTransient(refusal) ? { ...problem, status: 409 } : problem;
}

export function problemOf(code: Code, detail: string, facts: Readonly<Record<string, unknown>> = {}): Problem {
  const title = code.replaceAll("_", " ");
  return { type: `urn:bursar:problem:${code}`, title, status: statusOf(code), detail, code, ...facts };
}
