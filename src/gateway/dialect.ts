/** Problems as the provider says its own; a refusal is 402 and says that repeating is no use. */
import { problemResponse } from "../http/problems.ts";
import type { Provider } from "../pricing/table.ts";
import type { Problem } from "../protocol/problems.ts";
import { errorBody } from "../providers/refusal.ts";

export function showAs(provider: Provider): (problem: Problem) => Response {
  return (problem) => {
    const { headers } = problemResponse(problem);
    headers.set("content-type", "application/json");
    if (problem.status < 500 && problem.status !== 429) headers.set("x-should-retry", "false");
    return new Response(JSON.stringify(errorBody(provider, problem)), { status: problem.status, headers });
  };
}
