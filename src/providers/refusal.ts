/**
 * A problem of Bursar's as the providers say theirs, so that their SDKs raise their own errors, and retry loops end.
 * Bursar's own document stands beside it, as `bursar`.
 */
import { fieldOf } from "./shape.ts";

/** As much as is needed of a problem document. */
type Problem = {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly [fact: string]: unknown;
};

/** The body of an error in the provider's shape. */
export function errorBody(provider: "openai" | "anthropic", problem: Problem): object {
  const message = problem.code === "budget_exceeded" ? `Budget exhausted: ${problem.detail}` : problem.detail;
  const error = provider === "openai" ? openAi(problem, message) : anthropic(problem, message);
  return { ...error, bursar: problem };
}

function openAi({ status, code, errors }: Problem, message: string): object {
  // LangChain and others stop at this code without asking the status.
  const [type, known] =
    status === 402
      ? ["insufficient_quota", "insufficient_quota"]
      : status === 401
        ? ["invalid_request_error", "invalid_api_key"]
        : [status < 500 ? "invalid_request_error" : "server_error", code];
  return { error: { message, type, code: known, param: firstField(errors) } };
}

function anthropic({ status, errors }: Problem, message: string): object {
  const error = { type: anthropicType(status), message };
  // The SDK's tool runner goes on without a thread where the provider says that it has none, and how it says so.
  if (firstField(errors) !== "thread") return { type: "error", error };
  const details = { error_code: "thread_unsupported_request", unsupported: ["thread"] };
  return { type: "error", error: { ...error, details } };
}

function anthropicType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    default:
      return status < 500 ? "invalid_request_error" : "api_error";
  }
}

/** The first field at fault, as OpenAI names it: without the slash. */
function firstField(errors: unknown): string | null {
  const [first] = Array.isArray(errors) ? errors : [];
  const field = fieldOf(first, "field");
  return typeof field === "string" && field !== "" ? field.replace(/^\//, "").replaceAll("/", ".") : null;
}
