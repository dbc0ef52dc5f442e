/**
 * Reaches a Durable Object, again where that helps. An object that was reset (a deploy, a move) is asked again, with a
 * fresh stub because the old one stays broken; that is safe because every write carries an idempotency key, or is
 * idempotent as it is. An overloaded object is never asked again: that would feed what overloads it.
 */
import { type RetryOptions, retry } from "../protocol/retry.ts";
import { isSpendingStopped, spendingStopped } from "../protocol/spending-stop.ts";
import { ApiError } from "./problems.ts";

/** A deploy takes up to two seconds: three pauses, of up to 100, 400 and 1,500 milliseconds. */
const attempts = 4;
const backoff = { firstMs: 100, factor: 4, maxMs: 1_500 };

/**
 * What `attempt` gives, which must take a new stub each time. Throws `overloaded` or `unavailable` (both 503) where the
 * object can't be reached or could not store; anything else that was thrown is a defect, and is thrown on.
 */
export async function withRetry<T>(attempt: () => Promise<T>, sleep?: RetryOptions["sleep"]): Promise<T> {
  try {
    return await retry(attempt, { attempts, backoff, again: isTransient, ...(sleep && { sleep }) });
  } catch (error) {
    if (isOverloaded(error)) throw new ApiError("overloaded", "The pool gets more requests than it can take.");
    if (isSpendingStopped(error)) throw new ApiError("unavailable", spendingStopped);
    if (isNotPersisted(error)) throw new ApiError("unavailable", "Nothing was stored. Repeat the same request.");
    if (isTransient(error)) throw new ApiError("unavailable", "The pool can't be reached. Repeat the same request.");
    throw error;
  }
}

function isOverloaded(error: unknown): boolean {
  return flag(error, "overloaded");
}

function isNotPersisted(error: unknown): boolean {
  return error instanceof Error && error.name === "NotPersistedError";
}

/** The platform marks what it knows to be safe; a reset by a deploy and a lost connection carry other marks. */
function isTransient(error: unknown): boolean {
  if (isOverloaded(error) || isSpendingStopped(error) || isNotPersisted(error)) return false;
  if (flag(error, "retryable") || flag(error, "durableObjectReset")) return true;
  return error instanceof Error && error.message.startsWith("Network connection lost");
}

function flag(error: unknown, name: string): boolean {
  return error instanceof Error && Reflect.get(error, name) === true;
}
