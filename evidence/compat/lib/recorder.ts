/**
 * What stands between a client and the governor, and changes nothing: it counts the requests, keeps what was refused,
 * and notices when a stream's first piece has come through. Beside it a proxy that connects to nothing, for all other
 * addresses.
 */
import { request as ask, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PassThrough } from "node:stream";
import { createBrotliDecompress, createGunzip, createZstdDecompress } from "node:zlib";
import { firstPiece } from "../stand-in/model.ts";

export type Recorded = {
  readonly method: string;
  readonly path: string;
  /** 0 for a request whose caller left before an answer. */
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
  /** The beginning of the answer, of an answer that is no success. */
  readonly refusal: string;
};

export type Recorder = {
  readonly url: string;
  readonly requests: Recorded[];
  stop(): void;
};

const keptOfRefusal = 4_000;

/** Relays to the governor at `target`; calls `seen` when the first piece of a paused stream has passed. */
export async function startRecorder(target: string, seen: () => void): Promise<Recorder> {
  const requests: Recorded[] = [];
  const server = createServer((request, response) => void relay(request, response).catch(() => response.destroy()));
  // A request for a WebSocket reaches the governor as the HTTP request that it is.
  server.on("upgrade", (request: IncomingMessage, socket) => {
    socket.once("error", () => socket.destroy());
    ask(`${target}${request.url ?? "/"}`, { method: "GET", headers: request.headers }, (answer) => {
      requests.push({
        ...idOf(request),
        status: answer.statusCode ?? 0,
        headers: request.headers,
        body: "",
        refusal: "",
      });
      socket.write(
        `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
      );
      socket.end();
      answer.resume();
    })
      .on("error", () => socket.destroy())
      .end();
  });

  server.on("clientError", (_, socket) => socket.destroy());

  async function relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    let status = 0;
    const keep = (refusal = ""): void =>
      void requests.push({ ...idOf(request), status, headers: request.headers, body: body.toString(), refusal });
    const outgoing = ask(
      `${target}${request.url ?? "/"}`,
      { method: request.method ?? "GET", headers: request.headers },
      (answer) => {
        status = answer.statusCode ?? 502;
        let text = "";
        response.writeHead(status, answer.headers);
        const plain = decoder(answer.headers["content-encoding"]);
        plain.on("data", (chunk: Buffer) => {
          if (text.length < keptOfRefusal) text += chunk.toString();
          if (chunk.includes(firstPiece.trim())) seen();
        });
        // Of an answer that is cut in the middle, what came before is read.
        plain.once("error", () => undefined);
        answer.on("data", (chunk: Buffer) => {
          plain.write(chunk);
          response.write(chunk);
        });
        answer.once("end", () => {
          if (response.destroyed) return;
          response.end();
          plain.end(() => setImmediate(() => keep(status >= 400 ? text.slice(0, keptOfRefusal) : "")));
        });
        answer.once("error", () => response.destroy());
      },
    );
    response.once("close", () => {
      if (response.writableEnded) return;
      outgoing.destroy();
      keep();
    });
    outgoing.once("error", () => response.destroy());
    outgoing.end(body);
  }

  return { url: await listen(server), requests, stop: () => stop(server) };
}

function decoder(encoding: string | undefined) {
  if (encoding === "gzip") return createGunzip();
  if (encoding === "br") return createBrotliDecompress();
  return encoding === "zstd" ? createZstdDecompress() : new PassThrough();
}

const idOf = (request: IncomingMessage) => ({
  method: request.method ?? "",
  path: (request.url ?? "").split("?")[0] ?? "",
});

export type Nowhere = {
  readonly url: string;
  /** Hosts that were asked for, in order, each once. */
  readonly hosts: string[];
  stop(): void;
};

/** A proxy that refuses every address, so that a client has no network but the governor. */
export async function startNowhere(): Promise<Nowhere> {
  const hosts: string[] = [];
  const refuse = (address: string): void => {
    const [name = ""] = address.split(":");
    const host = /npm|registry/.test(name) ? "a package registry" : name;
    if (!hosts.includes(host)) hosts.push(host);
  };
  const server = createServer((request, response) => {
    refuse(new URL(request.url ?? "/", "http://unknown").host);
    response.writeHead(403).end();
  });
  server.on("connect", (request: IncomingMessage, socket) => {
    socket.once("error", () => socket.destroy());
    refuse(request.url ?? "unknown");
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  return { url: await listen(server), hosts, stop: () => stop(server) };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function stop(server: Server): void {
  server.closeAllConnections();
  server.close();
}
