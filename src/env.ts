/** The Worker's bindings (`wrangler.toml`). */
import type { CallsOf, Objects } from "./objects.ts";
import type { PoolObject } from "./pool/pool-object.ts";
import type { Bucket } from "./pool/shipping.ts";
import type { DirectoryObject } from "./tenant/directory-object.ts";
import type { TenantObject } from "./tenant/tenant-object.ts";
import type { WebhooksObject } from "./webhooks/webhooks-object.ts";

export type PoolCalls = CallsOf<PoolObject>;
export type TenantCalls = CallsOf<TenantObject>;
export type WebhookCalls = CallsOf<WebhooksObject>;
export type DirectoryCalls = CallsOf<DirectoryObject>;

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
  readonly GEMINI_API_KEY?: string;
  /** Where the gateway forwards to, in place of the providers' own addresses. Never the caller's choice. */
  readonly OPENAI_UPSTREAM?: string;
  readonly ANTHROPIC_UPSTREAM?: string;
  readonly GEMINI_UPSTREAM?: string;
  /** Lease of a call through the gateway, extended while it runs; 60,000 by default. */
  readonly BURSAR_GATEWAY_TTL_MS?: string;
  /** How long a provider, or a caller that reads a stream, may be silent; 600,000 by default. */
  readonly BURSAR_GATEWAY_SILENCE_MS?: string;
  /** What is logged: `problems` (the default), `all` requests, or `none`. */
  readonly BURSAR_LOG?: string;
};
