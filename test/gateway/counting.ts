/** Stands before the gateway and counts what an SDK sends. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Counting = {
  readonly url: string;
  requests(): number;
  stop(): void;
};

/** What a proxy does not pass on. */
const ownHeaders = ["host", "connection", "content-length", "transfer-encoding", "accept-encoding", "expect"];

export async function countRequests(target: string): Promise<Counting> {
  let count = 0;
  const server = createServer((request, response) => {
    count++;
    void pass(target, request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests: () => count,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function pass(target: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const headers = new Headers(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  for (const name of ownHeaders) headers.delete(name);
  const { method = "GET", url = "" } = request;
  const body = chunks.length === 0 ? {} : { body: Buffer.concat(chunks) };
  const answer = await fetch(target + url, { method, headers, ...body });
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  response.end(Buffer.from(await answer.arrayBuffer()));
}
