/** Tenants on the wire. */
import * as z from "zod";
import { type Describes, nameSchema, time } from "./common.wire.ts";
import { newKeySchema } from "./key.wire.ts";
import { jurisdictions, type Tenant } from "./tenant.ts";

const jurisdiction = z.enum(jurisdictions).meta({ id: "Jurisdiction" });

export const tenantBody = z.strictObject({ id: nameSchema, jurisdiction: jurisdiction.optional() });

const tenantFields = { id: z.string(), jurisdiction: jurisdiction.nullable(), created_at: time };

export const tenant = z.strictObject(tenantFields).meta({ id: "Tenant" }) satisfies Describes<Tenant>;

export const tenantListSchema = z.strictObject({ tenants: z.array(tenant) }).meta({ id: "TenantList" });

export const newTenantSchema = z.strictObject({ ...tenantFields, key: newKeySchema }).meta({ id: "NewTenant" });
