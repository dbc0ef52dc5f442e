/** What the control plane answers about tenants and their keys. */
import type { Scope } from "./capability.ts";

/** Where a tenant's objects may live; chosen once, because it is part of their addresses. */
export const jurisdictions = ["eu", "us", "fedramp"] as const;
export type Jurisdiction = (typeof jurisdictions)[number];

export type Tenant = {
  readonly id: string;
  readonly jurisdiction: Jurisdiction | null;
  readonly created_at: number;
};

/** What a new key is to allow; `http` signs it once it is listed here. */
export type KeyFields = {
  readonly key_id: string;
  readonly scope: Scope;
  readonly pool: string | null;
  readonly agent: string | null;
  readonly label: string | null;
  readonly expires_at: number | null;
};

/** A key as it is listed: never the key itself, which nobody keeps. */
export type KeyView = {
  readonly key_id: string;
  readonly scope: Scope;
  readonly pool: string | null;
  readonly agent: string | null;
  readonly label: string | null;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly revoked_at: number | null;
};

/** A key just made: `key` is shown here and never again. */
export type NewKey = KeyView & { readonly key: string };

export type Revocation = {
  readonly key_id: string;
  readonly revoked_at: number;
  /** Pools that know of it, and those that could not be reached yet: they are notified again until they know. */
  readonly pools: { readonly notified: number; readonly pending: number };
};
