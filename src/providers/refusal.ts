/**
 * A problem of Bursar's as the providers say theirs, so that their SDKs raise their own errors, and retry loops end.
 * Bursar's own facts stand in it, as `error.bursar`: OpenAI's SDK keeps nothing else of a body.
 */
import { brief } from "../protocol/amounts.ts";
import { fieldOf } from "./shape.ts";

/** As much as is needed of a problem document. */
type Problem = {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly [fact: string]: unknown;
};

/**
 * The body of an error in the provider's shape; `pool` is whose budget it was, where that is known. Its text has no
 * figure of three digits: some clients look for a status such as 429 or 503 in it, and repeat what has one. The figures
 * are in headers (`factHeaders`).
 */
export function errorBody(shape: ErrorShape, problem: Problem, pool?: string): object {
  const told = { ...problem, detail: withoutFigures(problem.detail) };
  const where = pool === undefined ? "" : ` (pool ${pool})`;
  const isHeld = problem["retry_after_ms"] !== undefined || Number(problem["at_least"]) <= Number(problem["potential"]);
  const title = problem.code === "budget_exceeded" ? `Budget ${isHeld ? "in use" : "exhausted"}${where}: ` : "";
  const message = title + told.detail;
  const bursar = { code: problem.code, ...(pool === undefined ? undefined : { pool }), ...wordsOf(told) };
  if (shape === "openai") return openAi(problem, message, bursar);
  return shape === "anthropic" ? anthropic(problem, message, bursar) : gemini(problem, message, bursar);
}

export type ErrorShape = "openai" | "anthropic" | "gemini";

/** Headers with a problem's code and its figures: `x-bursar-at-least: 1540`. */
export function factHeaders(problem: Problem): Record<string, string> {
  const facts = Object.entries(problem).flatMap(([name, value]) =>
    typeof value === "number" && name !== "status" ? [[`x-bursar-${name.replaceAll("_", "-")}`, String(value)]] : [],
  );
  return { "x-bursar-code": problem.code, ...Object.fromEntries(facts) };
}

/** The facts that are words. */
function wordsOf(problem: Problem): object {
  const said = ["type", "title"];
  return Object.fromEntries(
    Object.entries(problem).filter(([name, value]) => typeof value !== "number" && !said.includes(name)),
  );
}

/** Figures of three digits and more, but for those that are part of a name or a date, in words. */
function withoutFigures(text: string): string {
  return text.replace(/(?<![\w.:/-])\d{3,15}(?![\w:/-]|\.\d)/g, (figure) =>
    brief(Number(figure), "tokens").replace(" tokens", ""),
  );
}

function openAi({ status, code, errors }: Problem, message: string, bursar: object): object {
  // LangChain and others stop at this code without asking the status.
  const [type, known] =
    status === 402
      ? ["insufficient_quota", "insufficient_quota"]
      : status === 401
        ? ["invalid_request_error", "invalid_api_key"]
        : [status < 500 ? "invalid_request_error" : "server_error", code];
  return { error: { message, type, code: known, param: firstField(errors), bursar } };
}

function anthropic({ status, errors }: Problem, message: string, bursar: object): object {
  const error = { type: anthropicType(status), message, bursar };
  // The SDK's tool runner goes on without a thread where the provider says that it has none, and how it says so.
  if (firstField(errors) !== "thread") return { type: "error", error };
  const details = { error_code: "thread_unsupported_request", unsupported: ["thread"] };
  return { type: "error", error: { ...error, details } };
}

/** As google.rpc.Status has it. */
function gemini({ status }: Problem, message: string, bursar: object): object {
  const names: Readonly<Record<number, string>> = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
  };
  const name = names[status] ?? (status < 500 ? "INVALID_ARGUMENT" : "INTERNAL");
  return { error: { code: status, message, status: name, bursar } };
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
