/** The figures of a tenant's pools, read from each of them: exact, but a hibernating pool is woken. */
import type { Metrics } from "../protocol/pool.ts";
import type { Result } from "../protocol/refusals.ts";
import type { RequestContext } from "./request-context.ts";

/** How many pools are read at once: as many connections as the platform allows a request. */
const asksAtOnce = 6;

/** The figures of up to `count` pools by name, after `after`. A pool that was deleted meanwhile is left out. */
export async function tenantMetrics(call: RequestContext, after: string, count: number): Promise<Result<Metrics[]>> {
  const listed = await call.tenant((tenant, caller) => tenant.pools(caller, after, count));
  if (!listed.ok) return listed;
  const names = listed.result.pools.map(({ name }) => name);
  const found = new Map<string, Metrics>();
  const left = [...names];
  const ask = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      const figures = await call.poolNamed(name, (stub, caller) => stub.query(caller, { about: "metrics" }));
      if (figures.ok) found.set(name, figures.result);
    }
  };
  await Promise.all(Array.from({ length: asksAtOnce }, ask));
  return { ok: true, result: names.flatMap((name) => found.get(name) ?? []) };
}
