/**
 * The Durable Object of a tenant: the control plane. It lists the tenant's pools and keys, creates and deletes pools, and
 * notifies pools of revoked keys. No reserve or commit depends on it. Its name is the tenant's id.
 */
import { DurableObject } from "cloudflare:workers";
import { type Objects, type PoolControl, poolId } from "../objects.ts";
import { type Caller, type RequestId, systemCaller } from "../protocol/caller.ts";
import type { Outcome } from "../protocol/commands.ts";
import type { RestoreResult } from "../protocol/journal.ts";
import type { KeyFields, KeyView, Revocation } from "../protocol/key.ts";
import { limits } from "../protocol/limits.ts";
import type { ConfigureCommand, PoolList } from "../protocol/pool.ts";
import type { PriceFields, PriceView } from "../protocol/price.ts";
import { noArchive, type Refusal, type Result } from "../protocol/refusals.ts";
import { shareOf } from "../protocol/share.ts";
import type { Jurisdiction } from "../protocol/tenant.ts";
import { migrate, schemaVersion } from "../storage/migrate.ts";
import { Requests } from "../storage/requests.ts";
import { Keys } from "./keys.ts";
import { Pools } from "./pools.ts";
import { Prices } from "./prices.ts";
import { tenantSteps } from "./schema.ts";

/** How many pools are notified at once: as many outgoing calls as the platform allows an object. */
const notifiedAtOnce = 6;
/** How many pools are notified before a revocation answers; the alarm notifies the rest. */
const notifiedBeforeAnswer = 600;
const retryMs = 2_000;

/** What a tenant needs of the Worker's bindings. Of `ARCHIVE` only whether it is bound. */
type TenantEnv = { readonly POOLS: Objects<PoolControl>; readonly ARCHIVE?: unknown };

