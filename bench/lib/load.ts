/** Load over HTTP: connections that each do the same requests again and again, for a while. */
import autocannon from "autocannon";
import { key } from "./workerd.ts";

const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };

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

/** One request, whose answer must be a success. */
export async function ask(url: string, method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
  const init = body === undefined ? { method, headers } : { method, headers, body: JSON.stringify(body) };
  const response = await fetch(`${url}${path}`, init);
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}
