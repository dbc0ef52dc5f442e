/** All routes: the only registry, from which both the router and the OpenAPI document are made. */
import type { Route } from "./route.ts";
import { agentsRoutes } from "./routes/agents.ts";
import { journalRoutes } from "./routes/journal.ts";
import { keysRoutes } from "./routes/keys.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { poolsRoutes } from "./routes/pools.ts";
import { pricesRoutes } from "./routes/prices.ts";
import { reservationsRoutes } from "./routes/reservations.ts";
import { tenantsRoutes } from "./routes/tenants.ts";
import { webhooksRoutes } from "./routes/webhooks.ts";

export type { Route };

export const routes: readonly Route[] = [
  ...tenantsRoutes,
  ...keysRoutes,
  ...pricesRoutes,
  ...webhooksRoutes,
  ...poolsRoutes,
  ...agentsRoutes,
  ...reservationsRoutes,
  ...journalRoutes,
  ...metricsRoutes,
];
