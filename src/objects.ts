/** How the Worker and its objects call one another: by stubs, whose addresses are made of names. */
import type { Caller } from "./protocol/caller.ts";
import type { Command, Execution } from "./protocol/commands.ts";
import type { RestoreResult } from "./protocol/journal.ts";
import type { RevokedKey } from "./protocol/key.ts";
import type { Result } from "./protocol/refusals.ts";
import type { Jurisdiction } from "./protocol/tenant.ts";

/** What is called on an object: the public methods of its class, but for those that the platform calls. All that is passed is plain data, so the platform's proxies need no types. */
export type CallsOf<Class> = Omit<
  Class,
  "alarm" | "connect" | "webSocketMessage" | "webSocketClose" | "webSocketError"
>;

/** What a tenant asks of its pools. */
export type PoolControl = {
  execute(caller: Caller, commands: readonly Command[]): Promise<Execution>;
  remove(caller: Caller, force: boolean): Promise<Result<{ deleted: true }>>;
  restore(revoked: readonly RevokedKey[], request: string): Promise<Result<RestoreResult>>;
  revoke(keys: readonly RevokedKey[]): Promise<void>;
};

export type Objects<Calls> = {
  idFromName(name: string): DurableObjectId;
  get(id: DurableObjectId, options?: DurableObjectNamespaceGetDurableObjectOptions): Calls;
  jurisdiction(jurisdiction: DurableObjectJurisdiction): Objects<Calls>;
};

/** The address of a pool's object. `/` is in no name, so two tenants' pools never meet. */
export function poolId(
  { POOLS }: { readonly POOLS: Objects<unknown> },
  tenant: string,
  jurisdiction: Jurisdiction | null | undefined,
  pool: string,
): DurableObjectId {
  return within(POOLS, jurisdiction).idFromName(`${tenant}/${pool}`);
}

export function tenantId(
  { TENANTS }: { readonly TENANTS: Objects<unknown> },
  tenant: string,
  jurisdiction: Jurisdiction | null | undefined,
): DurableObjectId {
  return within(TENANTS, jurisdiction).idFromName(tenant);
}

export function webhooksId(
  { WEBHOOKS }: { readonly WEBHOOKS: Objects<unknown> },
  tenant: string,
  jurisdiction: Jurisdiction | null | undefined,
): DurableObjectId {
  return within(WEBHOOKS, jurisdiction).idFromName(tenant);
}

/** Objects of a jurisdiction. Plain workerd has none, because it has no places: there all objects are in one. */
function within<Calls>(objects: Objects<Calls>, jurisdiction: Jurisdiction | null | undefined): Objects<Calls> {
  if (jurisdiction === null || jurisdiction === undefined) return objects;
  try {
    return objects.jurisdiction(jurisdiction);
  } catch (error) {
    // Anything else must not end in a place where the tenant's data may not be.
    if (error instanceof Error && error.message.includes("not implemented in workerd")) return objects;
    throw error;
  }
}
