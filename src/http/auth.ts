/** Authentication: the operator by its secret token, every other caller by a signed key. No object is asked for it. */
import type { Env } from "../env.ts";
import { keyPrefix, subprotocol } from "../protocol/frames.ts";
import type { Capability } from "../protocol/key.ts";
import { ApiError } from "./problems.ts";
import { mustBeConfigured } from "./settings.ts";
import { verifyKey } from "./signature.ts";

export type Principal = { readonly kind: "operator" } | { readonly kind: "key"; readonly capability: Capability };

/** The caller. Throws a 401 that does not say why, and a 503 while a required secret is missing. */
export async function authenticate(request: Request, env: Env): Promise<Principal> {
  mustBeConfigured(env);
  const operator = env.BURSAR_OPERATOR_TOKEN ?? "";
  const token = tokenOf(request.headers);
  if (token === undefined) throw unauthorized();
  if (isEqual(token, operator)) return { kind: "operator" };
  const capability = await capabilityOf(token, env);
  if (capability === undefined) throw unauthorized();
  return { kind: "key", capability };
}

/** What a key allows now; undefined if it has expired or was not signed here. */
export async function capabilityOf(key: string, env: Env): Promise<Capability | undefined> {
  mustBeConfigured(env);
  const capability = await verifyKey(key, env);
  return capability === undefined || (capability.expires_at ?? Number.POSITIVE_INFINITY) <= Date.now()
    ? undefined
    : capability;
}

/** The token of the Authorization header; of the subprotocol where a browser opens a session and can't set that header. */
function tokenOf(headers: Headers): string | undefined {
  const authorization = headers.get("authorization");
  if (authorization === null && headers.get("upgrade")?.toLowerCase() === "websocket") {
    const offered = (headers.get("sec-websocket-protocol") ?? "").split(",").map((protocol) => protocol.trim());
    const keys = offered.filter((protocol) => protocol.startsWith(keyPrefix));
    return keys.length === 1 && offered.includes(subprotocol) ? keys[0]?.slice(keyPrefix.length) : undefined;
  }
  // Two Authorization headers arrive joined by a comma, which no token contains.
  return /^Bearer ([A-Za-z0-9._~+/=-]{1,1536})$/i.exec(authorization ?? "")?.[1];
}

function unauthorized(): ApiError {
  return new ApiError("unauthorized", "Send a valid key as: Authorization: Bearer <key>.");
}

/** Compares in constant time: only the token's length can be measured, which is no secret. */
function isEqual(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(given), encoder.encode(expected)];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}
