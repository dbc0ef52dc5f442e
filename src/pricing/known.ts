/** The table of known prices, as `npm run build` made it. */
import table from "../../dist/prices.json" with { type: "json" };
import type { PriceView } from "../protocol/price.ts";
import { familyVersion } from "./origin.ts";
import { type DatedPrice, familyOf, type PriceTable, type Provider, priceAt, rowOf, type Side } from "./table.ts";

const known: PriceTable = table;
const providers: readonly Provider[] = ["openai", "anthropic", "google"];

/**
 * The known price of a model at `now`: the one of `provider`, if it has the model; otherwise the dearest of any provider
 * that has it, because a server that speaks another's API may sell it at any of them.
 */
export function knownPrice(model: string, now: number, provider?: Provider): PriceView | undefined {
  const names = namesOf(model);
  const own = sidesOf(provider)
    .map((side) => inSide(side, names, now))
    .find((price) => price !== undefined);
  const price =
    own ?? dearest([...sidesOf(undefined), ...known.others].flatMap((side) => inSide(side, names, now) ?? []));
  return price && { ...price, model };
}

/**
 * The dearest price of a model's family at `now`, so that a model that is newer than the table can be called. Its version
 * names the family.
 */
export function familyPrice(model: string, now: number, provider?: Provider): PriceView | undefined {
  const price = ofFamily(sidesOf(provider), namesOf(model), now);
  return price && { ...price, model };
}

function sidesOf(provider: Provider | undefined): Side[] {
  return (provider === undefined ? providers : [provider]).map((one) => known.providers[one]);
}

/** All known prices of the gateway's providers at `now`, one for each row of the table. */
export function knownPrices(now: number): PriceView[] {
  return providers.flatMap((provider) => {
    const side = known.providers[provider];
    return side.rows.flatMap((row) => viewOf(side, row.model, priceAt(row, now)) ?? []);
  });
}

/** A model's name, and what is left of it without the names of hosts, regions and makers before it. */
function namesOf(model: string): string[] {
  const bare = model.slice(model.lastIndexOf("/") + 1);
  const [, plain = bare] =
    /^(?:(?:us|eu|apac|global)\.)?(?:anthropic|openai|google|meta|mistral)\.(.+)$/.exec(bare) ?? [];
  // Bedrock numbers the versions of what it serves.
  return [...new Set([model, bare, plain.replace(/-v\d+(:\d+)?$/, "")])];
}

function inSide(side: Side, names: readonly string[], now: number): PriceView | undefined {
  for (const name of names) {
    const row = rowOf(side, name);
    const view = row && viewOf(side, row.model, priceAt(row, now));
    if (view !== undefined) return view;
  }
  return undefined;
}

function ofFamily(sides: readonly Side[], names: readonly string[], now: number): PriceView | undefined {
  const families = sides.map((side) => ({ side, ...familyOf(side, names.at(-1) ?? "") }));
  const most = Math.max(...families.map(({ shared }) => shared));
  return dearest(
    families
      .filter(({ shared }) => shared === most && most > 0)
      .flatMap(({ side, name, rows }) => {
        const view = dearest(rows.flatMap((row) => viewOf(side, row.model, priceAt(row, now)) ?? []));
        return view === undefined ? [] : [{ ...view, version: familyVersion(view.version, name) }];
      }),
  );
}

function dearest(views: readonly PriceView[]): PriceView | undefined {
  return views.reduce<PriceView | undefined>(
    (most, view) => (most === undefined || view.output + view.input > most.output + most.input ? view : most),
    undefined,
  );
}

function viewOf({ source }: Side, model: string, price: DatedPrice | undefined): PriceView | undefined {
  if (price === undefined) return undefined;
  const { from: _, ...fields } = price;
  return { model, ...fields, version: `genai-prices@${known.version}`, source, as_of: known.as_of };
}
