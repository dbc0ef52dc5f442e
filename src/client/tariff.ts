/** How the calls of a pool are counted: in tokens, or in microusd at the price of their model. */
import { givenVersion } from "../pricing/origin.ts";
import { inTokens, type Tariff } from "../pricing/tariff.ts";
import type { PriceFields } from "../protocol/price.ts";
import type { Governor } from "./options.ts";

export type PriceOptions = {
  /** What the model costs, in microusd per million tokens, for a pool of microusd. Default: the price in force there. */
  readonly price?: PriceFields;
};

/** Throws `BursarError` (`price_not_found`) for a model without a price, in a pool of microusd. */
export async function tariffOf(pool: Governor, model: string | undefined, { price }: PriceOptions): Promise<Tariff> {
  if (pool.unit === "tokens") return inTokens;
  // Who counts tokens need not load it.
  const { inMicrousd } = await import("../pricing/microusd.ts");
  if (price !== undefined) return inMicrousd({ ...price, version: givenVersion }, model);
  if (model === undefined) {
    throw new TypeError(
      `a call in a pool of ${pool.unit} must name its model: give model, price, or estimate and usage`,
    );
  }
  return inMicrousd(await pool.prices.inForce(model, pool.name), model);
}
