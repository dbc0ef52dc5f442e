/** The Worker's bindings (`wrangler.toml`). */
import type { PoolObject } from "./pool/pool-object.ts";
import type { TenantObject } from "./tenant/tenant-object.ts";

/** What is called on an object from outside. Everything passed is plain data, so the platform's proxies need no types. */
export type PoolCalls = Pick<
  PoolObject,
  "run" | "reserve" | "settings" | "report" | "agent" | "reservation" | "journal" | "audit" | "remove"
>;
export type TenantCalls = Pick<TenantObject, "addPool" | "removePool" | "pools">;

type Objects<Calls> = {
  idFromName(name: string): DurableObjectId;
  get(id: DurableObjectId, options?: DurableObjectNamespaceGetDurableObjectOptions): Calls;
};

export type Env = {
  readonly POOLS: Objects<PoolCalls>;
  readonly TENANTS: Objects<TenantCalls>;
  /** Guards everything until keys exist. A secret: at least 32 characters, or nothing works. */
  readonly BURSAR_OPERATOR_TOKEN?: string;
};
