/** Problem documents (RFC 9457): every answer that is not a success, with a stable `code` and the facts beside it. */
import { explain } from "./explain.ts";
import { isTransient, type Refusal, type RefusalCode } from "./refusals.ts";

/** Problems of the door itself, before any pool is asked. */
export type DoorCode =
  | "invalid_request"
  | "unauthorized"
  | "forbidden"
  | "route_not_found"
  | "method_not_allowed"
  | "body_too_large"
  | "unsupported_media_type"
  /** The gateway does not forward what it can't bound. */
  | "unsupported_feature"
  /** The provider did not answer, or not as it should. */
  | "upstream_failed"
  | "rate_limited"
  | "misconfigured"
  | "unavailable"
  | "overloaded"
  | "internal_error";

export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: RefusalCode | DoorCode;
  readonly [fact: string]: unknown;
};

/** Language models' SDKs retry 408, 409, 429 and 5xx by themselves: a refusal to spend is 402, so that they do not repeat it. */
export function statusOf(
  code: RefusalCode | DoorCode,
): 400 | 401 | 402 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 422 | 429 | 500 | 502 | 503 {
  switch (code) {
    case "invalid_request":
    case "unsupported_feature":
      return 400;
    case "unauthorized":
    case "key_revoked":
    case "key_expired":
      return 401;
    case "budget_exceeded":
    case "confidence_reached":
    case "agent_closing":
    case "paused":
    case "too_many_reserves":
    case "model_not_priced":
      return 402;
    case "forbidden":
      return 403;
    case "pool_not_found":
    case "agent_not_found":
    case "reservation_not_found":
    case "key_not_found":
    case "webhook_not_found":
    case "archive_not_found":
    case "price_not_found":
    case "tenant_not_found":
    case "route_not_found":
      return 404;
    case "method_not_allowed":
      return 405;
    case "reservation_settled":
    case "contract_conflict":
      return 409;
    case "id_too_old":
    case "journal_trimmed":
      return 410;
    case "body_too_large":
      return 413;
    case "unsupported_media_type":
      return 415;
    case "id_reused":
    case "unit_mismatch":
      return 422;
    case "limit_reached":
    case "rate_limited":
      return 429;
    case "damaged":
    case "internal_error":
      return 500;
    case "upstream_failed":
      return 502;
    case "misconfigured":
    case "unavailable":
    case "overloaded":
      return 503;
  }
}

export function refusalProblem(refusal: Refusal): Problem {
  const { code, ...facts } = refusal;
  const problem = problemOf(code, explain(refusal), facts);
  // Clients repeat a 429 by themselves: only where waiting helps.
  return code === "limit_reached" && !isTransient(refusal) ? { ...problem, status: 409 } : problem;
}

export function problemOf(
  code: RefusalCode | DoorCode,
  detail: string,
  facts: Readonly<Record<string, unknown>> = {},
): Problem {
  const title = code.replaceAll("_", " ");
  return { type: `urn:bursar:problem:${code}`, title, status: statusOf(code), detail, code, ...facts };
}
