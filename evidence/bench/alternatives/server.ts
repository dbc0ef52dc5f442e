/**
 * One of the alternatives behind a Node server that answers as Bursar does: `node server.ts redis | postgres | memory`
 * prints its port. What a caller that is not the database's client would need.
 */
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { startMemory } from "./memory.ts";
import { startPostgres } from "./postgres.ts";
import { startRedis } from "./redis.ts";

const kinds = { redis: startRedis, postgres: startPostgres, memory: startMemory } as const;
const kind = process.argv[2] ?? "";
if (!(kind in kinds)) throw new Error(`${kind} is none of ${Object.keys(kinds).join(", ")}`);
const governor = await kinds[kind as keyof typeof kinds]();
if (governor === undefined) process.exit(3);

const server = createServer((request, response) => {
  void answer(request)
    .catch((error: unknown): Answer => [500, { error: String(error) }])
    .then(([status, body]) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
    );
});
server.listen(0, "127.0.0.1", () => console.log((server.address() as AddressInfo).port));
process.once("SIGTERM", () => {
  server.close();
  server.closeAllConnections();
  void governor.stop().then(() => process.exit(0));
});

type Answer = [status: number, body: object];

async function answer(request: IncomingMessage): Promise<Answer> {
  if (request.headers.authorization?.startsWith("Bearer ") !== true) return [401, {}];
  const parts = request.url?.split("/") ?? [];
  const body = JSON.parse(await text(request));
  if (parts.at(-1) === "commit") {
    const id = parts.at(-2) ?? "";
    await governor?.commit(id, body.tokens);
    return [200, { id, state: "committed", consumed: body.tokens }];
  }
  await governor?.reserve(body.id, body.agent, body.tokens);
  return [201, { id: body.id, state: "held", granted: body.tokens }];
}

async function text(request: IncomingMessage): Promise<string> {
  let all = "";
  for await (const chunk of request.setEncoding("utf8")) all += chunk;
  return all;
}
