/**
 * Reaches a Durable Object. An object that was reset (a deploy, a move) is asked again, with a fresh stub because the
 * old one stays broken; that is safe because every write carries an id, or is idempotent as it is. An overloaded
 * object is never asked again: that would feed what overloads it.
 */
import { isSpendingStopped, spendingStopped } from "../protocol/spending-stop.ts";
import { ApiError } from "./problems.ts";

/** Pauses before the second, third and fourth attempt: a deploy takes up to two seconds. */
const pausesMs = [100, 500, 1_500];

/** Calls `attempt` until it succeeds, or throws a 503. `attempt` must take a new stub each time. */
export async function withRetry<T>(
  attempt: () => Promise<T>,
  pause: (ms: number) => Promise<void> = sleep,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    try {
      return await attempt();
    } catch (error) {
      const wait = pausesMs[tries];
      if (isOverloaded(error)) throw new ApiError("overloaded", "The pool gets more requests than it can take.");
      if (isSpendingStopped(error)) throw new ApiError("unavailable", spendingStopped);
      if (isNotPersisted(error)) throw new ApiError("unavailable", "Nothing was stored. Repeat the same request.");
      if (!isTransient(error)) throw error;
      if (wait === undefined) throw new ApiError("unavailable", "The pool can't be reached. Repeat the same request.");
      // Full jitter: callers that failed together don't come back together.
      await pause(Math.random() * wait);
    }
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
  if (flag(error, "retryable") || flag(error, "durableObjectReset")) return true;
  return error instanceof Error && error.message.startsWith("Network connection lost");
}

function flag(error: unknown, name: string): boolean {
  return error instanceof Error && Reflect.get(error, name) === true;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
