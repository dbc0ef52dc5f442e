/**
 * The provider's side: where a call goes, and which headers go with it and come back. Both ways are lists of what is
 * let through. The address is this Worker's setting, never the caller's.
 */
import type { Env } from "../env.ts";
import { DoorError } from "../http/problems.ts";
import { settingOf } from "../http/settings.ts";
import type { Provider } from "../pricing/table.ts";
import type { Credentials } from "./credentials.ts";
import type { GatewayRoute } from "./routes.ts";

/** What a caller may tell the provider beside the body. */
const outgoing = [
  "accept",
  "accept-language",
  "anthropic-beta",
  "anthropic-version",
  "openai-beta",
  "user-agent",
  "x-client-request-id",
];
/** … and whom it may choose to be, with a key of its own. */
const outgoingOwn = ["openai-organization", "openai-project"];

/** What a question may ask for. */
const queries = ["beta", "after", "after_id", "before_id", "limit", "order"];

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
  /** The provider's address (`upstreamOf`). */
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
  for (const name of [...allowed, ...[...request.headers.keys()].filter((one) => one.startsWith("x-stainless-"))]) {
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
export function incomingHeaders(headers: Headers, { isOurs }: Credentials): Headers {
  const kept = new Headers();
  for (const [name, value] of headers) {
    if (incoming.test(name) || (!isOurs && incomingOwn.test(name))) kept.set(name, value);
  }
  return kept;
}

/** Where the provider is, without a slash at its end; throws where the setting is no address that keys may go to. */
export function upstreamOf(provider: Provider, env: Env): string {
  const address =
    provider === "openai"
      ? settingOf(env, "OPENAI_UPSTREAM", "https://api.openai.com/v1")
      : settingOf(env, "ANTHROPIC_UPSTREAM", "https://api.anthropic.com");
  return new URL(address).href.replace(/\/+$/, "");
}

/**
 * Throws a 502 for what is no answer to the caller: a redirect, which is not followed, and a complaint about a key that is
 * not the caller's but this Worker's, which says a part of it.
 */
export async function mustBeAnswer(response: Response, provider: Provider, { isOurs }: Credentials): Promise<void> {
  const { status } = response;
  const isNone = (status >= 300 && status < 400) || status > 599;
  if (!isNone && !(isOurs && (status === 401 || status === 403))) return;
  await response.body?.cancel().catch(() => undefined);
  throw upstreamFailed(provider, isNone ? `answered ${status}, which is no answer` : "refused this governor's own key");
}

/** Characters of a provider's error that are passed on. */
const errorLength = 64 * 1024;
/** What names the account that pays: its organisation or project, and its key, masked or not. */
const ofAccount = /\b(?:org|proj)[-_][A-Za-z0-9]{6,}|\bsk-[A-Za-z0-9_*.-]{6,}/g;

/**
 * A provider's error as the caller sees it. Where this Worker's key paid, what the provider says of that key and its
 * account is not the caller's business, whatever the status.
 */
export async function errorBody(response: Response, { isOurs, providerKey }: Credentials): Promise<BodyInit | null> {
  if (!isOurs || response.ok) return response.body;
  const keys = Object.values(providerKey).map((value) => value.replace(/^Bearer /, ""));
  let text = (await response.text()).slice(0, errorLength);
  for (const key of keys) text = text.replaceAll(key, "[redacted]");
  return text.replaceAll(ofAccount, "[redacted]");
}

/** A provider that did not answer, or not as it should. */
export function upstreamFailed(provider: Provider, what: string): DoorError {
  return new DoorError("upstream_failed", `${provider === "openai" ? "OpenAI" : "Anthropic"} ${what}.`);
}
