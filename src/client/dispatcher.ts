/**
 * Sends commands to a pool: those of one tick travel together. A caller that asks now and then gets a plain request
 * each; once calls come often they go through a session, which carries a hundred times as many.
 */
import type { CommandResult } from "../protocol/frames.ts";
import { retry } from "../protocol/retry.ts";
import { BursarError, closedError, errorOf, UnreachableError } from "./errors.ts";
import { Session, type SessionOptions } from "./session.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** How commands travel: `auto` opens a session once calls come often. */
export type TransportKind = "auto" | "session" | "fetch";

/** Calls in one second, or in flight at once, from which on a session pays. */
const oftenPerSecond = 20;
const manyAtOnce = 8;
/** After a session could not be opened, requests go alone for this long. */
const withoutSessionMs = 60_000;
/** Few frames in flight make full frames: what comes meanwhile travels in the next. */
const framesInFlight = 3;
/** Reserves that wait in line through the session; the server takes 256 frames at once, others go as requests. */
const waitersInSession = 100;
const commandsPerFrame = 500;
/** Characters of a frame, and of a request's body; the server takes 262,144 and 65,536 bytes. */
const frameLength = 80_000;
const bodyLength = 20_000;
/** How often a frame is sent of which nothing was stored, and the pauses between. */
const attempts = 4;
const backoff = { firstMs: 100, factor: 4, maxMs: 1_500 };

/** A command on its way, and the caller who waits for it. Made for every call, so it makes nothing that it can do without. */
class Sent {
  readonly command: Sendable;
  readonly text: string;
  readonly waitMs: number;
  /** Its caller has given up, or has been answered. */
  isDone = false;
  readonly #resolve: (result: never) => void;
  readonly #reject: (error: unknown) => void;

  constructor(command: Sendable, waitMs: number, resolve: (result: never) => void, reject: (error: unknown) => void) {
    this.command = command;
    this.text = JSON.stringify(command);
    this.waitMs = waitMs;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  resolve(outcome: CommandResult): void {
    this.isDone = true;
    if ("problem" in outcome) this.#reject(errorOf(outcome.problem));
    else this.#resolve(outcome.result as never);
  }

  reject(error: unknown): void {
    this.isDone = true;
    this.#reject(error);
  }
}

/** A command of the protocol, by its field names on the wire. */
type Sendable = { readonly op: string; readonly id: string; readonly [field: string]: unknown };

export type DispatcherOptions = {
  readonly kind: TransportKind;
  /** Whether there is anything that could open a session. */
  readonly canConnect: boolean;
  readonly session: Omit<SessionOptions, "url" | "idle_ms">;
};

export class Dispatcher {
  readonly #transport: Transport;
  readonly #path: string;
  readonly #options: DispatcherOptions;
  readonly #session: Session;
  #queue: Sent[] = [];
  #scheduled = false;
  #closed = false;
  #requests = 0;
  #frames = 0;
  #waiters = 0;
  #since = 0;
  #calls = 0;
  #withoutSessionUntil = 0;
  /** Ends requests that wait in line when the client is closed, … */
  readonly #ending = new AbortController();
  /** … by these ids, which are released: not every host sees that a caller has hung up. */
  readonly #waitingRequests = new Set<string>();

  constructor(transport: Transport, path: string, options: DispatcherOptions) {
    this.#transport = transport;
    this.#path = path;
    this.#options = options;
    this.#session = new Session({ ...options.session, url: `${transport.base}${path}/session`, idle_ms: 2_000 });
  }

