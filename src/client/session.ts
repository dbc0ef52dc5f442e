/**
 * A session with a pool: one WebSocket, frames of commands, answers by number. When the connection is lost, frames
 * without an answer are sent again over the next one; every command carries an id, so nothing happens twice.
 */
import {
  type CommandResult,
  closeCodes,
  keyPrefix,
  ping,
  pong,
  type ServerFrame,
  subprotocol,
} from "../protocol/frames.ts";
import { backoffMs } from "../protocol/retry.ts";
import { type BursarError, closedError, errorOf, UnreachableError } from "./errors.ts";
import { unref } from "./timers.ts";

export type SessionOptions = {
  /** Of the pool's session route, beginning with `http`. */
  readonly url: string;
  readonly key: string;
  /** Makes the connection; by default the runtime's `WebSocket` does. */
  readonly connect?: ((url: string, protocols: string[]) => WebSocket | Promise<WebSocket>) | undefined;
  /** How often in a row a connection may fail before it has brought an answer. */
  readonly retries: number;
  /** Time for opening a connection, and for an answer; waiting in line is added to it. */
  readonly timeout_ms: number;
  /** Called with frames that are no answer: events, refusals; and with what ended a session while no request was open. */
  readonly pushed?: (frame: ServerFrame) => void;
  /** Called whenever a connection is open, before anything else is sent. Its presence keeps the session going. */
  readonly opened?: (send: (frame: object) => void) => void;
  /** Closes an idle connection after this long; 0 keeps it open. */
  readonly idle_ms: number;
};

/** How often a quiet connection is tried, and how long an answer may take, so that a dead one is noticed. */
const pingEveryMs = 20_000;
const pongWithinMs = 10_000;
const backoff = { firstMs: 200, maxMs: 5_000 };

type Pending = {
  readonly text: string;
  /** When it has waited long enough. */
  readonly until: number;
  readonly resolve: (results: readonly CommandResult[]) => void;
  readonly reject: (error: Error) => void;
};

export class Session {
  readonly #options: SessionOptions;
  #socket: WebSocket | undefined;
  #connecting = false;
  #closed = false;
  #failures = 0;
  #frames = 0;
  readonly #pending = new Map<number, Pending>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #pinged = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Whether anything has no answer yet. */
  get isBusy(): boolean {
    return this.#pending.size > 0;
  }

