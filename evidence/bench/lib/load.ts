/** Load over HTTP: connections that each do the same requests again and again, for a while. */
import autocannon from "autocannon";
import { headers } from "./ask.ts";

export type Load = {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
};

/** Reserve, commit, reserve, commit … on one pool, each connection with ids of its own. */
export async function reserveAndCommit(url: string, pool: string, connections: number, seconds: number): Promise<Load> {
  let ids = Date.now() * 1_000;
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    requests: [
      {
        method: "POST",
        path: `/v1/pools/${pool}/reservations`,
        headers,
        setupRequest: (request, context) => {
          Object.assign(context, { id: `b-${ids++}` });
          return { ...request, body: JSON.stringify({ agent: "swarm", tokens: 100, id: Reflect.get(context, "id") }) };
        },
      },
      {
        method: "POST",
        headers,
        setupRequest: (request, context) => ({
          ...request,
          path: `/v1/pools/${pool}/reservations/${String(Reflect.get(context, "id"))}/commit`,
          body: JSON.stringify({ tokens: 90 }),
        }),
      },
    ],
  });
  return {
    requestsPerSecond: result.requests.average,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors,
  };
}

export type Pairs = { readonly perSecond: number; readonly p50: number; readonly p99: number };

let ids = 0;

/** `callers` loops at once, each a reserve and its commit; operations a second, and the milliseconds of a pair. */
export async function pairs(callers: number, seconds: number, pair: (id: string) => Promise<void>): Promise<Pairs> {
  const times: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1_000;
  const loop = async (): Promise<void> => {
    while (performance.now() < until) {
      const start = performance.now();
      await pair(`p${ids++}`);
      times.push(performance.now() - start);
    }
  };
  await Promise.all(Array.from({ length: callers }, loop));
  const perSecond = (2_000 * times.length) / (performance.now() - began);
  times.sort((a, b) => a - b);
  return { perSecond, p50: times[times.length >> 1] ?? 0, p99: times[Math.floor(times.length * 0.99)] ?? 0 };
}
