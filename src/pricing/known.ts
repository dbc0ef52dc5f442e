/** The table of known prices, as `npm run build` made it. */
import table from "../../dist/prices.json" with { type: "json" };
import type { PriceView } from "../protocol/price.ts";
import { type PriceTable, type Provider, priceAt, type Row, rowOf } from "./table.ts";

const known = table as PriceTable;
const providers: readonly Provider[] = ["openai", "anthropic"];

/** The known price of a model at `now`; of any provider's, unless one is named. */
export function knownPrice(model: string, now: number, provider?: Provider): PriceView | undefined {
  for (const one of provider === undefined ? providers : [provider]) {
    const row = rowOf(known, one, model);
    const price = row === undefined ? undefined : viewOf(one, row, now);
    if (price !== undefined) return { ...price, model };
  }
  return undefined;
}

/** All known prices at `now`, one for each row of the table. */
export function knownPrices(now: number): PriceView[] {
  return providers.flatMap((provider) =>
    known.providers[provider].rows.flatMap((row) => viewOf(provider, row, now) ?? []),
  );
}

function viewOf(provider: Provider, row: Row, now: number): PriceView | undefined {
  const price = priceAt(row, now);
  if (price === undefined) return undefined;
  const { from: _, ...fields } = price;
  const { source } = known.providers[provider];
  return { model: row.model, ...fields, version: `genai-prices@${known.version}`, source, as_of: known.as_of };
}
