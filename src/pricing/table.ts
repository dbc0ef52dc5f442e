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

export type Provider = "openai" | "anthropic";

export type PriceTable = {
  /** Of the package that it was generated from. */
  readonly version: string;
  /** The day of that version, as 2026-09-23. */
  readonly as_of: string;
  readonly providers: Readonly<Record<Provider, { readonly source: string; readonly rows: readonly Row[] }>>;
};

/** The row of `model`: by its whole name first, then by its longest beginning, then by pattern. */
export function rowOf(table: PriceTable, provider: Provider, model: string): Row | undefined {
  const { rows } = table.providers[provider];
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
 * What may follow the beginning of a name: the date of a snapshot, or where it is served. `claude-sonnet-5` begins
 * `claude-sonnet-5-5` and `claude-sonnet-5-fast` too, which are other models and have other prices.
 */
function isSnapshot(rest: string): boolean {
  return /^($|-latest$|[:@]|[-@]?\d{4,}(-\d\d-\d\d)?($|[:@])|\d\d-\d\d($|[:@]))/.test(rest);
}

/** What a row says at `now`, milliseconds since 1970; undefined before its first price. */
export function priceAt({ prices }: Row, now: number): DatedPrice | undefined {
  return prices.findLast(({ from = 0 }) => from <= now);
}
