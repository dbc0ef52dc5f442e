/**
 * The victim of an attack, in a thread of its own, so that what the attacker computes does not count: it reserves again
 * and again for so long, and says how long each took and how many were refused.
 */
import { parentPort, workerData } from "node:worker_threads";

const { url, key, ms } = workerData as { readonly url: string; readonly key: string; readonly ms: number };
const took: number[] = [];
let refused = 0;
for (const until = Date.now() + ms; Date.now() < until;) {
  const began = performance.now();
  const response = await fetch(url, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ agent: "victim", tokens: 1, ttl_ms: 1_000 }),
  });
  await response.arrayBuffer();
  took.push(performance.now() - began);
  if (response.status !== 201) refused++;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
parentPort?.postMessage({ took, refused }, []);
