/** Tenants, for the operator. */
import { listQuery } from "../../protocol/common.wire.ts";
import { newKeySchema, operatorKeyBody } from "../../protocol/key.wire.ts";
import { newTenantSchema, tenantBody, tenantListSchema } from "../../protocol/tenant.wire.ts";
import { makeKey } from "../new-keys.ts";
import { invalid } from "../problems.ts";
import { rights } from "../rights.ts";
import { ok, type Route, route } from "../route.ts";

const tenants = "/v1/tenants";

export const tenantsRoutes: readonly Route[] = [
  route("createTenant", "POST", tenants, rights.operate, "Create a tenant; its first admin key is shown once", {
    answer: newTenantSchema,
    status: 201,
    body: tenantBody,
    run: async (call, { id, jurisdiction = null }) => {
      const { requestId } = call;
      const added = await call.directory((directory) => directory.add(requestId, id, jurisdiction));
      if (!added.ok) return added;
      const key = await makeKey(call, { tenant: id, jurisdiction }, { scope: "admin", label: "first admin key" });
      return key.ok ? ok({ ...added.result, key: key.result }) : key;
    },
  }),
  route("listTenants", "GET", tenants, rights.operate, "The tenants, by id", {
    answer: tenantListSchema,
    query: listQuery,
    run: async (call, _, { after = "", limit = 100 }) =>
      ok(await call.directory((directory) => directory.list(after, limit))),
  }),
  route(
    "createTenantKey",
    "POST",
    `${tenants}/:tenant/keys`,
    rights.operate,
    "Create an admin key for a tenant that has lost its own",
    {
      answer: newKeySchema,
      status: 201,
      body: operatorKeyBody,
      run: async (call, fields) => {
        const found = await call.directory((directory) => directory.find(call.param("tenant")));
        if (!found.ok) return found;
        const { id: tenant, jurisdiction } = found.result;
        if (fields.expires_at !== undefined && fields.expires_at <= Date.now())
          throw invalid("/expires_at", "has passed");
        return makeKey(call, { tenant, jurisdiction }, { ...fields, scope: "admin" });
      },
    },
  ),
];
