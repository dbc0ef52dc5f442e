/** Prices of models. */
import { familyPrice, knownPrice, knownPrices } from "../../pricing/known.ts";
import { deletedSchema } from "../../protocol/common.wire.ts";
import { modelsQuery, priceBody, priceListSchema, priceQuery, priceSchema } from "../../protocol/price.wire.ts";
import { asView, merged, page } from "../price-list.ts";
import { rights } from "../rights.ts";
import { ok, type Route, route } from "../route.ts";

const prices = "/v1/prices";
const price = `${prices}/:model`;

export const pricesRoutes: readonly Route[] = [
  route("listPrices", "GET", prices, rights.readPrices, "Prices of models: the tenant's own, and the known ones", {
    answer: priceListSchema,
    query: modelsQuery,
    agents: () => [],
    run: async (call, _, { after = "", limit = 100 }) => {
      const own = await call.tenant((tenant, caller) => tenant.prices(caller));
      if (!own.ok) return own;
      return ok({ prices: page(merged(own.result, knownPrices(Date.now())), after, limit) });
    },
  }),
  route("getPrice", "GET", price, rights.readPrices, "The price of a model in force", {
    answer: priceSchema,
    query: priceQuery,
    agents: () => [],
    run: async (call, _, { pool }) => {
      const model = call.model();
      const own = await call.tenant((tenant, caller) => tenant.price(caller, model));
      if (own.ok || own.refusal.code !== "price_not_found") return own;
      const known = knownPrice(model, Date.now());
      if (known !== undefined) return ok(known);
      const fallback = pool === undefined ? null : await call.fallbackPrice(pool);
      if (fallback !== null) return ok(asView(model, fallback, Date.now()));
      const ofFamily = familyPrice(model, Date.now());
      return ofFamily === undefined ? own : ok(ofFamily);
    },
  }),
  route("setPrice", "PUT", price, rights.managePrices, "Set the tenant's own price of a model", {
    answer: priceSchema,
    body: priceBody,
    run: (call, fields) => {
      const model = call.model();
      return call.tenant((tenant, caller) => tenant.setPrice(caller, model, fields));
    },
  }),
  route("deletePrice", "DELETE", price, rights.managePrices, "Delete the tenant's own price of a model", {
    answer: deletedSchema,
    run: (call) => {
      const model = call.model();
      const { requestId } = call;
      return call.tenant((tenant, caller) => tenant.removePrice(caller, requestId, model));
    },
  }),
];
