/**
 * What is booked of a call, by the one rule for every door: a report is booked whatever it is; an estimate up to the
 * hold, but never below what was reported of it.
 */

import { ratesAt } from "../pricing/cost.ts";
import type { Tariff, ToolUses } from "../pricing/tariff.ts";
import type { BookedUsage } from "../protocol/price.ts";
import type { Usage } from "../providers/shape.ts";
import type { Ending } from "./ending.ts";

/** As `limits.amount` and `limits.modelLength`, which a client does not carry. */
const largestAmount = 1_000_000_000_000;
const modelLength = 256;

/** What is to be booked. A caller that counts by itself says an amount, and not what it is made of. */
export type Booking = { readonly amount: number; readonly usage: BookedUsage | undefined };

export type BookedCall = {
  readonly provider?: string | undefined;
  /** The model that was asked for. */
  readonly model?: string | undefined;
  /** What was held for it. */
  readonly granted: number;
};

/** The amount to book, in the unit of `tariff`, and what it is made of. */
export function bookingOf(ending: Ending, tariff: Tariff, { provider, model, granted }: BookedCall): Booking {
  const { usage, isReported, toolUses } = ending;
  return {
    amount: Math.min(
      largestAmount,
      isReported ? Math.ceil(tariff.amountOf(usage, toolUses)) : estimated(ending, tariff, granted),
    ),
    usage: bookedUsage(usage, tariff, { provider, model: ending.model ?? model, isReported, toolUses }),
  };
}

/**
 * An estimate may be too high, and the hold is what the caller agreed to. A provider that delivered more than twice the
 * hold kept no limit: there the hold is no bound for what was delivered.
 */
function estimated({ usage, atLeast, delivered, toolUses }: Ending, tariff: Tariff, granted: number): number {
  const amountOf = (one: Usage): number => Math.ceil(tariff.amountOf(one, toolUses));
  const sure = amountOf(delivered);
  const held = sure > 2 * granted ? sure : Math.min(amountOf(usage), granted);
  return Math.max(held, atLeast === undefined ? 0 : amountOf(atLeast));
}

/** What a call used, in the shape in which it is journaled beside its amount. */
export function bookedUsage(
  usage: Usage,
  { price }: Tariff,
  call: {
    readonly provider?: string | undefined;
    readonly model?: string | undefined;
    readonly isReported: boolean;
    readonly toolUses?: ToolUses;
  },
): BookedUsage {
  const { provider, model, isReported, toolUses = {} } = call;
  const { input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning } = usage;
  return {
    ...(provider === undefined ? undefined : { provider }),
    ...(model === undefined || model === "" ? undefined : { model: model.slice(0, modelLength) }),
    input,
    output,
    cache_read: cacheRead,
    cache_write: cacheWrite,
    ...(cacheWrite1h === undefined ? undefined : { cache_write_1h: cacheWrite1h }),
    reasoning,
    ...(Object.keys(toolUses).length === 0 ? undefined : { tool_uses: toolUses }),
    ...(isReported ? undefined : { estimated: true }),
    ...(price === undefined ? undefined : { price: { version: price.version, ...ratesAt(price, input) } }),
  };
}