  /** Sends commands, already JSON, in one frame. Rejects when the frame is refused as a whole, or no answer comes. */
  send(commands: readonly string[], waitMs = 0): Promise<readonly CommandResult[]> {
    if (this.#closed) return Promise.reject(closedError());
    const id = ++this.#frames;
    const wait = waitMs === 0 ? "" : `,"wait_ms":${waitMs}`;
    const text = `{"id":${id},"commands":[${commands.join(",")}]${wait}}`;
    return new Promise((resolve, reject) => {
      // Each attempt may take its time, and so may the pauses between them.
      const { timeout_ms, retries } = this.#options;
      const until = Date.now() + waitMs + (timeout_ms + backoff.maxMs) * (retries + 1);
      this.#pending.set(id, { text, until, resolve, reject });
      if (this.#socket !== undefined) this.#write(text);
      else if (this.#retry === undefined) this.open();
      if (this.#pending.size === 1) this.#arrange();
    });
  }

  /** Sends a frame that has no answer, if there is a connection. */
  say(frame: object): void {
    this.#write(JSON.stringify(frame));
  }

  /** Connects, unless it is connected or about to. */
  open(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#socket !== undefined || this.#connecting || this.#closed) return;
    this.#connecting = true;
    void this.#connect();
  }

  /** Ends it; what has no answer yet is rejected. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#fail(closedError());
    this.#drop();
  }

  async #connect(): Promise<void> {
    const { url, key, connect = openSocket, timeout_ms } = this.#options;
    try {
      const socket = await connect(url.replace(/^http/, "ws"), [subprotocol, keyPrefix + key]);
      await untilOpen(socket, timeout_ms);
      this.#opened(socket);
    } catch (cause) {
      this.#connecting = false;
      this.#failed(cause);
    }
  }

  #opened(socket: WebSocket): void {
    this.#connecting = false;
    if (this.#closed) return socket.close();
    this.#socket = socket;
    this.#pinged = false;
    socket.addEventListener("message", ({ data }) => this.#receive(socket, String(data)));
    socket.addEventListener("close", ({ code, reason }) => this.#lost(socket, code, reason));
    socket.addEventListener("error", () => this.#lost(socket, 1006, "error"));
    this.#options.opened?.((frame) => this.#write(JSON.stringify(frame)));
    for (const { text } of this.#pending.values()) this.#write(text);
    this.#arrange();
  }

  #write(text: string): void {
    try {
      this.#socket?.send(text);
    } catch {
      // The connection is going; its frames are sent again over the next one.
    }
  }

  #receive(socket: WebSocket, data: string): void {
    if (socket !== this.#socket) return;
    // Only an answer shows that a connection is of use: one that is closed on what it carries is none.
    this.#failures = 0;
    this.#pinged = false;
    if (data === pong) return;
    const frame: ServerFrame = JSON.parse(data);
    const pending = "id" in frame && frame.id !== null ? this.#pending.get(frame.id) : undefined;
    if (pending === undefined || !("id" in frame) || frame.id === null) return this.#options.pushed?.(frame);
    this.#pending.delete(frame.id);
    if ("results" in frame) pending.resolve(frame.results);
    else if ("problem" in frame) pending.reject(errorOf(frame.problem));
    if (this.#pending.size === 0) this.#arrange();
  }

  #lost(socket: WebSocket, code: number, reason: string): void {
    if (socket !== this.#socket) return;
    this.#drop();
    const final = finalError(code, reason);
    if (final === undefined) this.#failed(new Error(`the connection was lost (${code})`));
    else this.#fail(final);
  }

  /** Connects again, with back-off and jitter, while a call waits for an answer or for events. */
  #failed(cause: unknown): void {
    if (this.#closed || (this.#pending.size === 0 && this.#options.opened === undefined)) return;
    if (this.#failures++ >= this.#options.retries) {
      this.#failures = 0;
      return this.#fail(new UnreachableError(this.#options.url, cause));
    }
    this.#retry = setTimeout(() => this.open(), Math.random() * backoffMs(backoff, this.#failures));
  }

  /** Ends what waits for an answer; where nothing does, says why there will be nothing more. */
  #fail(error: BursarError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
    if (pending.length > 0) return;
    const { code, status, message: detail } = error;
    this.#options.pushed?.({ id: null, problem: { type: "", title: "", status, detail, code: code as "unavailable" } });
  }

  #drop(): void {
    clearTimeout(this.#timer);
    const socket = this.#socket;
    this.#socket = undefined;
    try {
      socket?.close(1000);
    } catch {
      // It is closed already.
    }
  }

  /** One timer: for the end of idleness, for the next sign of life, or for an answer that does not come. */
  #arrange(): void {
    clearTimeout(this.#timer);
    const idle = this.#options.idle_ms > 0 && this.#pending.size === 0;
    const quiet = this.#pinged ? pongWithinMs : pingEveryMs;
    const [oldest] = this.#pending.values();
    const ms = idle ? this.#options.idle_ms : Math.min(quiet, Math.max(0, (oldest?.until ?? Infinity) - Date.now()));
    this.#timer = setTimeout(() => this.#onTimer(idle), ms);
    unref(this.#timer);
  }

  #onTimer(wasIdle: boolean): void {
    if (wasIdle && this.#pending.size === 0) return this.#drop();
    const now = Date.now();
    for (const [id, { until, reject }] of this.#pending) {
      if (until > now) continue;
      this.#pending.delete(id);
      reject(new UnreachableError(this.#options.url, new Error("no answer came in time")));
    }
    const socket = this.#socket;
    if (this.#pinged && socket !== undefined) return this.#lost(socket, 1006, "no answer");
    this.#pinged = socket !== undefined;
    this.#write(ping);
    this.#arrange();
  }
}

/** What can't be mended by connecting again. */
function finalError(code: number, reason: string): BursarError | undefined {
  const detail = `The session ended: ${reason}.`;
  switch (code) {
    case closeCodes.unauthorized:
      return errorOf({ code: "unauthorized", status: 401, detail });
    case closeCodes.gone:
      return errorOf({ code: "pool_not_found", status: 404, detail });
    case closeCodes.tooManyInFlight:
      return errorOf({ code: "overloaded", status: 503, detail });
    case 1009:
      return errorOf({ code: "body_too_large", status: 413, detail });
    default:
      return undefined;
  }
}

function openSocket(url: string, protocols: string[]): WebSocket {
  if (typeof WebSocket === "undefined")
    throw new Error("this runtime has no WebSocket: give connect, such as one of the package ws");
  return new WebSocket(url, protocols);
}

/** Resolves when the socket is open; a server that takes the connection and says nothing is given up. */
function untilOpen(socket: WebSocket, timeoutMs: number): Promise<void> {
  if (socket.readyState === 1) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      clearTimeout(timer);
      reject(new Error(`the session could not be opened: ${why}`));
    };
    const timer = setTimeout(() => {
      fail("no answer");
      socket.close();
    }, timeoutMs);
    socket.addEventListener("open", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.addEventListener("error", () => fail("refused"));
    socket.addEventListener("close", ({ code }) => fail(`closed with ${code}`));
  });
}
