declare namespace Cloudflare {
  interface Env {
    POOLS: DurableObjectNamespace<import("../src/pool/pool-object.ts").PoolObject>;
    TENANTS: DurableObjectNamespace<import("../src/tenant/tenant-object.ts").TenantObject>;
    BURSAR_OPERATOR_TOKEN: string;
  }
  interface GlobalProps {
    mainModule: typeof import("../src/index.ts");
  }
}
