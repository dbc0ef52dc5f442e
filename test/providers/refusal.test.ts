/** Problems as providers say theirs: what their SDKs make of the status and the code. */
import { describe, expect, it } from "vitest";
import { errorBody, factHeaders } from "../../src/providers/refusal.ts";

const problem = (status: number, code = "some_code", more: object = {}) => ({ status, code, detail: "Why.", ...more });

describe("a problem in OpenAI's shape", () => {
  it.each([
    [400, "invalid_request", "invalid_request_error", "invalid_request"],
    [401, "invalid_key", "invalid_request_error", "invalid_api_key"],
    [402, "confidence_reached", "insufficient_quota", "insufficient_quota"],
    [403, "forbidden", "invalid_request_error", "forbidden"],
    [499, "odd", "invalid_request_error", "odd"],
    [500, "internal_error", "server_error", "internal_error"],
    [503, "unavailable", "server_error", "unavailable"],
  ])("of status %i, %s, is %s, %s", (status, code, type, known) => {
    const given = problem(status, code);
    expect(errorBody("openai", given)).toEqual({
      error: { message: "Why.", type, code: known, param: null, bursar: { code, detail: "Why." } },
    });
  });

  it.each([
    [[{ field: "/messages/0/content" }], "messages.0.content"],
    [[{ field: "/model" }, { field: "/other" }], "model"],
    [[{ field: "plain" }], "plain"],
    [[{ field: "" }], null],
    [[{ field: 5 }], null],
    [[], null],
    ["none", null],
    [undefined, null],
  ])("names the first field at fault: %j is %s", (errors, param) => {
    expect(errorBody("openai", problem(400, "invalid_request", { errors }))).toMatchObject({ error: { param } });
  });
});

describe("a problem in Anthropic's shape", () => {
  it.each([
    [400, "invalid_request_error"],
    [401, "authentication_error"],
    [402, "billing_error"],
    [403, "permission_error"],
    [404, "not_found_error"],
    [409, "invalid_request_error"],
    [413, "request_too_large"],
    [429, "rate_limit_error"],
    [499, "invalid_request_error"],
    [500, "api_error"],
    [529, "api_error"],
  ])("of status %i is %s", (status, type) => {
    const given = problem(status);
    const bursar = { code: "some_code", detail: "Why." };
    expect(errorBody("anthropic", given)).toEqual({ type: "error", error: { type, message: "Why.", bursar } });
  });
});

describe("figures", () => {
  it("stand in headers, and in words in the text", () => {
    const detail = "The limit keys of 10000 is reached. See 2026-12-01T00:00:00Z, agent-500 and gpt-4.1-500.";
    const given = { ...problem(409, "limit_reached"), detail, maximum: 10_000, limit: "keys" };
    expect(errorBody("openai", given)).toMatchObject({
      error: {
        message: "The limit keys of 10 k is reached. See 2026-12-01T00:00:00Z, agent-500 and gpt-4.1-500.",
        bursar: { code: "limit_reached", limit: "keys" },
      },
    });
    expect(JSON.stringify(errorBody("openai", given))).not.toContain("maximum");
    expect(factHeaders(given)).toEqual({ "x-bursar-code": "limit_reached", "x-bursar-maximum": "10000" });
  });
});

describe("a budget that is exhausted", () => {
  it("is said first, for those who read no codes", () => {
    const given = problem(402, "budget_exceeded");
    expect(errorBody("openai", given)).toMatchObject({ error: { message: "Budget exhausted: Why." } });
    expect(errorBody("anthropic", given, "team")).toMatchObject({
      error: { message: "Budget exhausted (pool team): Why.", bursar: { pool: "team" } },
    });
  });
});
