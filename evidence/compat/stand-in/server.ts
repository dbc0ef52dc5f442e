/**
 * A stand-in for the providers: OpenAI's chat completions and Responses, Anthropic's messages and Google's
 * generateContent, with a model that does what a prompt's directive says, and a ledger of the usage that it reported.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Api, type Asked, type Event, isObject, Rejected } from "./api.ts";
import { chat } from "./chat.ts";
import { gemini } from "./gemini.ts";
import { messages } from "./messages.ts";
import { answerTo, firstPiece } from "./model.ts";
import { responses } from "./responses.ts";
import { type Json, type Reply, type Usage, usageOf, within } from "./turn.ts";

const apis = [chat, responses, messages, gemini];
/** The keys of the provider's account, which the governor holds. */
export const providerKeys = { openai: "sk-stand-in-openai", anthropic: "sk-ant-stand-in", gemini: "stand-in-gemini" };
const models = ["gpt-5.5", "gpt-5", "gpt-4o", "claude-opus-5-5", "claude-sonnet-4-5", "gemini-2.5-pro"];

/** A call that was answered. */
export type Answered = {
  readonly model: string;
  readonly path: string;
  readonly isStream: boolean;
  readonly usage: Usage;
  /** Whether the stream paused, and was released because its first piece had reached the caller. */
  readonly paused: "not" | "released" | "timed out";
  readonly wasCut: boolean;
  readonly limit: number | undefined;
};

export type Received = { readonly headers: IncomingHttpHeaders; readonly body: Json };

export type StandIn = {
  readonly url: string;
  readonly answered: Answered[];
  /** What it rejected, as `path: message`. */
  readonly rejected: string[];
  /** The newest call, as it came. */
  received(): Received;
  /** How many calls it is answering now. */
  open(): number;
  /** Lets a paused stream go on. */
  release(): void;
  stop(): void;
};

/** How long a stream waits for its first piece to arrive at the caller: only a buffer in between holds it up. */
const pauseMs = 5_000;

/** As a comment line, and as Anthropic's event. Its text has the first piece, by which the pause ends. */
const keepAlive = `: keep-alive ${firstPiece}\n\nevent: ping\ndata: {"type":"ping"}\n\n`;

export async function startStandIn(): Promise<StandIn> {
  const answered: Answered[] = [];
  const rejected: string[] = [];
  const waiting = new Set<() => void>();
  let open = 0;
  let newest: Received = { headers: {}, body: {} };
  const released = (): Promise<"released" | "timed out"> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => go("timed out"), pauseMs);
      const go = (how: "released" | "timed out"): void => {
        clearTimeout(timer);
        waiting.delete(release);
        resolve(how);
      };
      const release = (): void => go("released");
      waiting.add(release);
    });
  const server = createServer((request, response) => {
    open++;
    response.once("close", () => open--);
    respond(request, response, { answered, released, keep: (one) => (newest = one) }).catch((error: unknown) => {
      const status = error instanceof Rejected ? error.status : 500;
      const message = error instanceof Error ? error.message : String(error);
      rejected.push(`${request.method} ${request.url}: ${message}`);
      const api = apis.find(({ path }) => path.test(pathOf(request))) ?? chat;
      if (!response.headersSent) json(response, status, api.error(status, message));
      else response.destroy();
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    answered,
    rejected,
    received: () => newest,
    open: () => open,
    release: () => {
      for (const go of waiting) go();
    },
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

type Tools = {
  readonly answered: Answered[];
  readonly released: () => Promise<"released" | "timed out">;
  readonly keep: (received: Received) => void;
};

const pathOf = (request: IncomingMessage): string => (request.url ?? "").split("?")[0] ?? "";

async function respond(request: IncomingMessage, response: ServerResponse, tools: Tools): Promise<void> {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const path = pathOf(request);
  mustHaveKey(request);
  if (request.method === "GET") return question(response, path);
  const body: unknown = JSON.parse(text);
  if (!isObject(body)) throw new Rejected(400, "the body is no object");
  tools.keep({ headers: request.headers, body });
  const count = Math.ceil(text.length / 5);
  if (path.endsWith("/count_tokens")) return json(response, 200, { input_tokens: count });
  if (path.endsWith(":countTokens")) return json(response, 200, { totalTokens: count });
  const api = apis.find((one) => one.path.test(path));
  if (api === undefined) throw new Rejected(404, `Unknown request URL: ${request.method} ${path}`);
  const header = (name: string): string | undefined => request.headers[name]?.toString();
  const asked: Asked = { body, header, model: api.modelOf(body, path), isStream: api.isStream(body, path) };
  const turn = api.read(asked);
  const full = answerTo(turn);
  const isLonger = turn.limit !== undefined && turn.limit < usageOf(text, full, api).output;
  const reply = isLonger ? within(full, turn.limit, api) : full;
  const usage = usageOf(text, reply, api);
  const call = { model: asked.model, path, isStream: asked.isStream, usage, limit: turn.limit };
  if (!asked.isStream) {
    tools.answered.push({ ...call, paused: "not", wasCut: false });
    return json(response, 200, api.whole(asked, reply, usage));
  }
  const paused = await stream(response, api, asked, reply, usage, tools);
  tools.answered.push({ ...call, paused, wasCut: !response.writableFinished });
}

async function stream(
  response: ServerResponse,
  api: Api,
  asked: Asked,
  reply: Reply,
  usage: Usage,
  { released }: Tools,
): Promise<Answered["paused"]> {
  const { before, pieces, after } = api.events(asked, reply, usage);
  let paused: Answered["paused"] = "not";
  response.writeHead(200, { "content-type": "text/event-stream", "x-request-id": "req_stand_in" });
  for (const event of before) write(response, event);
  for (const [index, events] of pieces.entries()) {
    if (index === reply.pauseAfter) {
      if (reply.pings === true) response.write(keepAlive);
      paused = await released();
    }
    for (const event of events) write(response, event);
  }
  for (const event of after) write(response, event);
  await new Promise<void>((resolve) => {
    response.once("close", resolve);
    response.end(resolve);
  });
  return paused;
}

function write(response: ServerResponse, { name, data }: Event): void {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  response.write(`${name === undefined ? "" : `event: ${name}\n`}data: ${text}\n\n`);
}

/** Only the governor has these keys: a call with another has gone past it, or it passed the caller's key on. */
function mustHaveKey({ headers }: IncomingMessage): void {
  const key = headers.authorization?.replace(/^Bearer /, "") ?? headers["x-api-key"] ?? headers["x-goog-api-key"];
  if (!Object.values(providerKeys).includes(String(key))) throw new Rejected(401, "Incorrect API key provided.");
}

function question(response: ServerResponse, path: string): void {
  const listed = models.map((id) => ({
    id,
    object: "model",
    type: "model",
    display_name: id,
    created: 1_790_000_000,
    owned_by: "stand-in",
  }));
  if (path.endsWith("/models"))
    return json(response, 200, {
      object: "list",
      data: listed,
      has_more: false,
      first_id: models[0],
      last_id: models.at(-1),
    });
  const name = /\/models\/([^/]+)$/.exec(path)?.[1];
  if (name !== undefined) return json(response, 200, { ...listed[0], id: name });
  throw new Rejected(404, `Unknown request URL: GET ${path}`);
}

function json(response: ServerResponse, status: number, body: Json): void {
  response
    .writeHead(status, { "content-type": "application/json", "x-request-id": "req_stand_in" })
    .end(JSON.stringify(body));
}
