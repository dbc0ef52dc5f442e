/**
 * The provider's side: where a call goes, and which headers go with it and come back. Both ways are lists of what is
 * let through. The address is this Worker's setting, never the caller's.
 */

import type { Env } from "../env.ts";
import { ApiError } from "../http/problems.ts";
import { settingOf } from "../http/settings.ts";
import type { Upstream } from "../providers/upstreams.ts";
import type { Credentials } from "./credentials.ts";
import { redactionFor } from "./redaction.ts";
import type { GatewayRoute } from "./routes.ts";

/** What a caller may tell the provider beside the body. */
const outgoing = ["accept", "accept-language", "openai-beta", "user-agent", "x-client-request-id"];
/** … and the account that it may choose, with a key of its own. */
const outgoingOwn = ["openai-organization", "openai-project"];

/** What a question may ask for. */
const queries = ["alt", "beta", "pageSize", "pageToken", "after", "after_id", "before_id", "limit", "order"];

/** What looks like a key of ours has come into the wrong field; a provider must not be told it. */
function isSecret(value: string): boolean {
  return value.includes("bursar_");
}

const incoming =
  /^(content-type|retry-after|retry-after-ms|x-should-retry|request-id|x-request-id|openai-processing-ms|openai-version|openai-model|x-ratelimit-.+|anthropic-ratelimit-.+)$/;
const incomingOwn = /^(openai-organization|openai-project|anthropic-organization-id)$/;

export type Outgoing = {
  readonly route: GatewayRoute;
  readonly credentials: Credentials;
  readonly request: Request;
  /** The body, once checked and written anew; none for a question. */
  readonly body: string | undefined;
  /** The provider's address (`addressOf`). */
  readonly upstream: string;
};

/** The request to the provider. */
export function outgoingRequest({ route, credentials, request, body, upstream }: Outgoing): Request {
  const url = new URL(upstream + route.upstreamPath);
  for (const [name, value] of new URL(request.url).searchParams) {
    if (queries.includes(name) && !isSecret(value)) url.searchParams.append(name, value);
  }
  const headers = new Headers(credentials.providerKey);
  const allowed = credentials.isOurs ? outgoing : [...outgoing, ...outgoingOwn];
  // Anthropic's clients count on headers of tomorrow being passed.
  const open = [...request.headers.keys()].filter((one) => /^(x-stainless-|anthropic-(?!organization))/.test(one));
  for (const name of [...allowed, ...open]) {
    const value = request.headers.get(name);
    if (value !== null && !isSecret(value)) headers.set(name, value);
  }
  if (body !== undefined) headers.set("content-type", "application/json");
  // A redirect would lead to an address that was not configured.
  return new Request(url, {
    method: route.method,
    headers,
    redirect: "manual",
    ...(body === undefined ? {} : { body }),
  });
}

/** Headers of the provider's answer that are the caller's to see. The body is decoded by now. */
export function incomingHeaders(headers: Headers, credentials: Credentials): Headers {
  const kept = new Headers();
  const redaction = redactionFor(credentials);
  for (const [name, value] of headers) {
    const isKept = incoming.test(name) || (redaction === undefined && incomingOwn.test(name));
    if (isKept && redaction?.isIn(value) !== true) kept.set(name, value);
  }
  return kept;
}

/** Where the provider is, without a slash at its end; throws where the setting is no address that keys may go to. */
export function addressOf({ address, addressSetting }: Upstream, env: Env): string {
  return new URL(settingOf(env, addressSetting, address)).href.replace(/\/+$/, "");
}

/**
 * Throws a 502 for what is no answer to the caller: a redirect, which is not followed, and a complaint about a key that is
 * not the caller's but this Worker's, which says a part of it.
 */
export async function mustBeAnswer(response: Response, upstream: Upstream, { isOurs }: Credentials): Promise<void> {
  const { status } = response;
  const isNone = (status >= 300 && status < 400) || status > 599;
  if (!isNone && !(isOurs && (status === 401 || status === 403))) return;
  await response.body?.cancel().catch(() => undefined);
  throw upstreamFailed(upstream, isNone ? `answered ${status}, which is no answer` : "refused this governor's own key");
}

/** A provider that did not answer, or not as it should. */
export function upstreamFailed({ title }: Upstream, what: string): ApiError {
  return new ApiError("upstream_failed", `${title} ${what}.`);
}
