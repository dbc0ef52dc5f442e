/**
 * Problems as the providers say them, so that their SDKs raise their own errors, and their retry loops end: a refusal
 * is 402 and says that repeating is no use.
 */
import { problemResponse } from "../http/problems.ts";
import type { Provider } from "../pricing/table.ts";
import type { Problem } from "../protocol/problems.ts";

/** The problem in the provider's shape; Bursar's own stands beside it, as `bursar`. */
export function showAs(provider: Provider): (problem: Problem) => Response {
  return (problem) => {
    const message = problem.status === 402 ? `Budget exhausted: ${problem.detail}` : problem.detail;
    const error = provider === "openai" ? openAi(problem, message) : anthropic(problem, message);
    const { headers } = problemResponse(problem);
    headers.set("content-type", "application/json");
    if (problem.status < 500 && problem.status !== 429) headers.set("x-should-retry", "false");
    return new Response(JSON.stringify({ ...error, bursar: problem }), { status: problem.status, headers });
  };
}

function openAi({ status, code, errors }: Problem, message: string): object {
  // LangChain and others stop at this code without asking the status.
  const [type, known] =
    status === 402
      ? ["insufficient_quota", "insufficient_quota"]
      : status === 401
        ? ["invalid_request_error", "invalid_api_key"]
        : [status < 500 ? "invalid_request_error" : "server_error", code];
  return { error: { message, type, code: known, param: fieldOf(errors) } };
}

function anthropic({ status }: Problem, message: string): object {
  return { type: "error", error: { type: anthropicType(status), message } };
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
function fieldOf(errors: unknown): string | null {
  const [first] = Array.isArray(errors) ? errors : [];
  const field: unknown = first?.field;
  return typeof field === "string" && field !== "" ? field.replace(/^\//, "").replaceAll("/", ".") : null;
}
