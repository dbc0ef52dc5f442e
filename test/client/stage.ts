/** A client on the real Worker: only the wire between them is the test's, so that it can lose what is sent on it. */
import { env, exports } from "cloudflare:workers";
import { Bursar, type Pool, type PoolOptions, type TransportOptions } from "../../src/client/index.ts";
import { signKey } from "../../src/http/signature.ts";

export const wire: typeof fetch = (input, init) => exports.default.fetch(new Request(input, init));

const key = await signKey({ tenant: "clients", key_id: "key-of-the-tests", scope: "admin" }, env);

export function newBursar(options: Partial<TransportOptions> = {}): Bursar {
  return new Bursar({ url: "https://bursar.test", key, fetch: wire, ...options });
}

/** Every connection that was made, so that a test can cut them. */
export const connections: WebSocket[] = [];

/** Opens a session on the real Worker. */
export async function connect(url: string, protocols: string[]): Promise<WebSocket> {
  const headers = { upgrade: "websocket", "sec-websocket-protocol": protocols.join(", ") };
  const { status, webSocket } = await exports.default.fetch(url.replace(/^ws/, "http"), { headers });
  if (webSocket === null) throw new Error(`no session: ${status}`);
  webSocket.accept();
  connections.push(webSocket);
  return webSocket;
}

let pools = 0;

/** A new pool, created. */
export async function newPool(settings: PoolOptions = {}, options: Partial<TransportOptions> = {}): Promise<Pool> {
  const pool = newBursar(options).pool(`client-${pools++}`, settings.unit === undefined ? {} : { unit: settings.unit });
  await pool.configure(settings);
  return pool;
}

/** What `promise` is rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error("it was not rejected");
}
