/** What the calls of a pool take. Amounts are in the pool's unit. */
import type { GivenPoolRefill, GivenRule } from "../protocol/period.ts";
import type { Rates } from "../protocol/price.ts";
import type { Metadata, OnExpiry } from "../protocol/reservation.ts";
import type { Unit } from "../protocol/unit.ts";
import type { Hold } from "./hold.ts";
import type { Prices } from "./prices.ts";
import type { CallOptions } from "./transport.ts";

export type PoolSettings = {
  /** What the pool counts; fixed when it is created. Default tokens. */
  readonly unit?: Unit;
  /** Total that agents' allocations come out of. `null`, the default: registering an agent issues its allocation. */
  readonly budget?: number | null;
  readonly equal_priority_donates?: boolean;
  readonly default_ttl_ms?: number;
  readonly journal_refusals?: boolean;
  /** What the gateway books a model at that has no price, in a pool of microusd. Without one it is refused. */
  readonly fallback_price?: Rates | null;
  /** When the budget is filled again, which begins a new period. `null`: only by `resetPeriod`. */
  readonly refill?: GivenPoolRefill | null;
  /** Percentages of a budget that are warned of, once in a period. Default 50, 80, 95 and 100. */
  readonly warn_at?: readonly number[];
  /** How long the journal is kept, in days; before that it is shipped, where there is an archive. `null`: for ever. */
  readonly journal_days?: number | null;
  readonly location_hint?: string;
};

/** What an agent may spend, and how important it is. */
export type Contract = {
  /** 0 to 1,000; higher is more important. */
  readonly priority: number;
  /** Its allocation, in the pool's unit: `max_microusd` in a pool of microusd. */
  readonly max_tokens?: number;
  readonly max_microusd?: number;
  /** What it keeps when others need budget. Default a tenth of its allocation. */
  readonly min_reserve?: number;
  /** At or above this confidence its gate closes. */
  readonly confidence_threshold?: number | null;
  /** Where the gateway finds an answer's confidence: a JSON pointer into it, or the name of a header. */
  readonly confidence_path?: string | null;
  /** What transfers may not lift its allocation above. */
  readonly ceiling?: number | null;
  /** The agent whose budget it draws from. */
  readonly parent?: string | null;
  /** The last of its budget, which only a reserve with `final: true` may take: an agent can always end with an answer. */
  readonly final_reserve?: number;
  /** A guard against loops: how many reserves it is granted in a minute. */
  readonly max_reserves_per_minute?: number | null;
  /** When its own allocation is filled again, out of the pool's budget. */
  readonly refill?: GivenRule | null;
};

export type ReserveOptions = CallOptions & {
  /** Take less than asked, down to this, when less is all there is. */
  readonly at_least?: number;
  /** When the hold ends by itself. Default: the pool's, two minutes unless set. */
  readonly ttl_ms?: number;
  /** Wait in line this long for budget to come free, up to 60,000. */
  readonly wait_ms?: number;
  readonly on_expiry?: OnExpiry;
  readonly metadata?: Metadata;
  /** The agent's last call: it may take what the contract keeps for that. */
  readonly final?: true;
  /** Made by the client unless given; the same id again is the same reservation. */
  readonly id?: string;
  /**
   * When the governor can't be reached: `refuse`, the default, throws; `allow` gives a hold with `governed: false`, and
   * what is committed on it is booked once the governor is back.
   */
  readonly on_unreachable?: "refuse" | "allow";
};

/** What a governed call needs of its pool. */
export type Governor = {
  readonly unit: Unit;
  readonly prices: Prices;
  reserve(agent: string, amount: number, options?: ReserveOptions): Promise<Hold>;
};
