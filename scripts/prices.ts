/**
 * `npm run prices`: the table of prices that the Worker carries, made of the package `@pydantic/genai-prices` (MIT,
 * Pydantic Services Inc.), whose version package-lock.json pins. Rates become whole microusd per million tokens. It is
 * built, not kept in the repository: a price is as old as the lock file says, and none is edited by hand.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import {
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
  type TieredPrices,
} from "@pydantic/genai-prices";
import type { DatedPrice, PriceTable, Row, Side } from "../src/pricing/table.ts";
import type { Rates } from "../src/protocol/price.ts";

const root = join(import.meta.dirname, "..");
const file = join(root, "dist/prices.json");

/** When each version was published (`npm view @pydantic/genai-prices time`): the package does not say it. */
const published: Readonly<Record<string, string>> = { "0.1.8": "2026-09-23" };

const kinds = {
  input: "input_mtok",
  output: "output_mtok",
  cache_read: "cache_read_mtok",
  cache_write: "cache_write_mtok",
  cache_write_1h: "cache_write_1h_mtok",
} as const;

/** The table, as the installed package has it. */
export function priceTable(): PriceTable {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules/@pydantic/genai-prices/package.json"), "utf8"));
  const as_of = published[version];
  if (as_of === undefined)
    throw new Error(`scripts/prices.ts does not know when genai-prices ${version} was published`);
  return {
    version,
    as_of,
    providers: { openai: sideOf("openai"), anthropic: sideOf("anthropic"), google: sideOf("google", true) },
    others: others.map((id) => sideOf(id, true)),
  };
}

/** Hosts and makers whose names the gateway's upstreams may use. */
const others = (
  "aws azure avian cerebras cloudflare cohere deepseek fireworks groq mistral moonshotai novita openrouter perplexity " +
  "together x-ai"
).split(" ");

/** `isLoose`: its models are told apart by rules that a row does not have, and are found by their names alone. */
function sideOf(id: string, isLoose = false): Side {
  const provider = findProvider({ providerId: id });
  if (provider === undefined) throw new Error(`genai-prices has no provider ${id}`);
  const rows = provider.models.flatMap((model) => {
    const prices = pricesOf(model, isLoose);
    if (prices === undefined) return [];
    return [{ model: model.id, ...(isLoose ? looseNamesOf(model) : namesOf(model.match)), prices }];
  });
  return { source: provider.pricing_urls?.[0] ?? "", rows };
}

/** A model's prices by rising date; undefined for a model that is not billed by tokens of text. */
function pricesOf({ id, prices }: ModelInfo, isLoose: boolean): DatedPrice[] | undefined {
  const dated = Array.isArray(prices) ? prices : [{ prices }];
  const found = dated.flatMap(({ prices: price, constraint }) => {
    const fields = fieldsOf(price);
    return fields === undefined ? [] : [{ fields, constraint }];
  });
  if (found.length < dated.length) return undefined;
  if (found.some(({ constraint }) => constraint !== undefined && constraint.type !== "start_date")) {
    if (!isLoose) throw new Error(`${id}: a price by the time of day is not supported`);
    // At its dearest.
    return found
      .map(({ fields }) => fields)
      .toSorted((a, b) => b.output + b.input - a.output - a.input)
      .slice(0, 1);
  }
  return found
    .map(({ fields, constraint }) =>
      constraint?.type === "start_date"
        ? { from: Date.parse(`${constraint.start_date}T00:00:00Z`), ...fields }
        : fields,
    )
    .sort((a, b) => (a.from ?? 0) - (b.from ?? 0));
}

/**
 * A price of text; undefined for a model that has none, or that bills its text and other output, or images, apart. A
 * rate for audio that goes in does no harm: a request that has any is refused.
 */
function fieldsOf(price: ModelPrice): DatedPrice | undefined {
  const isApart = (name: string): boolean => /^output_(audio|image|video)|^input_(image|video)|hours/.test(name);
  if (price["input_mtok"] === undefined || Object.keys(price).some(isApart)) return undefined;
  const above = [
    ...new Set(
      Object.values(price)
        .flatMap(tiersOf)
        .map(({ start }) => start),
    ),
  ].sort((a, b) => a - b);
  const tiers = above.map((start) => ({ above: start, ...ratesAt(price, start) }));
  return { ...ratesAt(price, undefined), ...(tiers.length === 0 ? undefined : { tiers }) };
}

/** The rates of a prompt longer than `above`, or of a short one. A model without output, an embedding, has it at 0. */
function ratesAt(price: ModelPrice, above: number | undefined): Rates {
  const rates = Object.entries(kinds).flatMap(([kind, name]) => {
    const value = price[name];
    if (value === undefined) return [];
    const base = typeof value === "number" ? value : value.base;
    const tier = above === undefined ? undefined : tiersOf(value).findLast(({ start }) => start <= above);
    return [[kind, microusd(tier?.price ?? base)]];
  });
  return { input: 0, output: 0, ...Object.fromEntries(rates) };
}

function tiersOf(value: number | TieredPrices | undefined): TieredPrices["tiers"] {
  return typeof value === "object" ? value.tiers : [];
}

/** Dollars to whole microusd; what is not whole (a third of a cent, with some hosts) is rounded up. */
function microusd(dollars: number): number {
  return Math.ceil(dollars * 1e6 - 1e-3);
}

function namesOf(match: MatchLogic): Pick<Row, "names" | "beginnings" | "patterns"> {
  const leaves = leavesOf(match);
  const valuesOf = (kind: string): string[] =>
    leaves.flatMap((leaf) => Object.entries(leaf).flatMap(([name, value]) => (name === kind ? [String(value)] : [])));
  const escape = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return {
    names: valuesOf("equals"),
    beginnings: valuesOf("starts_with"),
    patterns: [
      ...valuesOf("contains").map(escape),
      ...valuesOf("ends_with").map((end) => `${escape(end)}$`),
      ...valuesOf("regex"),
    ],
  };
}

/** Every name in the conditions is one that a model of this price has, or begins with. */
function looseNamesOf({ id, match }: ModelInfo): Pick<Row, "names" | "beginnings" | "patterns"> {
  const values = leavesOf(match, true).flatMap((leaf) =>
    Object.entries(leaf).flatMap(([kind, value]) => (kind === "regex" ? [] : [String(value)])),
  );
  return { names: [], beginnings: [...new Set([id, ...values])], patterns: [] };
}

function leavesOf(match: MatchLogic, isLoose = false): MatchLogic[] {
  if ("and" in match) {
    if (!isLoose) throw new Error("a match by several conditions is not supported");
    return match.and.flatMap((one) => leavesOf(one, true));
  }
  return "or" in match ? match.or.flatMap((one) => leavesOf(one, isLoose)) : [match];
}

export function writePrices(): PriceTable {
  const table = priceTable();
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(table));
  return table;
}

if (process.argv[1] === import.meta.filename) {
  const { version, as_of, providers } = writePrices();
  for (const [name, { source, rows }] of Object.entries(providers)) {
    console.log(`${name}: ${rows.length} models, as of ${as_of} (genai-prices ${version}, after ${source})`);
  }
}
