/**
 * Sends requests and repeats them when no answer came. Repeating is safe because every write carries an id, in its body
 * or as an Idempotency-Key, that is made before the first attempt: the governor answers a repeat with what it did the
 * first time. A refusal is an answer and is never repeated.
 */
import { retry } from "../protocol/retry.ts";
import { uuid7 } from "../protocol/uuid.ts";
import { errorOf, type ProblemDocument, UnreachableError } from "./errors.ts";

export type TransportOptions = {
  /** Where the governor runs, such as `http://localhost:8787`. */
  readonly url: string;
  readonly key: string;
  /** Used in place of the runtime's `fetch`. */
  readonly fetch?: typeof fetch;
  /** Time for one attempt; waiting in line is added to it. Default 10,000. */
  readonly timeout_ms?: number;
  /** How often a request without an answer is repeated. Default 3. */
  readonly retries?: number;
  /**
   * How commands travel. `auto`, the default: a request each, and a session once calls come often. `fetch`: never a
   * session. `session`: always.
   */
  readonly transport?: "auto" | "session" | "fetch";
  /** Opens a session's WebSocket, in place of the runtime's own. */
  readonly connect?: (url: string, protocols: string[]) => WebSocket | Promise<WebSocket>;
};

export type CallOptions = { readonly signal?: AbortSignal | undefined; readonly wait_ms?: number | undefined };

type RequestOptions = CallOptions & { readonly idempotencyKey?: string };

const backoff = { firstMs: 100, maxMs: 2_000 };

export class Transport {
  readonly #options: TransportOptions;
  /** The governor's address, without a slash at its end. */
  readonly base: string;
  readonly #fetch: typeof fetch;

  constructor(options: TransportOptions) {
    // Plain JavaScript passes what an unset variable holds.
    if (typeof options.url !== "string" || !/^https?:\/\//.test(options.url))
      throw new TypeError("url must begin with http:// or https://; npm start prints it as BURSAR_URL");
    if (typeof options.key !== "string" || options.key === "")
      throw new TypeError("key is missing; npm start prints one as BURSAR_KEY");
    this.#options = options;
    this.base = options.url.replace(/\/+$/, "");
    // A detached `fetch` loses its `this` in browsers and Workers.
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  get options(): TransportOptions {
    return this.#options;
  }

  /** As `call`, for a write without an id in its body: repeated, it has one effect and one answer. */
  once<T>(method: "POST" | "DELETE", path: string, body?: unknown, options: CallOptions = {}): Promise<T> {
    return this.call(method, path, body, { ...options, idempotencyKey: uuid7() });
  }

  /** The answer's body; throws `BursarError` for a problem and `UnreachableError` when no answer comes. */
  async call<T>(method: string, path: string, body?: unknown, options: RequestOptions = {}): Promise<T> {
    const { retries = 3 } = this.#options;
    let again: Failure["again"] = false;
    const attempt = async (): Promise<T> => {
      const answer = await this.#attempt(method, path, body, options);
      if (answer.ok) return answer.body as T;
      again = answer.again;
      throw answer.error;
    };
    return retry(attempt, { attempts: retries + 1, backoff, again: () => again, signal: options.signal });
  }

  async #attempt(
    method: string,
    path: string,
    body: unknown,
    { signal, wait_ms = 0, idempotencyKey }: RequestOptions,
  ): Promise<Attempt> {
    const timeout = AbortSignal.timeout((this.#options.timeout_ms ?? 10_000) + wait_ms);
    const headers: Record<string, string> = { authorization: `Bearer ${this.#options.key}` };
    if (body !== undefined) headers["content-type"] = "application/json";
    if (idempotencyKey !== undefined) headers["idempotency-key"] = idempotencyKey;
    let response: Response;
    let text: string;
    try {
      response = await this.#fetch(`${this.base}${path}`, {
        method,
        headers,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
        ...(body === undefined ? undefined : { body: isRaw(body) ? body.raw : JSON.stringify(body) }),
      });
      text = await response.text();
    } catch (cause) {
      return { ok: false, again: true, error: new UnreachableError(this.base, cause) };
    }
    const parsed = parse(text);
    if (response.ok && parsed !== undefined) return { ok: true, body: parsed };
    if (!isProblem(parsed)) {
      const cause = `${response.status} and no answer of Bursar's`;
      return { ok: false, again: response.status >= 500, error: new UnreachableError(this.base, cause) };
    }
    const afterMs = 1_000 * Number(response.headers.get("retry-after") ?? 0) || 0;
    return { ok: false, again: response.status === 503 && afterMs, error: errorOf(parsed) };
  }
}

/** An attempt without a result, and whether it is worth another: a number is how long the governor asked to wait. */
type Failure = { readonly ok: false; readonly again: boolean | number; readonly error: Error };
type Attempt = { readonly ok: true; readonly body: unknown } | Failure;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** JSON that is made already. */
function isRaw(body: unknown): body is { readonly raw: string } {
  return typeof body === "object" && body !== null && "raw" in body;
}

function isProblem(body: unknown): body is ProblemDocument {
  return typeof body === "object" && body !== null && "code" in body && "detail" in body && "status" in body;
}
