/** The Worker's entry: the HTTP app and the Durable Object classes. */
import type { Env } from "./env.ts";
import { createApp } from "./http/app.ts";

export { PoolObject } from "./pool/pool-object.ts";
export { DirectoryObject } from "./tenant/directory-object.ts";
export { TenantObject } from "./tenant/tenant-object.ts";

const app = createApp();

export default {
  fetch: (request, env, context) => app.fetch(request, env, context),
} satisfies ExportedHandler<Env>;
