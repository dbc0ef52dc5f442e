/** The table of known prices, which `npm run prices` generates, and how a model's name finds its row. */
import type { PriceFields } from "../protocol/price.ts";

/** A price from a moment on, milliseconds since 1970; without one, always. */
export type DatedPrice = PriceFields & { readonly from?: number };

/** Names of a model: whole ones, beginnings, and regular expressions. A provider's dated snapshots are beginnings. */
export type Row = {
  readonly model: string;
  readonly names: readonly string[];
  readonly beginnings: readonly string[];
  readonly patterns: readonly string[];
  /** By rising `from`. */
  readonly prices: readonly DatedPrice[];
};

/** Providers that the gateway has a route for, whose own price lists come first. */
export type Provider = "openai" | "anthropic" | "google";

/** A provider's rows, and the page that they were taken from. */
export type Side = { readonly source: string; readonly rows: readonly Row[] };

export type PriceTable = {
  /** Of the package that it was generated from. */
  readonly version: string;
  /** The day of that version, as 2026-09-23. */
  readonly as_of: string;
  readonly providers: Readonly<Record<Provider, Side>>;
  /** Hosts, and makers whose models other servers serve. */
  readonly others: readonly Side[];
};

/** The row of `model`: by its whole name first, then by its longest beginning, then by pattern. */
export function rowOf({ rows }: Side, model: string): Row | undefined {
  const named = rows.find(({ names }) => names.includes(model));
  if (named !== undefined) return named;
  let longest = "";
  let found: Row | undefined;
  for (const row of rows) {
    for (const beginning of row.beginnings) {
      if (beginning.length <= longest.length || !model.startsWith(beginning)) continue;
      if (!isSnapshot(model.slice(beginning.length))) continue;
      longest = beginning;
      found = row;
    }
  }
  return found ?? rows.find(({ patterns }) => patterns.some((pattern) => new RegExp(pattern).test(model)));
}

/**
 * What may follow the beginning of a name: the date of a snapshot, its number (`-002`), or where it is served. `claude-sonnet-5` begins
 * `claude-sonnet-5-5` and `claude-sonnet-5-fast` too, which are other models and have other prices.
 */
function isSnapshot(rest: string): boolean {
  return /^($|-latest$|[:@]|-00\d$|[-@]?\d{4,}(-\d\d-\d\d)?($|[:@])|\d\d-\d\d($|[:@]))/.test(rest);
}

/** `shared`: how many parts of the name its rows have in common with the model. */
export type Family = { readonly name: string; readonly shared: number; readonly rows: readonly Row[] };

/** What makes a model another one than its family: several times as dear, or priced otherwise. */
const apart = /^(fast|ultra|ultrafast|pro|max|priority|audio|realtime|transcribe|search|image|live|tts)$/;

/**
 * The rows of the family of a model that has none: those that share most of the beginning of its name, and of these
 * the ones that are called alike, if there are any. `gpt-6.2-sol` is of the family of `gpt-6-sol`, and
 * `claude-haiku-5-5` of that of `claude-haiku-4-5`. A model is in no family with a variant that is priced apart:
 * `claude-opus-4-6-fast` costs six times as much as `claude-opus-4-6`, and `gpt-5.9` no more than others for `gpt-5-pro`.
 */
export function familyOf({ rows }: Side, model: string): Family {
  const parts = partsOf(model);
  let shared = 0;
  let family: Row[] = [];
  for (const row of rows) {
    const same = Math.max(
      ...[row.model, ...row.names, ...row.beginnings].map((name) => sharedParts(partsOf(name), parts)),
    );
    if (same === 0 || same < shared) continue;
    if (same > shared) family = [];
    shared = same;
    family.push(row);
  }
  const variants = variantsOf(model);
  const near = family.filter((row) => variantsOf(row.model) === variants);
  const alike = near.filter((row) => wordsOf(row.model) === wordsOf(model));
  return { name: parts.slice(0, shared).join("-"), shared, rows: alike.length > 0 ? alike : near };
}

function variantsOf(model: string): string {
  return partsOf(model)
    .filter((part) => apart.test(part))
    .join(" ");
}

/** What a model is called beside its version. */
function wordsOf(model: string): string {
  return partsOf(model)
    .filter((part) => !/^(\d+|latest|preview|exp)$/.test(part))
    .join(" ");
}

function sharedParts(name: readonly string[], parts: readonly string[]): number {
  let same = 0;
  while (same < name.length && name[same] === parts[same]) same++;
  return same;
}

function partsOf(model: string): string[] {
  return model.toLowerCase().split(/[-.]/);
}

/** What a row says at `now`, milliseconds since 1970; undefined before its first price. */
export function priceAt({ prices }: Row, now: number): DatedPrice | undefined {
  return prices.findLast(({ from = 0 }) => from <= now);
}
