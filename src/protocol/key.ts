/**
 * A key is a signed, self-describing capability: `bursar_<payload>.<signature>`, both base64url. The payload says all
 * that the edge needs to know, so that no look-up stands between a request and its pool. `http/signature.ts` signs.
 */
import type { Jurisdiction } from "./tenant.ts";

/** What a key may do. `operator` is not a key: it is the secret that creates tenants. */
export type Scope = "admin" | "spend" | "gateway" | "read";

export type Capability = {
  readonly tenant: string;
  /** Part of an object's address, so it travels in the key. */
  readonly jurisdiction?: Jurisdiction;
  readonly key_id: string;
  readonly scope: Scope;
  /** Reaches this pool alone. */
  readonly pool?: string;
  /** Spends as this agent alone. */
  readonly agent?: string;
  /** Dead from then on, milliseconds since 1970. */
  readonly expires_at?: number;
};

/** Version of the payload; a key of another version is none. */
const version = 1;

/** The payload of a key, ready to be signed. */
export function encodeCapability(capability: Capability): string {
  const { tenant, jurisdiction, key_id, scope, pool, agent, expires_at } = capability;
  const fields = { v: version, t: tenant, j: jurisdiction, k: key_id, s: scope, p: pool, a: agent, e: expires_at };
  return toBase64Url(new TextEncoder().encode(JSON.stringify(fields)));
}

/** The capability in a payload that carries our signature: what is in it, we wrote. Undefined for another version. */
export function decodeCapability(payload: string): Capability | undefined {
  const fields: Record<string, unknown> = JSON.parse(new TextDecoder().decode(fromBase64Url(payload)));
  if (fields["v"] !== version) return undefined;
  const { t: tenant, j: jurisdiction, k: key_id, s: scope, p: pool, a: agent, e: expires_at } = fields;
  const given = Object.entries({ jurisdiction, pool, agent, expires_at }).filter(([, value]) => value !== undefined);
  return { tenant, key_id, scope, ...Object.fromEntries(given) } as Capability;
}

export function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Throws for what is not base64url. */
export function fromBase64Url(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
}

/** What a new key is to allow; `http` signs it once it is listed here. */
export type KeyFields = {
  readonly key_id: string;
  readonly scope: Scope;
  readonly pool: string | null;
  readonly agent: string | null;
  readonly label: string | null;
  readonly expires_at: number | null;
};

/** A key as it is listed: never the key itself, which is not kept. */
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

/** A revoked key, until it would have expired anyway: null for one that never expires. */
export type RevokedKey = { readonly key_id: string; readonly expires_at: number | null };
