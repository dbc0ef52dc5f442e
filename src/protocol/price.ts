/** Prices of models, and what a call used with the price it was booked at. Rates are whole microusd per million tokens. */

/** What a million tokens of each kind cost, in microusd. */
export type Rates = {
  readonly input: number;
  readonly output: number;
  /** Input read from the provider's cache; as `input` where there is none. */
  readonly cache_read?: number | undefined;
  /** Input written to the provider's cache; as `input` where there is none. */
  readonly cache_write?: number | undefined;
  /** … to be kept for an hour; as `cache_write` where there is none. */
  readonly cache_write_1h?: number | undefined;
};

/** Rates of the whole call where its input has more than `above` tokens. */
export type Tier = Rates & { readonly above: number };

/** A model's rates, and those of long prompts, by rising `above`. */
export type PriceFields = Rates & { readonly tiers?: readonly Tier[] | undefined };

/** A price in force: whose it is says `source`, and `version` names it in what is booked at it. */
export type Price = PriceFields & { readonly version: string };

/** A price as it is listed. */
export type PriceView = Price & {
  readonly model: string;
  /** Where it comes from: `tenant` for one of the tenant's own, otherwise the page of the provider's. */
  readonly source: string;
  /** When it was so: the day for one of the table, milliseconds since 1970 as a date for one of the tenant's. */
  readonly as_of: string;
};

export type PriceList = { readonly prices: readonly PriceView[] };

/** What a call used, told apart by kind, as it is journaled beside the amount that was booked. */
export type BookedUsage = {
  readonly provider?: string | undefined;
  /** The model that answered. */
  readonly model?: string | undefined;
  /** All that went in: `cache_read` and `cache_write` are part of it. */
  readonly input: number;
  /** All that came out: `reasoning` is part of it. */
  readonly output: number;
  readonly cache_read?: number | undefined;
  readonly cache_write?: number | undefined;
  /** Part of `cache_write`: what is kept for an hour. */
  readonly cache_write_1h?: number | undefined;
  readonly reasoning?: number | undefined;
  /** How often the provider ran each of its tools; priced by use. */
  readonly tool_uses?: Readonly<Record<string, number>> | undefined;
  /** No report came: the counts are an estimate of what was delivered. */
  readonly estimated?: true | undefined;
  /** The price that made the amount of the counts, in a pool of microusd. */
  readonly price?: (Rates & { readonly version: string }) | undefined;
};
