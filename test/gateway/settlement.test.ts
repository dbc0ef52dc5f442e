/** The end of a governed call reaches its pool once, however many events of its stream say that it has ended. */
import { expect, it } from "vitest";
import type { Ending } from "../../src/calls/ending.ts";
import { GovernedCall } from "../../src/calls/governed-call.ts";
import type { Admitted, ModelCall } from "../../src/gateway/model-call.ts";
import { PoolPort } from "../../src/gateway/pool-port.ts";
import { inTokens } from "../../src/pricing/tariff.ts";
import type { Command } from "../../src/protocol/commands.ts";
import type { SettlementResult } from "../../src/protocol/reservation.ts";

const ending: Ending = {
  usage: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
  isReported: true,
  atLeast: undefined,
  delivered: { input: 1, output: 2, cacheRead: 0, cacheWrite: 0, reasoning: 0 },
  isFree: false,
  toolUses: {},
  model: undefined,
  tier: undefined,
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
  const pricing = { ask: (ask: (pool: unknown) => unknown) => ask({ execute }) };
  const trace = { used: () => undefined, end: () => undefined };
  const call = { trace, asked: { model: "m" }, waitUntil: () => undefined } as unknown as ModelCall;
  const reservation = { id: "r", granted: 10 };
  const admitted = { pricing, tariff: inTokens, reservation, ttlMs: 60_000 } as unknown as Admitted;
  const governed = new GovernedCall({ model: "m", tariff: inTokens, granted: 10 }, new PoolPort(call, admitted));
  return { governed, asked };
}

it("books a call once, and gives nothing back of what is booked", async () => {
  const { governed, asked } = settling();
  const [first, second] = await Promise.all([governed.book(ending), governed.book(ending)]);
  await governed.giveBack();
  expect([first?.consumed, second]).toEqual([3, undefined]);
  expect(asked).toMatchObject([{ op: "commit", id: "r", amount: 3 }]);
});

it("gives a hold back once, and books nothing of it afterwards", async () => {
  const { governed, asked } = settling();
  await Promise.all([governed.giveBack(), governed.giveBack()]);
  expect(await governed.book(ending)).toBeUndefined();
  expect(asked).toEqual([{ op: "release", id: "r" }]);
});

it("gives back what a free call held", async () => {
  const { governed, asked } = settling();
  await governed.book({ ...ending, isFree: true });
  expect(asked).toEqual([{ op: "release", id: "r" }]);
});
