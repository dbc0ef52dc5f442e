/** Problems as the provider says its own; a refusal says that repeating is no use. */
import { problemResponse } from "../http/problems.ts";
import type { Problem } from "../protocol/problems.ts";
import { errorBody, type ErrorShape, factHeaders } from "../providers/refusal.ts";

/** `pool` says whose budget it was, once that is known. */
export function showAs(
  shape: ErrorShape,
  request: Request,
  pool: () => string | undefined,
): (problem: Problem) => Response {
  return (problem) => {
    const { headers } = problemResponse(problem);
    headers.set("content-type", "application/json");
    if (problem.status < 500 && problem.status !== 429) headers.set("x-should-retry", "false");
    for (const [name, value] of Object.entries(factHeaders(problem))) headers.set(name, value);
    const body = errorBody(shape, problem, pool());
    return new Response(JSON.stringify(body), { status: statusFor(request, problem.status), headers });
  };
}

/**
 * Codex repeats a 402 five times, and shows what a 400 says after one request (seen with 0.171.0). Its refusals have the
 * status that stops it.
 */
function statusFor({ headers }: Request, status: number): number {
  const client = `${headers.get("originator") ?? ""} ${headers.get("user-agent") ?? ""}`;
  return status === 402 && /\bcodex/i.test(client) ? 400 : status;
}
