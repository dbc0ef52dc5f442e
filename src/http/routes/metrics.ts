/** Figures for Prometheus. */
import { limits } from "../../protocol/limits.ts";
import { expositionSchema, metricsQuery } from "../../protocol/pool.wire.ts";
import { exposition, expositionMedia, expositionOfPools } from "../metrics.ts";
import { rights } from "../rights.ts";
import { type Route, route } from "../route.ts";
import { tenantMetrics } from "../tenant-metrics.ts";

const pool = "/v1/pools/:pool";

export const metricsRoutes: readonly Route[] = [
  route("getTenantMetrics", "GET", "/v1/metrics", rights.listPools, "Figures of the tenant's pools for Prometheus", {
    answer: expositionSchema,
    media: expositionMedia,
    query: metricsQuery,
    run: async (call, _, { after = "", limit = limits.metricsPage }) => {
      const figures = await tenantMetrics(call, after, limit);
      if (!figures.ok) return figures;
      return new Response(expositionOfPools(figures.result), { headers: { "content-type": expositionMedia } });
    },
  }),
  route("getMetrics", "GET", `${pool}/metrics`, rights.readPool, "A pool's figures for Prometheus", {
    answer: expositionSchema,
    media: expositionMedia,
    run: async (call) => {
      const figures = await call.query({ about: "metrics" });
      if (!figures.ok) return figures;
      return new Response(exposition(figures.result), { headers: { "content-type": expositionMedia } });
    },
  }),
];
