/**
 * Who is asking. Until keys exist, one operator's token guards everything and a header names the tenant; this file is
 * all that changes when they come.
 */
import type { Env } from "../env.ts";
import { name } from "../protocol/schemas.ts";
import { DoorError, invalid } from "./problems.ts";

export type Principal = { readonly tenant: string };

/** A token that could be guessed is no token. */
const minTokenLength = 32;

/** The caller, or a 401. A missing or short operator token is our operator's mistake: nothing works until it is set. */
export function authenticate(request: Request, env: Env): Principal {
  const expected = env.BURSAR_OPERATOR_TOKEN ?? "";
  if (expected.length < minTokenLength) {
    throw new DoorError(
      "misconfigured",
      `Set the secret BURSAR_OPERATOR_TOKEN to at least ${minTokenLength} characters.`,
    );
  }
  // Two Authorization headers arrive joined by a comma, which no token contains.
  const given = /^Bearer ([A-Za-z0-9._~+/=-]{1,512})$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === undefined || !isEqual(given, expected)) {
    throw new DoorError("unauthorized", "Send the token as: Authorization: Bearer <token>.");
  }
  const tenant = request.headers.get("x-bursar-tenant") ?? "default";
  if (!name.safeParse(tenant).success) throw invalid("x-bursar-tenant", "is not a name");
  return { tenant };
}

/** Takes as long for a wrong token as for the right one; only its length shows, which is no secret. */
function isEqual(given: string, expected: string): boolean {
  const encoder = new TextEncoder();
  const [left, right] = [encoder.encode(given), encoder.encode(expected)];
  return left.byteLength === right.byteLength && crypto.subtle.timingSafeEqual(left, right);
}