  /** The result of `command`, or its refusal as an error. */
  run<T>(command: Sendable, { signal, wait_ms: waitMs = 0 }: CallOptions = {}): Promise<T> {
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    if (this.#closed) return Promise.reject(closedError());
    return new Promise((resolve, reject) => {
      const sent = new Sent(command, waitMs, resolve, reject);
      if (signal !== undefined) this.#obey(signal, sent);
      if (waitMs > 0) void this.#wait(sent);
      else this.#enqueue(sent);
    });
  }

  close(): void {
    this.#closed = true;
    this.#ending.abort(closedError());
    for (const id of this.#waitingRequests) {
      const path = `${this.#path}/reservations/${encodeURIComponent(id)}/release`;
      void this.#transport.call("POST", path, {}).catch(() => undefined);
    }
    this.#session.close();
    for (const sent of this.#queue.splice(0)) sent.reject(closedError());
  }

  /** Lets `signal` end the caller's waiting. What is in flight by then is settled without it. */
  #obey(signal: AbortSignal, sent: Sent): void {
    const onAbort = (): void => {
      this.#queue = this.#queue.filter((other) => other !== sent);
      sent.reject(signal.reason);
      // Its caller no longer waits: it leaves the line at once.
      if (sent.waitMs > 0) void this.run({ op: "release", id: sent.command.id }).catch(() => undefined);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const resolve = sent.resolve.bind(sent);
    sent.resolve = (outcome) => {
      signal.removeEventListener("abort", onAbort);
      const granted = !("problem" in outcome) && sent.command.op === "reserve";
      // Its caller has given up. Its lease would give it back too, only later.
      if (sent.isDone && granted) void this.run({ op: "release", id: sent.command.id }).catch(() => undefined);
      else resolve(outcome);
    };
  }

  #enqueue(sent: Sent): void {
    this.#queue.push(sent);
    this.#count();
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => this.#flush());
  }

  /** A reserve that waits in line travels alone, or it would keep its neighbours waiting. */
  async #wait(sent: Sent): Promise<void> {
    this.#waiters++;
    try {
      if (this.#usesSession() && this.#waiters <= waitersInSession) await this.#frame([sent], sent.waitMs);
      else await this.#reserve(sent);
    } finally {
      this.#waiters--;
    }
  }

  #flush(): void {
    this.#scheduled = false;
    const asSession = this.#usesSession();
    const mayGo = (): boolean => !asSession || this.#frames < framesInFlight;
    while (this.#queue.length > 0 && mayGo()) {
      const batch = this.#take(asSession ? frameLength : bodyLength);
      void (asSession ? this.#nextFrame(batch) : this.#request(batch));
    }
  }

  #take(most: number): Sent[] {
    let length = 0;
    let count = 0;
    for (const { text } of this.#queue) {
      length += text.length;
      if (count > 0 && (length > most || count >= commandsPerFrame)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #nextFrame(batch: readonly Sent[]): Promise<void> {
    this.#frames++;
    try {
      await this.#frame(batch, 0);
    } finally {
      this.#frames--;
      if (this.#queue.length > 0) this.#flush();
    }
  }

  /** Settles all of `batch`, over the session or, where none gets through, by requests. */
  async #frame(batch: readonly Sent[], waitMs: number): Promise<void> {
    try {
      resolveAll(batch, await this.#sendFrame(batch, waitMs));
    } catch (error) {
      if (error instanceof UnreachableError && this.#options.kind === "auto") {
        // Something between here and the governor takes no sessions. The same commands, by the same ids, go alone.
        this.#withoutSessionUntil = Date.now() + withoutSessionMs;
        const [first] = batch;
        await (waitMs > 0 && first !== undefined ? this.#reserve(first) : this.#request(batch));
      } else if (isOfOne(error, batch)) {
        for (const sent of batch) void this.#frame([sent], 0);
      } else {
        const reason = asOne(await this.#reasonOf(error));
        for (const sent of batch) sent.reject(reason);
      }
    }
  }

  /** Of a frame that is answered `unavailable` nothing was stored: it is sent again, as a request would be. */
  #sendFrame(batch: readonly Sent[], waitMs: number): Promise<readonly CommandResult[]> {
    const texts = batch.map(({ text }) => text);
    const again = (error: unknown): boolean => error instanceof BursarError && error.code === "unavailable";
    return retry(() => this.#session.send(texts, waitMs), { attempts, backoff, again });
  }

  /** Why no session could be had: a WebSocket does not say, a plain request does. */
  async #reasonOf(error: unknown): Promise<unknown> {
    if (!(error instanceof UnreachableError)) return error;
    try {
      await this.#transport.call("GET", this.#path);
    } catch (reason) {
      if (reason instanceof BursarError && reason.status >= 400 && reason.status < 500) return reason;
    }
    return error;
  }

  async #request(batch: readonly Sent[]): Promise<void> {
    this.#requests += batch.length;
    try {
      const body = { raw: `{"commands":[${batch.map(({ text }) => text).join(",")}]}` };
      const { results } = await this.#transport.call<{ results: CommandResult[] }>("POST", `${this.#path}/batch`, body);
      resolveAll(batch, results);
    } catch (error) {
      if (isOfOne(error, batch)) for (const sent of batch) void this.#request([sent]);
      else for (const sent of batch) sent.reject(asOne(error));
    } finally {
      this.#requests -= batch.length;
    }
  }

  async #reserve(sent: Sent): Promise<void> {
    const { op: _, ...fields } = sent.command;
    const body = { ...fields, wait_ms: sent.waitMs };
    this.#waitingRequests.add(sent.command.id);
    try {
      const options = { wait_ms: sent.waitMs, signal: this.#ending.signal };
      const result = await this.#transport.call<object>("POST", `${this.#path}/reservations`, body, options);
      sent.resolve({ status: 201, result });
    } catch (error) {
      sent.reject(error);
    } finally {
      this.#waitingRequests.delete(sent.command.id);
    }
  }

  #count(): void {
    const now = Date.now();
    if (now - this.#since > 1_000) {
      this.#since = now;
      this.#calls = 0;
    }
    this.#calls++;
  }

  #usesSession(): boolean {
    const { kind, canConnect } = this.#options;
    if (kind !== "auto") return kind === "session";
    if (!canConnect || Date.now() < this.#withoutSessionUntil) return false;
    const atOnce = this.#queue.length + this.#requests;
    return this.#session.isBusy || this.#calls >= oftenPerSecond || atOnce >= manyAtOnce;
  }
}

function resolveAll(batch: readonly Sent[], results: readonly CommandResult[]): void {
  for (const [index, sent] of batch.entries()) {
    const result = results[index];
    if (result === undefined) sent.reject(new Error("the governor left a command without an answer"));
    else sent.resolve(result);
  }
}

/**
 * Whether a batch was refused as a whole because of one command in it: then nothing of it had an effect, and its
 * neighbours must not pay for it.
 */
function isOfOne(error: unknown, batch: readonly Sent[]): boolean {
  return batch.length > 1 && error instanceof BursarError && [400, 403, 413].includes(error.status);
}

/** What is wrong with a command, in terms of what its caller gave: its caller does not know of its batch. */
function asOne(error: unknown): unknown {
  if (!(error instanceof BursarError) || error.code !== "invalid_request") return error;
  const text = JSON.stringify(error.problem).replaceAll("/commands/0/", "/");
  return errorOf(JSON.parse(text));
}
