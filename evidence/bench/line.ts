/**
 * `npm run bench:line`: what a full waiting line costs those who pass it, and what refusals cost. Side by side in one
 * run: the engine alone for refusals, a real workerd for the line.
 */
import { execute } from "../../src/engine/execute.ts";
import { emptyPool } from "../../src/engine/state.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { ConfigureCommand } from "../../src/protocol/pool.ts";
import { key, startWorkerd } from "../../test/support/workerd.ts";

const agents = 1_000;

/** Microseconds of a refused reserve, and of one that is granted from the agent's own. */
function refused(settings: Omit<ConfigureCommand, "op">): { readonly refused: number; readonly granted: number } {
  const pool = emptyPool();
  const now = 1_800_000_000_000;
  const run = (command: Command): void => void execute(pool, command, now, []);
  run({ op: "configure", budget: 1e9, ...settings });
  for (let i = 0; i < agents; i++) {
    run({ op: "register", agent: `a${i}`, priority: i % 10, max: 1e6, unit: "tokens" });
  }
  const perCall = (amount: number, count: number): number => {
    const began = performance.now();
    for (let i = 0; i < count; i++) {
      run({ op: "reserve", id: `${amount}-${i}`, agent: `a${i % agents}`, amount, unit: "tokens" });
      // Something changes in between, or the answer of before would be as good.
      if (i % 10 === 0) run({ op: "record", id: `u${amount}-${i}`, agent: "a0", amount: 1, unit: "tokens" });
    }
    return ((performance.now() - began) / count) * 1_000;
  };
  perCall(1e12, 500);
  return { refused: perCall(9e11, 3_000), granted: perCall(1, 3_000) };
}

const plain = refused({});
const refilled = refused({ refill: { every: "month" } });
console.log(`a reserve among ${agents} agents, engine alone:`);
console.log(`  granted                  ${plain.granted.toFixed(1)} µs`);
console.log(`  refused                  ${plain.refused.toFixed(1)} µs`);
console.log(
  `  refused, with a refill   ${refilled.refused.toFixed(1)} µs, ${(refilled.refused / plain.refused).toFixed(2)} × without`,
);

const workerd = await startWorkerd({ bursar: "PoolObject" }, { isQuiet: true });
try {
  const url = workerd.urls.bursar;
  const send = async (method: string, path: string, body: unknown): Promise<void> => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const response = await fetch(`${url}/v1/pools/${path}`, { method, headers, body: JSON.stringify(body) });
    const text = await response.text();
    if (!response.ok) throw new Error(text);
  };
  const setUp = async (pool: string): Promise<void> => {
    await send("PUT", pool, {});
    for (let from = 0; from < agents; from += 500) {
      const commands = Array.from({ length: 500 }, (_, i) => {
        return { op: "register", agent: `a${from + i}`, priority: (from + i) % 10, max_tokens: 1 };
      });
      await send("POST", `${pool}/batch`, { commands });
    }
  };
  await setUp("empty");
  await setUp("full");
  const leaving = new AbortController();
  const waiters = Array.from({ length: 900 }, (_, i) =>
    fetch(`${url}/v1/pools/full/reservations`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify({ agent: `a${i}`, tokens: 500_000, wait_ms: 60_000 }),
      signal: leaving.signal,
    }).catch(() => undefined),
  );
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  const took: Record<string, number[]> = { empty: [], full: [] };
  for (let i = 0; i < 600; i++) {
    for (const pool of ["empty", "full"]) {
      const began = performance.now();
      await send("POST", `${pool}/usage`, { agent: "a1", tokens: 1 });
      took[pool]?.push(performance.now() - began);
    }
  }
  const median = (values: readonly number[] = []): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
  const [empty, full] = [median(took["empty"]), median(took["full"])];
  console.log(`a record in a pool of ${agents} agents, over HTTP, p50:`);
  console.log(`  an empty line            ${empty.toFixed(2)} ms`);
  console.log(`  900 reserves wait        ${full.toFixed(2)} ms, ${(full / empty).toFixed(2)} ×`);
  leaving.abort();
  await Promise.all(waiters);
} finally {
  await workerd.stop();
}
