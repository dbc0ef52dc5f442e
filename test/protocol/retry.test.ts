/** Retries: how often, after which pauses, and for which failures. */
import { describe, expect, it } from "vitest";
import { backoffMs, type RetryOptions, retry } from "../../src/protocol/retry.ts";

const backoff = { firstMs: 100, maxMs: 1_000 };

/** Something that fails `failures` times; with the pauses that were made meanwhile. */
function failing(failures: number, options: Partial<RetryOptions> = {}) {
  const pauses: number[] = [];
  let calls = 0;
  const outcome = retry(
    async () => {
      calls++;
      if (calls <= failures) throw new Error(`failure ${calls}`);
      return calls;
    },
    {
      attempts: 4,
      backoff,
      again: () => true,
      random: () => 1,
      sleep: async (ms) => void pauses.push(ms),
      ...options,
    },
  );
  return { outcome, pauses, calls: () => calls };
}

describe("a retry", () => {
  it("gives what the first attempt that succeeds gives, after a pause for each failure", async () => {
    for (const failures of [0, 1, 2, 3]) {
      const { outcome, pauses } = failing(failures);
      expect(await outcome).toBe(failures + 1);
      expect(pauses).toEqual([100, 200, 400].slice(0, failures));
    }
  });

  it("throws the last error once it has been tried often enough, without a pause after it", async () => {
    const { outcome, pauses, calls } = failing(99);
    await expect(outcome).rejects.toThrow("failure 4");
    expect(calls()).toBe(4);
    expect(pauses).toHaveLength(3);
  });

  it("does not try again what is not worth it", async () => {
    const seen: unknown[] = [];
    const again = (error: unknown): boolean => {
      seen.push(error);
      return seen.length < 2;
    };
    const { outcome, calls } = failing(99, { again });
    await expect(outcome).rejects.toThrow("failure 2");
    expect(calls()).toBe(2);
    expect(seen).toEqual([new Error("failure 1"), new Error("failure 2")]);
  });

  it("pauses anywhere between nothing and the bound, so that callers do not come back together", async () => {
    const half = failing(3, { random: () => 0.5 });
    await half.outcome;
    expect(half.pauses).toEqual([50, 100, 200]);
    const none = failing(3, { random: () => 0 });
    await none.outcome;
    expect(none.pauses).toEqual([0, 0, 0]);
  });

  it("waits as long as the other side asked for, and backs off beyond that", async () => {
    const { outcome, pauses } = failing(2, { again: () => 5_000 });
    await outcome;
    expect(pauses).toEqual([5_100, 5_200]);
  });

  it("ends at once when its caller aborts, in a pause or in an attempt", async () => {
    const inPause = new AbortController();
    const { outcome, calls } = failing(99, {
      signal: inPause.signal,
      sleep: async (_, signal) => {
        inPause.abort(new Error("gone"));
        signal?.throwIfAborted();
      },
    });
    await expect(outcome).rejects.toThrow("gone");
    expect(calls()).toBe(1);

    const inAttempt = new AbortController();
    const attempt = async (): Promise<never> => {
      inAttempt.abort(new Error("gone, too"));
      throw new Error("the attempt was ended");
    };
    const options = { attempts: 4, backoff, again: () => true, signal: inAttempt.signal };
    await expect(retry(attempt, options)).rejects.toThrow("gone, too");
  });

  it("ends the pause that it makes by itself when its caller aborts", async () => {
    const controller = new AbortController();
    let calls = 0;
    const outcome = retry(
      async () => {
        calls++;
        throw new Error("failed");
      },
      {
        attempts: 2,
        backoff: { firstMs: 3_600_000, maxMs: 3_600_000 },
        again: () => true,
        random: () => 1,
        signal: controller.signal,
      },
    );
    await Promise.resolve();
    controller.abort(new Error("gone"));
    await expect(outcome).rejects.toThrow("gone");
    expect(calls).toBe(1);
  });
});

describe("a back-off", () => {
  it("grows by its factor up to its bound, and is nothing without a failure", () => {
    const bounds = [0, 1, 2, 3, 4, 1_000];
    expect(bounds.map((failures) => backoffMs(backoff, failures))).toEqual([0, 100, 200, 400, 800, 1_000]);
    const steep = { firstMs: 100, factor: 4, maxMs: 1_500 };
    expect(bounds.map((failures) => backoffMs(steep, failures))).toEqual([0, 100, 400, 1_500, 1_500, 1_500]);
  });
});
