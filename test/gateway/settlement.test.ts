/** The end of a governed call is told to its pool once, however many events of its stream tell of it. */
import { expect, it } from "vitest";
import type { Books } from "../../src/gateway/books.ts";
import { type Ending, Settlement } from "../../src/gateway/settlement.ts";
import type { CallTrace } from "../../src/gateway/trace.ts";
import { inTokens } from "../../src/pricing/tariff.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { ReservationResult, SettlementResult } from "../../src/protocol/reservation.ts";

const ending: Ending = {
  usage: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
  isReported: true,
  atLeast: undefined,
  model: undefined,
  confidence: undefined,
};

/** A call's end, and the commands that its pool is asked to run for it. */
function settling() {
  const asked: Command[] = [];
  const result = { consumed: 3, state: "committed" } as SettlementResult;
  const execute = (_: unknown, commands: readonly Command[]) => {
    asked.push(...commands);
    return Promise.resolve({ outcomes: [{ ok: true, result }] });
  };
  const books = { ask: (ask: (pool: unknown) => unknown) => ask({ execute }) } as unknown as Books;
  const trace = { used: () => undefined, end: () => undefined } as unknown as CallTrace;
  const reservation = { id: "r", granted: 10 } as ReservationResult;
  const call = { books, provider: "openai", tariff: inTokens, model: "m", reservation, ttlMs: 60_000, trace } as const;
  return { settlement: new Settlement(call, () => undefined), asked };
}

it("books a call once, and gives nothing back of what is booked", async () => {
  const { settlement, asked } = settling();
  const [first, second] = await Promise.all([settlement.book(ending), settlement.book(ending)]);
  await settlement.giveBack("upstream_failed");
  expect([first?.consumed, second]).toEqual([3, undefined]);
  expect(asked).toMatchObject([{ op: "commit", id: "r", amount: 3 }]);
});

it("gives a hold back once, and books nothing of it afterwards", async () => {
  const { settlement, asked } = settling();
  await Promise.all([settlement.giveBack("429"), settlement.giveBack("429")]);
  expect(await settlement.book(ending)).toBeUndefined();
  expect(asked).toEqual([{ op: "release", id: "r" }]);
});
