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

/** `isLenient`: a model whose price can't be told in one row is left out. */
function sideOf(id: string, isLenient = false): Side {
  const provider = findProvider({ providerId: id });
  if (provider === undefined) throw new Error(`genai-prices has no provider ${id}`);
  const rows = provider.models.flatMap((model) => {
    if (!isLenient) return rowOf(model);
    try {
      // What contains a name may be another model of another price.
      return rowOf(model).map((row) => ({ ...row, patterns: [] }));
    } catch {
      return dearestOf(model);
    }
  });
  return { source: provider.pricing_urls?.[0] ?? "", rows };
}

/** A model whose price depends on the time of day, at its dearest. */
function dearestOf({ id, prices }: ModelInfo): Row[] {
  const found = (Array.isArray(prices) ? prices : []).flatMap(({ prices: price }) => fieldsOf(price) ?? []);
  const [price] = found.toSorted((a, b) => b.output + b.input - a.output - a.input);
  return price === undefined ? [] : [{ model: id, names: [id], beginnings: [], patterns: [], prices: [price] }];
}

/** A model as a row; none for one that is not billed by tokens of text. */
function rowOf({ id, match, prices }: ModelInfo): Row[] {
  const dated = Array.isArray(prices) ? prices : [{ prices }];
  const found = dated.map(({ prices: price, constraint }): DatedPrice | undefined => {
    const fields = fieldsOf(price);
    if (fields === undefined || constraint === undefined) return fields;
    if (constraint.type !== "start_date") throw new Error(`${id}: a price by the time of day is not supported`);
    return { from: Date.parse(`${constraint.start_date}T00:00:00Z`), ...fields };
  });
  const all = found.filter((price) => price !== undefined).sort((a, b) => (a.from ?? 0) - (b.from ?? 0));
  if (all.length < dated.length) return [];
  return [{ model: id, ...namesOf(match), prices: all }];
}

function fieldsOf(price: ModelPrice): DatedPrice | undefined {
  const names = Object.keys(price);
  if (price["input_mtok"] === undefined || names.some((name) => /audio|image|hours/.test(name))) return undefined;
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

/** Dollars with a fraction to whole microusd; what is not whole would be a price that we can't keep. */
function microusd(dollars: number): number {
  const exact = dollars * 1e6;
  const whole = Math.round(exact);
  if (Math.abs(exact - whole) > 1e-3) throw new Error(`${dollars} dollars are not whole microusd`);
  return whole;
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

function leavesOf(match: MatchLogic): MatchLogic[] {
  if ("and" in match) throw new Error("a match by several conditions is not supported");
  return "or" in match ? match.or.flatMap(leavesOf) : [match];
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
