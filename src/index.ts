/** The Worker's entry: the HTTP app and the Durable Object classes. */
import type { Env } from "./env.ts";
import { gateway } from "./gateway/gateway.ts";
import { isGatewayPath } from "./gateway/routes.ts";
import { createApp } from "./http/app.ts";

export { PoolObject } from "./pool/pool-object.ts";
export { DirectoryObject } from "./tenant/directory-object.ts";
export { TenantObject } from "./tenant/tenant-object.ts";
export { WebhooksObject } from "./webhooks/webhooks-object.ts";

const app = createApp();

/** Calls of models by the providers' own SDKs, or the API. */
function answer(request: Request, env: Env, context: ExecutionContext): Promise<Response> | Response {
  const [, path = ""] = /^https?:\/\/[^/]*(\/[^?#]*)/.exec(request.url) ?? [];
  return isGatewayPath(path) ? gateway(request, path, env, context) : app.fetch(request, env, context);
}

export default {
  fetch: answer,
} satisfies ExportedHandler<Env>;