export class TenantObject extends DurableObject<TenantEnv> {
  readonly #keys: Keys;
  readonly #pools: Pools;
  readonly #prices: Prices;
  readonly #requests: Requests;
  /** The last pending operation on each pool: creating, deleting and restoring it must not overlap. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(ctx: DurableObjectState, env: TenantEnv) {
    super(ctx, env);
    this.#keys = new Keys(ctx.storage.sql);
    this.#pools = new Pools(ctx.storage.sql);
    this.#prices = new Prices(ctx.storage.sql);
    this.#requests = new Requests(ctx.storage.sql);
    // No tables for a tenant that was never created: each object with storage is kept, and billed.
    if (schemaVersion(ctx.storage) > 0) migrate(ctx.storage, tenantSteps);
  }

  /** Lists a key before it is signed: a signed key that is not listed could never be revoked. Idempotent by `request`. */
  async addKey(caller: Caller, request: RequestId, fields: KeyFields): Promise<Result<KeyView>> {
    migrate(this.ctx.storage, tenantSteps);
    const refusal = this.#refusalTo(caller);
    if (refusal !== null) return { ok: false, refusal };
    const now = Date.now();
    const { key_id: _, ...asked } = fields;
    const added = this.#requests.once(request, `key ${JSON.stringify(asked)}`, now, () =>
      this.#addKey(caller, fields, now),
    );
    if (!added.ok) return added;
    // A repeat is answered with the key as it is now, so that it is not signed again once it is revoked.
    const key = this.#keys.get(added.result.key_id);
    return key === undefined || key.revoked_at !== null
      ? { ok: false, refusal: { code: "key_not_found", key_id: added.result.key_id } }
      : { ok: true, result: key };
  }

  #addKey(caller: Caller, fields: KeyFields, now: number): Result<KeyView> {
    this.#keys.forgetExpired(now);
    const refusal = this.#tooManyKeys(caller, fields.pool);
    if (refusal !== null) return { ok: false, refusal };
    this.#keys.add(fields, now);
    const key = this.#keys.get(fields.key_id);
    if (key === undefined) throw new Error("the key just listed is not there");
    return { ok: true, result: key };
  }

  /**
   * Checks the limits and lists the key. A pool's admin must leave keys for all other pools, and may not fill the list with
   * keys that it revokes. The operator can always create one, or a tenant without a key would be locked out.
   */
  #tooManyKeys({ key_id }: Caller, pool: string | null): Refusal | null {
    const working = this.#keys.count();
    const revoked = this.#keys.countRevoked();
    if (key_id === null) return beyond("keysPerTenant", working, limits.keysPerTenant + limits.keysOfOperator);
    const ofTenant =
      beyond("keysPerTenant", working, limits.keysPerTenant) ??
      beyond("revokedKeysPerTenant", revoked, limits.revokedKeysPerTenant);
    if (ofTenant !== null || pool === null) return ofTenant;
    const own = this.#keys.count(pool);
    const ownRevoked = this.#keys.countRevoked(pool);
    return (
      beyond("keysPerPool", own, shareOf(limits.keysPerTenant, working - own)) ??
      beyond("revokedKeysPerPool", ownRevoked, shareOf(limits.revokedKeysPerTenant, revoked - ownRevoked))
    );
  }

  /** Keys by id; only those bound to `pool`, unless it is null. */
  async keys(caller: Caller, pool: string | null, after: string, count: number): Promise<Result<{ keys: KeyView[] }>> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== null) return { ok: false, refusal };
    return { ok: true, result: { keys: this.#exists() ? this.#keys.list(pool, after, count) : [] } };
  }

  /**
   * Revokes a key, and notifies every pool that it reaches before it answers. Pools that could not be reached are retried by
   * the alarm; the answer says how many those are, and a repeated request how many are left.
   */
  async revoke(caller: Caller, request: RequestId, pool: string | null, keyId: string): Promise<Result<Revocation>> {
    return this.#once(caller, request, `revoke ${keyId}`, () => this.#revoke(pool, keyId));
  }

  async #revoke(pool: string | null, keyId: string): Promise<Result<Revocation>> {
    const known = this.#exists() ? this.#keys.get(keyId) : undefined;
    if (known === undefined || (pool !== null && known.pool !== pool)) {
      return { ok: false, refusal: { code: "key_not_found", key_id: keyId } };
    }
    this.#keys.revoke(keyId, Date.now());
    // Set before any pool is notified: if this object is reset now, the alarm continues.
    if (this.#pools.countPending() > 0) await this.ctx.storage.setAlarm(Date.now() + retryMs);
    await this.#notifyAll(notifiedBeforeAnswer);
    if (this.#pools.countPending() === 0) await this.ctx.storage.deleteAlarm();
    const pending = this.#pools.countPendingOf(keyId);
    const revoked_at = this.#keys.get(keyId)?.revoked_at ?? Date.now();
    const reached = known.pool === null ? this.#pools.count() : Number(this.#pools.has(known.pool));
    return { ok: true, result: { key_id: keyId, revoked_at, pools: { notified: reached - pending, pending } } };
  }

  /** Creates a pool, or changes its settings. It is listed first, and notified of revoked keys before it can be used. */
  configurePool(
    caller: Caller,
    name: string,
    command: ConfigureCommand,
    hint?: DurableObjectLocationHint,
  ): Promise<Outcome> {
    return this.#inTurn(name, async () => {
      migrate(this.ctx.storage, tenantSteps);
      const refusal = this.#refusalTo(caller) ?? this.#tooManyPools(name);
      if (refusal !== null) return { ok: false, refusal };
      this.#pools.add(name, Date.now());
      await this.#notify(name);
      const { outcomes } = await this.#pool(name, hint).execute(systemCaller, [command]);
      const [outcome] = outcomes;
      if (outcome === undefined) throw new Error("the pool gave no outcome");
      return outcome;
    });
  }

  /** Deletes a pool with everything that it stored. A repeat completes a deletion that was interrupted. */
  removePool(caller: Caller, request: RequestId, name: string, force: boolean): Promise<Result<{ deleted: true }>> {
    return this.#inTurn(name, () =>
      this.#once(caller, request, `remove ${name} ${force}`, async () => {
        if (!this.#exists()) return { ok: false, refusal: { code: "pool_not_found" } };
        this.#pools.forgets(name);
        const isListed = this.#pools.has(name);
        const removed = await this.#pool(name).remove(systemCaller, force);
        const isGone = !removed.ok && removed.refusal.code === "pool_not_found";
        if (removed.ok || isGone) this.#pools.remove(name);
        // Deleted, but this object was reset before it could store that: the pool is gone and still listed.
        return isListed && isGone ? { ok: true, result: { deleted: true } } : removed;
      }),
    );
  }

  /** Restores a pool from the archive. It is notified of revoked keys before it can be used. */
  restorePool(caller: Caller, request: RequestId, name: string): Promise<Result<RestoreResult>> {
    return this.#inTurn(name, () => {
      migrate(this.ctx.storage, tenantSteps);
      return this.#once(caller, request, `restore ${name}`, () => this.#restorePool(request, name));
    });
  }

  async #restorePool(request: RequestId, name: string): Promise<Result<RestoreResult>> {
    const refusal = this.#noArchive() ?? this.#tooManyPools(name);
    if (refusal !== null) return { ok: false, refusal };
    const isListed = this.#pools.has(name);
    this.#pools.add(name, Date.now());
    // Even if the restore fails, what the pool had stored of revoked keys may be gone: notify it of all of them again.
    this.#pools.forgets(name);
    const revocations = this.#pools.pendingFor(name);
    let restored: Result<RestoreResult> | undefined;
    try {
      restored = await this.#pool(name).restore(revocations, `${request.caller} ${request.key}`);
      const last = revocations.at(-1);
      if (restored.ok && last !== undefined) this.#pools.notified(name, last.revocation);
      return restored;
    } finally {
      const isNothing = restored === undefined || (!restored.ok && restored.refusal.code === "archive_not_found");
      if (isNothing && !isListed) this.#pools.remove(name);
      if (this.#pools.countPending() > 0) await this.ctx.storage.setAlarm(Date.now() + retryMs);
    }
  }

  /** Pools by name, after `after`. */
  async pools(caller: Caller, after: string, count: number): Promise<Result<PoolList>> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== null) return { ok: false, refusal };
    return { ok: true, result: this.#exists() ? this.#pools.list(after, count) : { pools: [] } };
  }

  /** Sets the tenant's own price of a model, in place of any other. */
  async setPrice(caller: Caller, model: string, fields: PriceFields): Promise<Result<PriceView>> {
    migrate(this.ctx.storage, tenantSteps);
    const refusal = this.#refusalTo(caller);
    if (refusal !== null) return { ok: false, refusal };
    if (this.#prices.get(model) === undefined && this.#prices.count() >= limits.pricesPerTenant) {
      const maximum = limits.pricesPerTenant;
      return { ok: false, refusal: { code: "limit_reached", limit: "pricesPerTenant", maximum } };
    }
    this.#prices.set(model, fields, Date.now());
    return this.price(caller, model);
  }

  /** Removes the tenant's own price; the model's known price applies again. */
  async removePrice(caller: Caller, request: RequestId, model: string): Promise<Result<{ deleted: true }>> {
    return this.#once(caller, request, `remove price ${model}`, async () => {
      const found = await this.price(caller, model);
      if (!found.ok) return found;
      this.#prices.remove(model);
      return { ok: true, result: { deleted: true } };
    });
  }

  /** The tenant's own price of a model. */
  async price(caller: Caller, model: string): Promise<Result<PriceView>> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== null) return { ok: false, refusal };
    const price = this.#exists() ? this.#prices.get(model) : undefined;
    return price === undefined
      ? { ok: false, refusal: { code: "price_not_found", model } }
      : { ok: true, result: price };
  }

  /** All of the tenant's own prices, by model. */
  async prices(caller: Caller): Promise<Result<readonly PriceView[]>> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== null) return { ok: false, refusal };
    return { ok: true, result: this.#exists() ? this.#prices.list() : [] };
  }

  /** Runs a write once for each `request`, and answers repeats. Revoked keys are refused before either. */
  async #once<T>(caller: Caller, request: RequestId, what: string, run: () => Promise<Result<T>>): Promise<Result<T>> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== null) return { ok: false, refusal };
    // A tenant that was never created has nothing to repeat, and must leave no tables behind.
    if (!this.#exists()) return run();
    const known = this.#requests.find<T>(request, what, Date.now());
    return known ?? this.#requests.keep(request, what, await run(), Date.now());
  }

  override async alarm(): Promise<void> {
    if (!this.#exists()) return;
    await this.#notifyAll(Number.MAX_SAFE_INTEGER);
    if (this.#pools.countPending() > 0) await this.ctx.storage.setAlarm(Date.now() + 15 * retryMs);
  }

  async #notifyAll(most: number): Promise<void> {
    const names = this.#pools.pending(most);
    const notify = async (): Promise<void> => {
      for (let name = names.pop(); name !== undefined; name = names.pop()) {
        const pool = name;
        // A pool that could not be reached stays pending for the alarm.
        await this.#inTurn(pool, () => this.#notify(pool)).catch(() => undefined);
      }
    };
    await Promise.all(Array.from({ length: notifiedAtOnce }, notify));
  }

  async #notify(name: string): Promise<void> {
    const revocations = this.#pools.pendingFor(name);
    const last = revocations.at(-1);
    if (last === undefined) return;
    await this.#pool(name).revoke(revocations.map(({ key_id, expires_at }) => ({ key_id, expires_at })));
    this.#pools.notified(name, last.revocation);
  }

  #pool(name: string, locationHint?: DurableObjectLocationHint): PoolControl {
    const { name: tenant = "", jurisdiction } = this.ctx.id;
    const id = poolId(this.env, tenant, jurisdiction as Jurisdiction | undefined, name);
    return this.env.POOLS.get(id, locationHint === undefined ? undefined : { locationHint });
  }

  #inTurn<T>(name: string, run: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before
      .catch(() => undefined)
      .then(run)
      .finally(() => {
        if (this.#turns.get(name) === turn) this.#turns.delete(name);
      });
    this.#turns.set(name, turn);
    return turn;
  }

  /** The refusal of every request of this caller, because its key is revoked; null if it is not. */
  async standing(caller: Caller): Promise<Refusal | null> {
    return this.#refusalTo(caller);
  }

  #refusalTo({ key_id }: Caller): Refusal | null {
    return key_id !== null && this.#exists() && this.#keys.isRevoked(key_id) ? { code: "key_revoked" } : null;
  }

  #noArchive(): Refusal | null {
    return this.env.ARCHIVE === undefined ? noArchive : null;
  }

  #tooManyPools(name: string): Refusal | null {
    return !this.#pools.has(name) && this.#pools.count() >= limits.poolsPerTenant
      ? { code: "limit_reached", limit: "poolsPerTenant", maximum: limits.poolsPerTenant }
      : null;
  }

  #exists(): boolean {
    return schemaVersion(this.ctx.storage) > 0;
  }
}

/** The refusal if there are `maximum` already. */
function beyond(limit: string, count: number, maximum: number): Refusal | null {
  return count >= maximum ? { code: "limit_reached", limit, maximum } : null;
}
