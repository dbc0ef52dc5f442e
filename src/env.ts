/** The Worker's bindings (`wrangler.toml`), and how its objects are addressed. */
import type { PoolObject } from "./pool/pool-object.ts";
import type { Bucket } from "./pool/shipping.ts";
import type { Jurisdiction } from "./protocol/tenant.ts";
import type { DirectoryObject } from "./tenant/directory-object.ts";
import type { TenantObject } from "./tenant/tenant-object.ts";
import type { WebhooksObject } from "./webhooks/webhooks-object.ts";

/** What is called on an object from outside. Everything passed is plain data, so the platform's proxies need no types. */
export type PoolCalls = Pick<
  PoolObject,
  | "run"
  | "reserve"
  | "admit"
  | "leave"
  | "settings"
  | "report"
  | "metrics"
  | "agent"
  | "reservation"
  | "journal"
  | "periods"
  | "rows"
  | "archived"
  | "archive"
  | "restore"
  | "snapshot"
  | "audit"
  | "remove"
  | "revoke"
  | "fetch"
>;
export type TenantCalls = Pick<
  TenantObject,
  | "addKey"
  | "keys"
  | "revoke"
  | "configurePool"
  | "removePool"
  | "restorePool"
  | "pools"
  | "setPrice"
  | "removePrice"
  | "price"
  | "prices"
  | "standing"
>;
export type WebhookCalls = Pick<
  WebhooksObject,
  "add" | "list" | "find" | "change" | "remove" | "rotate" | "enable" | "ping" | "deliveries" | "redeliver" | "accept"
>;
export type DirectoryCalls = Pick<DirectoryObject, "add" | "find" | "list">;

type Objects<Calls> = {
  idFromName(name: string): DurableObjectId;
  get(id: DurableObjectId, options?: DurableObjectNamespaceGetDurableObjectOptions): Calls;
  jurisdiction(jurisdiction: DurableObjectJurisdiction): Objects<Calls>;
};

export type Env = {
  readonly POOLS: Objects<PoolCalls>;
  readonly TENANTS: Objects<TenantCalls>;
  readonly WEBHOOKS: Objects<WebhookCalls>;
  readonly DIRECTORY: Objects<DirectoryCalls>;
  /** Where journals are shipped to: an R2 bucket. Absent where nothing is to leave the objects. */
  readonly ARCHIVE?: Bucket;
  /** A shield before the objects, per key; absent where the platform has none. */
  readonly KEY_RATE?: { limit(of: { readonly key: string }): Promise<{ readonly success: boolean }> };
  /** Creates tenants. A secret: at least 32 characters, or nothing works. */
  readonly BURSAR_OPERATOR_TOKEN?: string;
  /** Signs keys. A secret: at least 32 characters, or nothing works. */
  readonly BURSAR_KEY_SECRET?: string;
  /** Signed keys before the last rotation, and is still accepted. */
  readonly BURSAR_KEY_SECRET_PREVIOUS?: string;
  /** Origins that webhooks may be sent to though they are not public, separated by commas. None by default. */
  readonly BURSAR_WEBHOOK_ORIGINS?: string;
  /** Origins that a browser may call the API from, separated by commas. None by default. */
  readonly BURSAR_CORS_ORIGINS?: string;
  /** Bytes that the body of a control request may have; 65,536 by default. */
  readonly BURSAR_BODY_BYTES?: string;
  /** The providers' keys, for callers of the gateway that bring none of their own. Secrets. */
  readonly OPENAI_API_KEY?: string;
  readonly ANTHROPIC_API_KEY?: string;
  /** Where the gateway forwards to, in place of the providers' own addresses. Never the caller's choice. */
  readonly OPENAI_UPSTREAM?: string;
  readonly ANTHROPIC_UPSTREAM?: string;
  /** Lease of a call through the gateway, extended while it runs; 60,000 by default. */
  readonly BURSAR_GATEWAY_TTL_MS?: string;
  /** How long a provider, or a caller that reads a stream, may be silent; 600,000 by default. */
  readonly BURSAR_GATEWAY_SILENCE_MS?: string;
  /** What is logged: `problems` (the default), `all` requests, or `none`. */
  readonly BURSAR_LOG?: string;
};

/** The address of a pool's object. `/` is in no name, so two tenants' pools never meet. */
export function poolId(
  { POOLS }: Pick<Env, "POOLS">,
  tenant: string,
  jurisdiction: Jurisdiction | null | undefined,
  pool: string,
): DurableObjectId {
  return within(POOLS, jurisdiction).idFromName(`${tenant}/${pool}`);
}

export function tenantId(
  { TENANTS }: Pick<Env, "TENANTS">,
  tenant: string,
  jurisdiction: Jurisdiction | null | undefined,
): DurableObjectId {
  return within(TENANTS, jurisdiction).idFromName(tenant);
}

export function webhooksId(
  { WEBHOOKS }: Pick<Env, "WEBHOOKS">,
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
