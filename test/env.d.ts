declare namespace Cloudflare {
  interface Env {
    POOLS: DurableObjectNamespace<import("../src/pool/pool-object.ts").PoolObject>;
    TENANTS: DurableObjectNamespace<import("../src/tenant/tenant-object.ts").TenantObject>;
    WEBHOOKS: DurableObjectNamespace<import("../src/webhooks/webhooks-object.ts").WebhooksObject>;
    DIRECTORY: DurableObjectNamespace<import("../src/tenant/directory-object.ts").DirectoryObject>;
    /** Bound in the project `archive` alone. */
    ARCHIVE: R2Bucket;
    BURSAR_OPERATOR_TOKEN: string;
    BURSAR_KEY_SECRET: string;
  }
  interface GlobalProps {
    mainModule: typeof import("../src/index.ts");
  }
}
