/** Calls the Worker as a client would. */
import { env, exports } from "cloudflare:workers";

export type Reply = { readonly status: number; readonly headers: Headers; readonly body: Record<string, unknown> };

type Options = { readonly body?: unknown; readonly headers?: Record<string, string>; readonly token?: string | null };

/** `body` is sent as JSON, or as it is when it is text. */
export async function api(method: string, path: string, { body, headers = {}, token }: Options = {}): Promise<Reply> {
  const all = new Headers(headers);
  if (token !== null) all.set("authorization", `Bearer ${token ?? env.BURSAR_OPERATOR_TOKEN}`);
  if (body !== undefined && !all.has("content-type")) all.set("content-type", "application/json");
  const response = await exports.default.fetch(`https://bursar.test${path}`, {
    method,
    headers: all,
    ...(body === undefined ? undefined : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
}

let pools = 0;

/** A new pool with these agents; gives its path. */
export async function newPool(
  settings: Record<string, unknown> = {},
  agents: Record<string, Record<string, unknown>> = {},
): Promise<string> {
  const path = `/v1/pools/pool-${pools++}`;
  await must(api("PUT", path, { body: settings }));
  for (const [name, contract] of Object.entries(agents)) {
    await must(api("PUT", `${path}/agents/${name}`, { body: { priority: 1, max_tokens: 1_000, ...contract } }));
  }
  return path;
}

/** The body of a reply that must be a success. */
export async function must(reply: Promise<Reply>): Promise<Record<string, unknown>> {
  const { status, body } = await reply;
  if (status >= 300) throw new Error(`${status}: ${JSON.stringify(body)}`);
  return body;
}
