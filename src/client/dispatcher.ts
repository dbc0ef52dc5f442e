/**
 * Sends commands to a pool: those of one tick travel together. A caller that asks now and then gets a plain request
 * each; once calls come often they go through a session, which carries a hundred times as many.
 */
import type { CommandResult } from "../protocol/frames.ts";
import type { ReservationResult } from "../protocol/results.ts";
import { BursarError, errorOf, UnreachableError } from "./errors.ts";
import { Session, type SessionOptions } from "./session.ts";
import type { CallOptions, Transport } from "./transport.ts";

/** How commands travel: `auto` opens a session once calls come often. */
export type TransportKind = "auto" | "session" | "fetch";

/** Calls in one second, or under way at once, from which on a session pays. */
const oftenPerSecond = 20;
const manyAtOnce = 8;
/** After a session could not be opened, requests go alone for this long. */
const withoutSessionMs = 60_000;
/** Few frames under way make full frames: what comes meanwhile travels in the next. */
const framesUnderWay = 4;
const commandsPerFrame = 500;
/** Characters of a frame, and of a request's body; the server takes 262,144 and 65,536 bytes. */
const frameLength = 80_000;
const bodyLength = 20_000;

type Waiting = {
  readonly text: string;
  readonly isReserve: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
  aborted: boolean;
};

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
  #queue: Waiting[] = [];
  #scheduled = false;
  #underWay = 0;
  #since = 0;
  #calls = 0;
  #withoutSessionUntil = 0;

  constructor(transport: Transport, path: string, options: DispatcherOptions) {
    this.#transport = transport;
    this.#path = path;
    this.#options = options;
    this.#session = new Session({ ...options.session, url: `${transport.base}${path}/session`, idle_ms: 2_000 });
  }

  /** The result of `command`, or its refusal as an error. */
  run<T>(command: Sendable, options: CallOptions = {}): Promise<T> {
    const { signal, wait_ms } = options;
    if (signal?.aborted === true) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const isReserve = command.op === "reserve";
      const waiting: Waiting = {
        text: JSON.stringify(command),
        isReserve,
        resolve: resolve as () => void,
        reject,
        aborted: false,
      };
      signal?.addEventListener("abort", () => this.#abort(waiting, signal.reason), { once: true });
      if (wait_ms !== undefined && wait_ms > 0) return this.#wait(command, waiting, options);
      this.#queue.push(waiting);
      this.#count();
      if (!this.#scheduled) {
        this.#scheduled = true;
        queueMicrotask(() => this.#flush());
      }
    });
  }

  close(): void {
    this.#session.close();
  }

  /** Until now or from now on: nobody waits for it any more. A reservation that is granted all the same is given back. */
  #abort(waiting: Waiting, reason: unknown): void {
    waiting.aborted = true;
    this.#queue = this.#queue.filter((other) => other !== waiting);
    waiting.reject(reason);
  }

  /** A reserve that waits in line travels alone, or it would keep its neighbours waiting. */
  #wait(command: object, waiting: Waiting, options: CallOptions): void {
    if (this.#usesSession()) {
      this.#session.send([waiting.text], options.wait_ms).then(
        ([result]) => this.#settle(waiting, result),
        (error: unknown) => waiting.reject(error),
      );
      return;
    }
    const { op: _, ...fields } = command as { op: string };
    const body = { ...fields, wait_ms: options.wait_ms };
    this.#transport.call("POST", `${this.#path}/reservations`, body, options).then(waiting.resolve, waiting.reject);
  }

  #flush(): void {
    this.#scheduled = false;
    const asSession = this.#usesSession();
    const mayGo = (): boolean => !asSession || this.#session.underWay < framesUnderWay;
    while (this.#queue.length > 0 && mayGo()) {
      const batch = this.#take(asSession ? frameLength : bodyLength);
      void (asSession ? this.#frame(batch) : this.#request(batch));
    }
  }

  #take(most: number): Waiting[] {
    let length = 0;
    let count = 0;
    for (const { text } of this.#queue) {
      length += text.length;
      if (count > 0 && (length > most || count >= commandsPerFrame)) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #frame(batch: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#session.send(batch.map(({ text }) => text));
      for (let i = 0; i < batch.length; i++) this.#settle(batch[i] as Waiting, results[i]);
    } catch (error) {
      if (error instanceof UnreachableError && this.#options.kind === "auto") {
        // Something between here and the governor takes no sessions. The same commands, by the same ids, go alone.
        this.#withoutSessionUntil = Date.now() + withoutSessionMs;
        await this.#request(batch);
      } else {
        const reason = await this.#reasonOf(error);
        for (const { reject } of batch) reject(reason);
      }
    }
    if (this.#queue.length > 0) this.#flush();
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

  async #request(batch: readonly Waiting[]): Promise<void> {
    this.#underWay += batch.length;
    try {
      const body = { raw: `{"commands":[${batch.map(({ text }) => text).join(",")}]}` };
      const { results } = await this.#transport.call<{ results: CommandResult[] }>("POST", `${this.#path}/batch`, body);
      for (const [index, waiting] of batch.entries()) this.#settle(waiting, results[index]);
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#underWay -= batch.length;
    }
  }

  #settle(waiting: Waiting, result: CommandResult | undefined): void {
    if (result === undefined) return waiting.reject(new Error("the governor left a command without an answer"));
    if ("problem" in result) return waiting.reject(errorOf(result.problem));
    waiting.resolve(result.result);
    if (waiting.aborted && waiting.isReserve) {
      const { id } = result.result as ReservationResult;
      // Its lease would give it back too, only later.
      this.run({ op: "release", id }).catch(() => undefined);
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
    const { kind } = this.#options;
    if (kind !== "auto") return kind === "session";
    if (!this.#options.canConnect) return false;
    if (Date.now() < this.#withoutSessionUntil) return false;
    return (
      this.#session.underWay > 0 || this.#calls >= oftenPerSecond || this.#queue.length + this.#underWay >= manyAtOnce
    );
  }
}
