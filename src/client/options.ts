/** What the calls of a pool take. Amounts are in the pool's unit. */
import type { RegisterCommand } from "../protocol/agent.ts";
import type { ConfigureCommand } from "../protocol/pool.ts";
import type { Metadata, OnExpiry } from "../protocol/reservation.ts";
import type { Unit } from "../protocol/unit.ts";
import type { Hold } from "./hold.ts";
import type { Prices } from "./prices.ts";
import type { CallOptions } from "./transport.ts";

/** A pool's settings. What is left out keeps its value, or at first its default; `null` takes it away. */
export type PoolOptions = Omit<ConfigureCommand, "op"> & {
  /** Where the pool's object is to be placed when it is created: `weur`, `enam`, … */
  readonly location_hint?: string;
};

/** What an agent may spend, and how important it is. What is left out keeps its value, or at first its default. */
export type ContractOptions = Omit<RegisterCommand, "op" | "agent" | "max" | "unit"> & {
  /** Its allocation, in the pool's unit: `max_microusd` in a pool of microusd. */
  readonly max_tokens?: number | undefined;
  readonly max_microusd?: number | undefined;
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
  readonly name: string;
  readonly unit: Unit;
  readonly prices: Prices;
  reserve(agent: string, amount: number, options?: ReserveOptions): Promise<Hold>;
};
