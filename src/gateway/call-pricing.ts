/**
 * What must be known before a call can be reserved: the unit of its pool, and in microusd the price of its model.
 * Units never change and prices seldom do, so an isolate remembers both for a while: a call then takes one trip to its
 * pool. The unit is checked there anyhow; a new price is in force everywhere within the time that it is remembered.
 */
import type { Env, PoolCalls } from "../env.ts";
import { withRetry } from "../http/retry.ts";
import { poolId, tenantId } from "../objects.ts";
import { familyPrice, knownPrice } from "../pricing/known.ts";
import { inMicrousd } from "../pricing/microusd.ts";
import { poolVersion } from "../pricing/origin.ts";
import type { Provider } from "../pricing/table.ts";
import { inTokens, type Tariff } from "../pricing/tariff.ts";
import { type Caller, systemCaller } from "../protocol/caller.ts";
import type { Capability } from "../protocol/key.ts";
import { limits } from "../protocol/limits.ts";
import type { Price, Rates } from "../protocol/price.ts";
import type { Refusal, Result } from "../protocol/refusals.ts";
import type { Unit } from "../protocol/unit.ts";

type Known<T> = { readonly value: T; readonly until: number };
type PoolFacts = {
  readonly unit: Unit;
  readonly fallback: Rates | null;
  readonly unknownFields: "pass" | "refuse";
};

const pools = new Map<string, Known<PoolFacts>>();
const tenantPrices = new Map<string, Known<Price | null>>();

/** A call's way to its pool, and to the prices that its tenant knows. */
export class CallPricing {
  readonly #env: Env;
  readonly #capability: Capability;
  readonly #pool: string;

  constructor(env: Env, capability: Capability, pool: string) {
    this.#env = env;
    this.#capability = capability;
    this.#pool = pool;
  }

  get caller(): Caller {
    const { key_id, agent = null, expires_at = null } = this.#capability;
    return { key_id, agent, expires_at };
  }

  /** Asks the pool; throws a 503 when it can't be reached. */
  ask<T>(ask: (pool: PoolCalls) => Promise<T>): Promise<T> {
    const { tenant, jurisdiction } = this.#capability;
    const id = poolId(this.#env, tenant, jurisdiction, this.#pool);
    return withRetry(() => ask(this.#env.POOLS.get(id)));
  }

  /** How calls of `model` are counted in this pool, or why they can't be. */
  async tariff(provider: Provider, model: string): Promise<Result<Tariff>> {
    const facts = await this.#facts();
    if (!facts.ok) return facts;
    if (facts.result.unit === "tokens") return { ok: true, result: inTokens };
    const price = await this.#price(provider, model, facts.result.fallback);
    return price === undefined
      ? { ok: false, refusal: { code: "model_not_priced", model } }
      : { ok: true, result: inMicrousd(price, model) };
  }

  /** Whether this pool refuses fields that the gateway does not know; asked after `tariff`, which has found the pool. */
  async refusesUnknownFields(): Promise<boolean> {
    const facts = await this.#facts();
    return facts.ok && facts.result.unknownFields === "refuse";
  }

  /** What is remembered turned out to be wrong: a pool of that name was made anew, in another unit. */
  forget(): void {
    pools.delete(this.#name);
  }

  /** The price of a model by its own name: the tenant's, or the one of the table. */
  async priceOf(provider: Provider, model: string): Promise<Price | undefined> {
    return (await this.#tenantPrice(model)) ?? knownPrice(model, Date.now(), provider);
  }

  get #name(): string {
    return `${this.#capability.tenant}/${this.#pool}`;
  }

  async #facts(): Promise<Result<PoolFacts>> {
    const known = recall(pools, this.#name);
    if (known !== undefined) return { ok: true, result: known };
    const settings = await this.ask((pool) => pool.query(this.caller, { about: "settings" }));
    if (!settings.ok) return settings;
    const { unit, fallback_price: fallback, unknown_fields: unknownFields } = settings.result;
    return { ok: true, result: keep(pools, this.#name, { unit, fallback, unknownFields }) };
  }

  async #price(provider: Provider, model: string, fallback: Rates | null): Promise<Price | undefined> {
    return (
      (await this.priceOf(provider, model)) ??
      (fallback === null ? familyPrice(model, Date.now(), provider) : { ...fallback, version: poolVersion })
    );
  }

  async #tenantPrice(model: string): Promise<Price | null> {
    const { tenant, jurisdiction } = this.#capability;
    const name = `${tenant}/${model}`;
    const known = recall(tenantPrices, name);
    if (known !== undefined) return known;
    const id = tenantId(this.#env, tenant, jurisdiction);
    const found = await withRetry(() => this.#env.TENANTS.get(id).price(systemCaller, model));
    return keep(tenantPrices, name, found.ok ? found.result : null);
  }
}

function recall<T>(from: Map<string, Known<T>>, name: string): T | undefined {
  const known = from.get(name);
  return known === undefined || known.until <= Date.now() ? undefined : known.value;
}

function keep<T>(into: Map<string, Known<T>>, name: string, value: T): T {
  const [oldest] = into.keys();
  if (into.size >= limits.gatewayRemembers && oldest !== undefined) into.delete(oldest);
  into.delete(name);
  into.set(name, { value, until: Date.now() + limits.gatewayRemembersMs });
  return value;
}

/** Whether the pool was not what was remembered of it. */
export function isAnotherUnit(refusal: Refusal): boolean {
  return refusal.code === "unit_mismatch";
}
