/** What a call used, in the shape in which it is journaled beside its amount. */
import type { BookedUsage } from "../protocol/price.ts";
import type { Usage } from "../providers/shape.ts";
import { ratesAt } from "./cost.ts";
import type { Tariff } from "./tariff.ts";

export type BookedCall = {
  readonly provider?: string | undefined;
  /** The model that answered. */
  readonly model?: string | undefined;
  /** Whether the provider reported the usage; otherwise it is an estimate. */
  readonly isReported: boolean;
};

export function bookedUsage(usage: Usage, tariff: Tariff, { provider, model, isReported }: BookedCall): BookedUsage {
  const { input, output, cacheRead, cacheWrite, cacheWrite1h, reasoning } = usage;
  const { price } = tariff;
  return {
    ...(provider === undefined ? undefined : { provider }),
    ...(model === undefined || model === "" ? undefined : { model: model.slice(0, modelLength) }),
    input,
    output,
    cache_read: cacheRead,
    cache_write: cacheWrite,
    ...(cacheWrite1h === undefined ? undefined : { cache_write_1h: cacheWrite1h }),
    reasoning,
    ...(isReported ? undefined : { estimated: true }),
    ...(price === undefined ? undefined : { price: { version: price.version, ...ratesAt(price, input) } }),
  };
}

/** As `limits.modelLength`, which a client does not carry. */
const modelLength = 256;
