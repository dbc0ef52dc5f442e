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
import { BursarError, errorOf, UnreachableError } from "./errors.ts";
import { unref } from "./timers.ts";

export type SessionOptions = {
  /** Of the pool's session route, beginning with `http`. */
  readonly url: string;
  readonly key: string;
  /** Makes the connection; by default the runtime's `WebSocket` does. */
  readonly connect?: ((url: string, protocols: string[]) => WebSocket | Promise<WebSocket>) | undefined;
  /** How often in a row connecting may fail. */
  readonly retries: number;
  /** Called with frames that are no answer: events, refusals. */
  readonly notice?: (frame: ServerFrame) => void;
  /** Called whenever a connection is open, before anything else is sent. */
  readonly opened?: (send: (frame: object) => void) => void;
  /** Closes an idle connection after this long; 0 keeps it open. */
  readonly idle_ms: number;
};

/** How often a quiet connection is tried, and how long an answer may take, so that a dead one is noticed. */
const pingEveryMs = 20_000;
const pongWithinMs = 10_000;
const pauseMs = 100;
const pauseMsMax = 5_000;

type Pending = {
  readonly text: string;
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
  #pinged = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Frames that have no answer yet. */
  get underWay(): number {
    return this.#pending.size;
  }

  /** Sends commands, already JSON, in one frame. Rejects when the frame is refused as a whole, or no answer comes. */
  send(commands: readonly string[], waitMs?: number): Promise<readonly CommandResult[]> {
    const id = ++this.#frames;
    const wait = waitMs === undefined ? "" : `,"wait_ms":${waitMs}`;
    const text = `{"id":${id},"commands":[${commands.join(",")}]${wait}}`;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { text, resolve, reject });
      if (this.#socket === undefined) this.open();
      else this.#write(text);
    });
  }

  /** Sends a frame that has no answer, if there is a connection. */
  say(frame: object): void {
    this.#write(JSON.stringify(frame));
  }

  /** Connects, unless it is connected or about to. */
  open(): void {
    if (this.#socket !== undefined || this.#connecting || this.#closed) return;
    this.#connecting = true;
    void this.#connect();
  }

  /** Ends it; what has no answer yet is rejected. */
  close(): void {
    this.#closed = true;
    this.#settle(new BursarError({ code: "closed", status: 0, detail: "The session was closed." }));
    this.#drop();
  }

  async #connect(): Promise<void> {
    const { url, key, connect = openSocket } = this.#options;
    try {
      const socket = await connect(url.replace(/^http/, "ws"), [subprotocol, keyPrefix + key]);
      await untilOpen(socket);
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
    this.#failures = 0;
    socket.addEventListener("message", ({ data }) => this.#receive(String(data)));
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

  #receive(data: string): void {
    this.#pinged = false;
    if (data === pong) return;
    const frame: ServerFrame = JSON.parse(data);
    if (!("id" in frame)) return this.#options.notice?.(frame);
    const pending = frame.id === null ? undefined : this.#pending.get(frame.id);
    if (pending === undefined || frame.id === null) return this.#options.notice?.(frame);
    this.#pending.delete(frame.id);
    if ("results" in frame) pending.resolve(frame.results);
    else if ("problem" in frame) pending.reject(errorOf(frame.problem));
    if (this.#pending.size === 0) this.#arrange();
  }

  #lost(socket: WebSocket, code: number, reason: string): void {
    if (socket !== this.#socket) return;
    this.#drop();
    if (code === closeCodes.unauthorized || code === closeCodes.gone) {
      const [name, status] =
        code === closeCodes.gone ? (["pool_not_found", 404] as const) : (["key_revoked", 401] as const);
      return this.#settle(errorOf({ code: name, status, detail: `The session ended: ${reason}.` }));
    }
    this.#failed(new Error(`the connection was lost (${code})`));
  }

  /** Tries again, later each time, while anybody waits for an answer or for events. */
  #failed(cause: unknown): void {
    if (this.#closed || (this.#pending.size === 0 && this.#options.opened === undefined)) return;
    if (this.#failures++ >= this.#options.retries) {
      this.#failures = 0;
      return this.#settle(new UnreachableError(this.#options.url, cause));
    }
    const most = Math.min(pauseMsMax, pauseMs * 2 ** this.#failures);
    setTimeout(() => this.open(), Math.random() * most);
  }

  #settle(error: Error): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
    if (pending.length === 0) this.#options.notice?.({ id: null, problem: problemOf(error) });
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

  /** One timer: for the end of idleness, or for the next sign of life. It keeps no program running. */
  #arrange(): void {
    clearTimeout(this.#timer);
    const idle = this.#options.idle_ms > 0 && this.#pending.size === 0;
    const ms = idle ? this.#options.idle_ms : this.#pinged ? pongWithinMs : pingEveryMs;
    this.#timer = setTimeout(() => this.#onTimer(idle), ms);
    unref(this.#timer);
  }

  #onTimer(wasIdle: boolean): void {
    if (wasIdle && this.#pending.size === 0) return this.#drop();
    const socket = this.#socket;
    if (this.#pinged && socket !== undefined) return this.#lost(socket, 1006, "no answer");
    this.#pinged = true;
    this.#write(ping);
    this.#arrange();
  }
}

function openSocket(url: string, protocols: string[]): WebSocket {
  return new WebSocket(url, protocols);
}

function untilOpen(socket: WebSocket): Promise<void> {
  if (socket.readyState === 1) return Promise.resolve();
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error("the session could not be opened")));
    socket.addEventListener("close", ({ code }) => reject(new Error(`the session could not be opened (${code})`)));
  });
}

function problemOf(error: Error) {
  const { code, status } = error instanceof BursarError ? error : { code: "unreachable", status: 0 };
  return { type: "", title: "", status, detail: error.message, code: code as "unavailable" };
}
