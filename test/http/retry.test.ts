/** Reaching an object: what is safe to repeat is repeated, what would do harm is not. */
import { describe, expect, it } from "vitest";
import { ApiError } from "../../src/http/problems.ts";
import { withRetry } from "../../src/http/retry.ts";
import { NotPersistedError } from "../../src/pool/group-commit.ts";
import { spendingStopped } from "../../src/protocol/spending-stop.ts";

/** Fails `failures` times with `error`, then answers; counts its calls and remembers the pauses between them. */
function patient(error: unknown, failures: number) {
  const pauses: number[] = [];
  let calls = 0;
  const attempt = async (): Promise<number> => {
    calls++;
    if (calls <= failures) throw error;
    return calls;
  };
  const pause = async (ms: number): Promise<void> => void pauses.push(ms);
  return { outcome: withRetry(attempt, pause), pauses, calls: () => calls };
}

const transient: readonly (readonly [name: string, error: Error])[] = [
  ["that the platform calls retryable", Object.assign(new Error("x"), { retryable: true })],
  ["that a deploy has reset", Object.assign(new Error("x"), { durableObjectReset: true })],
  ["whose connection was lost", new Error("Network connection lost.")],
];

describe("an object", () => {
  it.each(transient)("%s is asked again, up to three times", async (_, error) => {
    for (const failures of [0, 1, 2, 3]) {
      const { outcome, pauses } = patient(error, failures);
      expect(await outcome).toBe(failures + 1);
      expect(pauses).toHaveLength(failures);
    }
  });

  it.each(transient)("%s is given up after the fourth time, as unavailable", async (_, error) => {
    const { outcome, pauses, calls } = patient(error, 99);
    await expect(outcome).rejects.toMatchObject({ code: "unavailable" });
    expect(calls()).toBe(4);
    // A pause has full jitter below these, so that callers that failed together don't come back together.
    const most = [100, 500, 1_500];
    expect(pauses).toHaveLength(most.length);
    for (const [index, ms] of pauses.entries()) expect(ms).toBeLessThanOrEqual(most[index] ?? 0);
  });

  it("that is overloaded is never asked again, even if it could be", async () => {
    const error = Object.assign(new Error("x"), { overloaded: true, retryable: true, durableObjectReset: true });
    const { outcome, calls } = patient(error, 99);
    await expect(outcome).rejects.toBeInstanceOf(ApiError);
    await expect(outcome).rejects.toMatchObject({ code: "overloaded" });
    expect(calls()).toBe(1);
  });

  it.each(["requests", "SQL"])("is not asked again for %s that the account's spending limit refuses", async (what) => {
    const platform = new Error("Exceeded the account's spending cap for Durable Objects.");
    const error = what === "SQL" ? new NotPersistedError("nothing was stored", { cause: platform }) : platform;
    const { outcome, calls } = patient(error, 99);
    await expect(outcome).rejects.toMatchObject({ code: "unavailable", message: spendingStopped });
    expect(calls()).toBe(1);
  });

  it("that could not store is not asked again for the caller, who may", async () => {
    const error = Object.assign(new Error("x"), { name: "NotPersistedError" });
    const { outcome, calls } = patient(error, 99);
    await expect(outcome).rejects.toMatchObject({ code: "unavailable" });
    expect(calls()).toBe(1);
  });

  it("that throws anything else has a defect, which is not hidden by asking again", async () => {
    for (const error of [new TypeError("x"), new Error("lost: Network connection"), "text", undefined]) {
      const { outcome, calls } = patient(error, 99);
      await expect(outcome).rejects.toBe(error);
      expect(calls()).toBe(1);
    }
  });
});
