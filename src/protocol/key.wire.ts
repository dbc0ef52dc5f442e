/** Keys on the wire. */
import * as z from "zod";
import { type Describes, integer, label, moment, nameSchema, time } from "./common.wire.ts";
import type { KeyView, NewKey, Revocation } from "./key.ts";

const scope = z.enum(["admin", "spend", "gateway", "read"]).meta({ id: "KeyScope" });

export const operatorKeyBody = z.strictObject({ label: label.optional(), expires_at: moment.optional() });

export const keyBody = z
  .strictObject({
    scope,
    pool: nameSchema.optional(),
    agent: nameSchema.optional(),
    label: label.optional(),
    expires_at: moment.optional(),
  })
  .refine((fields) => fields.scope !== "admin" || fields.agent === undefined, {
    path: ["agent"],
    error: "can't be given with scope admin: an admin key manages contracts and is bound to no agent",
  });

const keyFields = {
  key_id: z.string(),
  scope,
  pool: z.string().nullable(),
  agent: z.string().nullable(),
  label: z.string().nullable(),
  created_at: time,
  expires_at: time.nullable(),
  revoked_at: time.nullable(),
};

const keyView = z.strictObject(keyFields).meta({ id: "Key" }) satisfies Describes<KeyView>;

export const keyListSchema = z.strictObject({ keys: z.array(keyView) }).meta({ id: "KeyList" });

export const newKeySchema = z
  .strictObject({ ...keyFields, key: z.string().describe("shown here and never again") })
  .meta({ id: "NewKey" }) satisfies Describes<NewKey>;

export const revocationSchema = z
  .strictObject({
    key_id: z.string(),
    revoked_at: time,
    pools: z.strictObject({ notified: integer, pending: integer }).meta({ id: "NotifiedPools" }),
  })
  .meta({ id: "Revocation" }) satisfies Describes<Revocation>;
