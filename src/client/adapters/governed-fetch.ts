/**
 * A `fetch` that governs: calls of a model are reserved before they go out and booked by what the provider reports,
 * everything else passes. Any SDK that takes a `fetch` is governed by it, streaming or not. Whatever happens, a call
 * is settled once: with its report, or with what was delivered when the report never came.
 */
import { metered, newMeter, settled } from "../../providers/meter.ts";
import {
  type Dialect,
  dialectOf,
  isUsageChunk,
  type ModelRequest,
  readRequest,
  upperBound,
  wantsUsageChunk,
  withLimit,
} from "../../providers/request.ts";
import { SseParser } from "../../providers/sse.ts";
import { totalOf, usageOf } from "../../providers/usage.ts";
import { BudgetExceededError } from "../errors.ts";
import type { Hold } from "../hold.ts";
import type { Pool, ReserveOptions } from "../pool.ts";

export type GovernedFetchOptions = Omit<ReserveOptions, "id" | "at_least" | "signal"> & {
  /** Makes the calls; by default the runtime's `fetch`. */
  readonly fetch?: typeof fetch;
  /** Output allowed for when a request names no limit; it is sent along as the limit. Default 4,096. */
  readonly max_output?: number;
  /** The least output that a call is worth making for, when less than asked is left. Default 16. */
  readonly min_output?: number;
};

/** How a refusal looks to the SDK: its provider's own shape of an error, with a status that no SDK retries. */
export type Refusing = (error: BudgetExceededError) => Response;

export function governedFetch(
  pool: Pool,
  agent: string,
  options: GovernedFetchOptions,
  refusing: Refusing,
): typeof fetch {
  if (pool.unit !== "tokens") throw new TypeError(`a governed fetch counts tokens; this pool counts ${pool.unit}`);
  const { fetch: given, max_output = 4_096, min_output = 16, ...reserve } = options;
  const send: typeof fetch = given ?? ((input, init) => fetch(input, init));

  return async (input, init) => {
    const request = new Request(input, init);
    const dialect = request.method === "POST" ? dialectOf(new URL(request.url).pathname) : undefined;
    const asked = dialect === undefined ? undefined : await read(request, dialect);
    if (asked === undefined) return send(input, init);

    const bound = upperBound(asked, max_output);
    const least = Math.min(bound, asked.prompt + asked.answers * min_output);
    let hold: Hold;
    try {
      hold = await pool.reserve(agent, bound, { ...reserve, at_least: least, signal: request.signal });
    } catch (error) {
      if (error instanceof BudgetExceededError) return refusing(error);
      throw error;
    }
    return call(send, request, asked, hold);
  };
}

async function read(request: Request, dialect: Dialect): Promise<ModelRequest | undefined> {
  try {
    return readRequest(dialect, await request.clone().json());
  } catch {
    // Not ours to judge: the provider will say what is wrong with it.
    return undefined;
  }
}

async function call(send: typeof fetch, request: Request, asked: ModelRequest, hold: Hold): Promise<Response> {
  // The output that the grant leaves room for.
  const limit = Math.floor((hold.granted - asked.prompt) / asked.answers);
  const body = JSON.stringify(withLimit(asked, limit));
  const headers = new Headers(request.headers);
  headers.delete("content-length");
  const alive = hold.keepAlive();
  let response: Response;
  try {
    response = await send(new Request(request.url, { method: "POST", headers, body, signal: request.signal }));
  } catch (error) {
    alive.stop();
    // No answer is no bill, as far as anybody can tell from here.
    await hold.release();
    throw error;
  }
  if (!response.ok || response.body === null) {
    alive.stop();
    await hold.release();
    return response;
  }
  const streams = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  return streams ? meter(response, asked, hold, alive) : whole(response, asked, hold, alive);
}

type Alive = { stop(): void };

async function whole(response: Response, asked: ModelRequest, hold: Hold, alive: Alive): Promise<Response> {
  try {
    const text = await response.text();
    const usage = usageOf(parse(text));
    await hold.commit(usage === undefined ? hold.granted : totalOf(usage));
    return new Response(text, { status: response.status, headers: decoded(response.headers) });
  } catch (error) {
    // The answer was lost on its way here; the model has made it all the same.
    await hold.commit(asked.prompt);
    throw error;
  } finally {
    alive.stop();
  }
}

/** Passes the stream on as it comes, and settles when it ends, however it ends. */
function meter({ body, status, headers }: Response, asked: ModelRequest, hold: Hold, alive: Alive): Response {
  const source = (body as ReadableStream<Uint8Array>).getReader();
  const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
  const parser = new SseParser();
  const hidesUsage = asked.dialect === "openai-chat" && !wantsUsageChunk(asked);
  let state = newMeter;
  let isSettled = false;
  const settle = async (): Promise<void> => {
    if (isSettled) return;
    isSettled = true;
    alive.stop();
    await hold.commit(settled(state, asked.prompt));
  };
  const through = (text: string, isLast: boolean): string => {
    const events = parser.push(text);
    const rest = isLast ? parser.end() : undefined;
    let out = "";
    for (const event of rest === undefined ? events : [...events, rest]) {
      const value = parse(event.data);
      state = metered(state, value);
      if (hidesUsage && isUsageChunk(value)) continue;
      out += event.text;
    }
    return out;
  };

  const stream = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      try {
        // A pull must give something or end, or it is not called again.
        for (;;) {
          const { done, value } = await source.read();
          const text = through(done ? decoder.decode() : decoder.decode(value, { stream: true }), done);
          if (text !== "") controller.enqueue(encoder.encode(text));
          if (done) {
            await settle();
            return controller.close();
          }
          if (text !== "") return;
        }
      } catch (error) {
        await settle();
        controller.error(error);
      }
    },
    cancel: async (reason) => {
      await settle();
      await source.cancel(reason);
    },
  });
  return new Response(stream, { status, headers: decoded(headers) });
}

/** `fetch` has decoded the body; what said how it was encoded is no longer true. */
function decoded(headers: Headers): Headers {
  const kept = new Headers(headers);
  kept.delete("content-encoding");
  kept.delete("content-length");
  return kept;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
