/** A tenant's keys. */
import { listQuery } from "../../protocol/common.wire.ts";
import { keyBody, keyListSchema, newKeySchema, revocationSchema } from "../../protocol/key.wire.ts";
import { makeKey, withinMaker } from "../new-keys.ts";
import { rights } from "../rights.ts";
import { type Route, route } from "../route.ts";

const keys = "/v1/keys";

export const keysRoutes: readonly Route[] = [
  route("createKey", "POST", keys, rights.manageKeys, "Create a key; it is shown once", {
    answer: newKeySchema,
    status: 201,
    body: keyBody,
    run: (call, fields) => makeKey(call, call.capability, withinMaker(call.capability, fields)),
  }),
  route("listKeys", "GET", keys, rights.manageKeys, "The tenant's keys, by id; never the keys themselves", {
    answer: keyListSchema,
    query: listQuery,
    run: (call, _, { after = "", limit = 100 }) =>
      call.tenant((tenant, caller) => tenant.keys(caller, call.capability.pool ?? null, after, limit)),
  }),
  route(
    "revokeKey",
    "DELETE",
    `${keys}/:key_id`,
    rights.manageKeys,
    "Revoke a key, effective for the next command everywhere",
    {
      answer: revocationSchema,
      run: (call) => {
        const keyId = call.param("key_id");
        const { requestId } = call;
        return call.tenant((tenant, caller) => tenant.revoke(caller, requestId, call.capability.pool ?? null, keyId));
      },
    },
  ),
];
