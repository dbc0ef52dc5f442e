/** Creates keys: listed in their tenant first, then signed, and never with more rights than the key that asks for them. */
import type * as z from "zod";
import type { Capability, KeyFields, NewKey } from "../protocol/key.ts";
import { keyBody } from "../protocol/key.wire.ts";
import type { Result } from "../protocol/refusals.ts";
import type { Jurisdiction } from "../protocol/tenant.ts";
import { uuid7 } from "../protocol/uuid.ts";
import { invalid } from "./problems.ts";
import type { RequestContext } from "./request-context.ts";
import { signKey } from "./signature.ts";

export type NewKeyFields = Pick<KeyFields, "scope"> & {
  readonly [Field in "pool" | "agent" | "label" | "expires_at"]?: KeyFields[Field] | undefined;
};
type Home = { readonly tenant: string; readonly jurisdiction?: Jurisdiction | null };

/** Lists a key in its tenant, then signs it. */
export async function makeKey(
  call: RequestContext,
  { tenant, jurisdiction }: Home,
  fields: NewKeyFields,
): Promise<Result<unknown>> {
  const { scope, pool = null, agent = null, label = null, expires_at = null } = fields;
  const key_id = uuid7();
  const { requestId } = call;
  const added = await call.tenantOf(tenant, jurisdiction, (stub, caller) =>
    stub.addKey(caller, requestId, { key_id, scope, pool, agent, label, expires_at }),
  );
  if (!added.ok) return added;
  const capability: Capability = {
    tenant,
    // A repeat is answered with the first key: signing the same fields gives the same text.
    key_id: added.result.key_id,
    scope,
    ...(jurisdiction == null ? undefined : { jurisdiction }),
    ...(pool === null ? undefined : { pool }),
    ...(agent === null ? undefined : { agent }),
    ...(expires_at === null ? undefined : { expires_at }),
  };
  const made: NewKey = { ...added.result, key: await signKey(capability, call.env) };
  return { ok: true, result: made };
}

/** The fields of a new key, bounded by the key that asks for it: the same pool, and no later expiry. */
export function withinMaker(maker: Capability, fields: z.output<typeof keyBody>): NewKeyFields {
  const pool = fields.pool ?? maker.pool ?? null;
  if (maker.pool !== undefined && pool !== maker.pool)
    throw invalid("/pool", `must be ${maker.pool}, as your own key's`);
  const expires_at = fields.expires_at ?? maker.expires_at ?? null;
  if (expires_at !== null && expires_at <= Date.now()) throw invalid("/expires_at", "has passed");
  if (maker.expires_at !== undefined && (expires_at ?? Number.POSITIVE_INFINITY) > maker.expires_at) {
    throw invalid("/expires_at", "must not be later than your own key's");
  }
  const { scope, agent = null, label = null } = fields;
  return { scope, pool, agent, label, expires_at };
}
