/**
 * The two keys of a call: Bursar's, which says who spends, and the provider's, which pays. Bursar's travels in
 * `x-bursar-key` beside the caller's own provider key; or it is the SDK's API key, and the provider's key is a secret
 * of this Worker.
 */
import type { Env } from "../env.ts";
import { capabilityOf, type Principal } from "../http/auth.ts";
import { ApiError, invalid } from "../http/problems.ts";
import { mustBeOwn, mustHave, rights } from "../http/rights.ts";
import { nameSchema } from "../protocol/common.wire.ts";
import type { Capability } from "../protocol/key.ts";
import type { Result } from "../protocol/refusals.ts";
import type { Upstream } from "../providers/upstreams.ts";

/** The headers that carry a provider's key, and nothing else. */
export type ProviderKey = Readonly<Record<string, string>>;

export type Credentials = {
  readonly capability: Capability;
  readonly providerKey: ProviderKey;
  /** Whether the provider's key is this Worker's own, and not the caller's. */
  readonly isOurs: boolean;
};

/** Reads both keys; throws a 401 or 403. `learn` hears of the caller as soon as it is known. */
export async function credentialsOf(
  { headers }: Request,
  upstream: Upstream,
  env: Env,
  learn: (principal: Principal) => void,
): Promise<Credentials> {
  const own = headers.get("x-bursar-key");
  const bearer = /^Bearer ([\x21-\x2b\x2d-\x7e]{1,4096})$/i.exec(headers.get("authorization") ?? "")?.[1];
  const apiKey = headers.get("x-api-key") ?? headers.get("x-goog-api-key");
  const key = own ?? [bearer, apiKey].find((one) => one?.startsWith("bursar_") === true);
  const capability = key == null ? undefined : await capabilityOf(key, env);
  if (capability === undefined) {
    throw new ApiError("unauthorized", "Send a key of Bursar's as the SDK's API key, or in x-bursar-key.");
  }
  const principal: Principal = { kind: "key", capability };
  learn(principal);
  mustHave(rights.callModels, principal);
  // With Bursar's key in a header of its own, whatever else is there is meant to be the provider's.
  const brings = own !== null && (headers.has("authorization") || apiKey !== null);
  const providerKey = brings ? callersKey(bearer, apiKey, upstream, env) : workersKey(upstream, env);
  return { capability, isOurs: !brings, providerKey };
}

/** The caller's own key, in the header that it came in. Never one of ours: it would be told to a stranger. */
function callersKey(
  bearer: string | undefined,
  apiKey: string | null,
  { keyHeader }: Upstream,
  { BURSAR_OPERATOR_TOKEN: operator = "" }: Env,
): ProviderKey {
  const key = apiKey ?? bearer ?? "";
  // A comma joins two headers of one name. The operator's token never reaches a provider either.
  if (key === "" || /bursar_|,/.test(key) || (operator !== "" && key.includes(operator))) {
    throw new ApiError(
      "unauthorized",
      "The provider's key beside x-bursar-key can't be read: send it as its SDK does.",
    );
  }
  // As a bearer token where the SDK sent it so: OAuth tokens of Anthropic's and Google's are.
  if (apiKey === null) return { authorization: `Bearer ${key}` };
  return { [keyHeader === "authorization" ? "x-api-key" : keyHeader]: key };
}

function workersKey({ title, secret, keyHeader }: Upstream, env: Env): ProviderKey {
  const key = env[secret] ?? "";
  if (key === "") {
    throw new ApiError(
      "unauthorized",
      `This governor has no key for ${title}: set its secret ${secret}, or send your own and Bursar's in x-bursar-key.`,
    );
  }
  return { [keyHeader]: keyHeader === "authorization" ? `Bearer ${key}` : key };
}

export type Spender = { readonly pool: string; readonly agent: string };

/** The pool and agent that a call is for: the key's, or what the headers say where the key leaves it open. */
export function spenderOf({ headers }: Request, capability: Capability): Result<Spender> {
  const pool = named(headers, "x-bursar-pool", capability.pool);
  const agent = named(headers, "x-bursar-agent", capability.agent);
  // A pool that the key does not reach is not there.
  if (capability.pool !== undefined && pool !== capability.pool)
    return { ok: false, refusal: { code: "pool_not_found" } };
  mustBeOwn(capability, [agent]);
  return { ok: true, result: { pool, agent } };
}

function named(headers: Headers, header: string, bound: string | undefined): string {
  const value = headers.get(header) ?? bound;
  if (value === undefined) throw invalid(header, "is required: the key is not bound to one");
  const parsed = nameSchema.safeParse(value);
  if (!parsed.success) throw invalid(header, parsed.error.issues[0]?.message ?? "is not valid");
  return value;
}
