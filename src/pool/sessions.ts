/**
 * Sessions: WebSockets that outlive the object's memory. A frame of commands is one delivery and so one journal row;
 * a watcher is sent every event once, in order, from any point of the journal. What a session may do stands in its
 * attachment, which survives hibernation; nothing else of it needs to.
 */

import type { Caller } from "../protocol/caller.ts";
import type { Command, ReserveCommand } from "../protocol/commands.ts";
import type { JournalEvent } from "../protocol/events.ts";
import {
  batchResult,
  closeCodes,
  type LiveRefusal,
  type Opener,
  ping,
  pong,
  type ServerFrame,
  subprotocol,
} from "../protocol/frames.ts";
import { parseJson, toPointer } from "../protocol/json.ts";
import { limits } from "../protocol/limits.ts";
import { type Problem, problemOf } from "../protocol/problems.ts";
import type { Refusal } from "../protocol/refusals.ts";
import type { Outcome } from "../protocol/results.ts";
import { mayRun, readers } from "../protocol/rights.ts";
import * as schemas from "../protocol/schemas.ts";
import { page } from "./journal.ts";
import { type LivePool, NotPersistedError } from "./live-pool.ts";

/** What a session is allowed, and how far it has been told. */
type Attachment = Opener & { readonly watch: Watch | null };
/** `sent`: the last event that went out; `acked`: the last that the other side says it has seen. */
type Watch = { readonly sent: number; readonly acked: number };

/** How a session's commands get in: by the same door as requests, where revoked keys are refused. */
export type Door = {
  run(caller: Caller, commands: readonly Command[]): Promise<Outcome[]>;
  reserve(caller: Caller, command: ReserveCommand, waitMs: number): Promise<Outcome>;
  isRevoked(caller: Caller): boolean;
};

export class Sessions {
  readonly #ctx: DurableObjectState;
  readonly #pool: LivePool;
  readonly #door: Door;
  /** Sockets that watch; undefined until asked for after waking. */
  #watchers: Set<WebSocket> | undefined;
  readonly #underWay = new WeakMap<WebSocket, number>();

  constructor(ctx: DurableObjectState, pool: LivePool, door: Door) {
    this.#ctx = ctx;
    this.#pool = pool;
    this.#door = door;
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong));
  }

  /** Takes a connection that the Worker has let in. */
  accept(opener: Opener, offersSubprotocol: boolean): Response {
    if (this.#ctx.getWebSockets().length >= limits.sessions) {
      const refusal: Refusal = { code: "limit_reached", limit: "sessions", maximum: limits.sessions };
      return Response.json(refusal, { status: 429 });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server);
    attach(server, { ...opener, watch: null });
    const headers = new Headers(offersSubprotocol ? { "sec-websocket-protocol": subprotocol } : {});
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  /** A frame from the other side. Every frame but an acknowledgement is answered, with its number. */
  async message(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    // A closed socket still delivers what the other side had sent, until that side says goodbye.
    if (socket.readyState !== WebSocket.OPEN) return;
    const attachment = attachmentOf(socket);
    if (this.#isOver(socket, attachment)) return;
    if (typeof data !== "string") return send(socket, { id: null, problem: wrong("", "must be text, not bytes") });
    if (data.length > limits.frameLength) {
      return close(socket, 1009, `a frame is at most ${limits.frameLength} characters`);
    }
    const parsed = parseJson(data);
    if (!parsed.ok) return send(socket, { id: null, problem: wrong(parsed.fault.path, parsed.fault.message) });
    try {
      await this.#take(socket, attachment, parsed.value);
    } catch (error) {
      const isStored = !(error instanceof NotPersistedError);
      if (isStored) console.error(JSON.stringify({ event: "internal_error", where: "session", ...placeOf(error) }));
      const problem = isStored
        ? problemOf("internal_error", "This is a defect of Bursar's.")
        : problemOf("unavailable", "Nothing was stored. Repeat the same frame.");
      // Whatever happens, a frame is answered: the other side waits for it.
      send(socket, { id: numberOf(parsed.value), problem });
    }
  }

  /** Closes a session whose key has expired or was revoked; true if it did. */
  #isOver(socket: WebSocket, { caller, expires_at }: Attachment): boolean {
    const why = (expires_at ?? Number.POSITIVE_INFINITY) <= Date.now() ? "has expired" : "was revoked";
    if (why === "was revoked" && !this.#door.isRevoked(caller)) return false;
    close(socket, closeCodes.unauthorized, `the key ${why}`);
    this.#watchers?.delete(socket);
    return true;
  }

  /** The other side has gone, or says that it will: then it waits for our goodbye. */
  gone(socket: WebSocket): void {
    this.#watchers?.delete(socket);
    close(socket, 1000, "");
  }

  /** Tells the watchers what has just been persisted. */
  tell(events: readonly JournalEvent[]): void {
    const first = events[0];
    if (first === undefined) return;
    const watchers = this.#watching();
    if (watchers.size === 0) return;
    const last = first.seq + events.length - 1;
    const text = JSON.stringify({ events, next: last } satisfies ServerFrame);
    for (const socket of watchers) {
      const attachment = attachmentOf(socket);
      const { watch } = attachment;
      if (watch === null || this.#isOver(socket, attachment)) continue;
      if (watch.sent !== first.seq - 1 || last - watch.acked > limits.eventsAhead) {
        this.#fill(socket, attachment);
      } else if (sendText(socket, text)) {
        attach(socket, { ...attachment, watch: { ...watch, sent: last } });
      }
    }
  }

  /** Shows the watchers what was refused. It is not in the journal; who does not watch now never sees it. */
  show(refused: readonly LiveRefusal[]): void {
    for (const socket of this.#watching()) {
      if (!this.#isOver(socket, attachmentOf(socket))) send(socket, { refused });
    }
  }

  /** Closes the sessions of keys that are revoked now. */
  revoked(): void {
    for (const socket of this.#ctx.getWebSockets()) this.#isOver(socket, attachmentOf(socket));
  }

  /** Closes all: the pool is gone. */
  end(): void {
    for (const socket of this.#ctx.getWebSockets()) close(socket, closeCodes.gone, "the pool was deleted");
    this.#watchers = undefined;
  }

  async #take(socket: WebSocket, attachment: Attachment, frame: unknown): Promise<void> {
    const id = numberOf(frame);
    if (isObject(frame) && "ack" in frame) {
      const acked = schemas.ackFrame.safeParse(frame);
      if (!acked.success) return send(socket, { id, problem: faultOf(acked.error) });
      return this.#acknowledge(socket, attachment, acked.data.ack);
    }
    if (isObject(frame) && "subscribe" in frame) {
      const subscription = schemas.subscribeFrame.safeParse(frame);
      if (!subscription.success) return send(socket, { id, problem: faultOf(subscription.error) });
      return this.#subscribe(socket, attachment, subscription.data.id, subscription.data.subscribe.after);
    }
    const commands = schemas.commandsFrame.safeParse(frame);
    if (!commands.success) return send(socket, { id, problem: faultOf(commands.error) });
    await this.#run(socket, attachment, commands.data);
  }

  async #run(
    socket: WebSocket,
    { caller, scope }: Attachment,
    { id, commands, wait_ms }: { id: number; commands: readonly Command[]; wait_ms?: number | undefined },
  ): Promise<void> {
    const beyond = beyondRights(scope, caller.agent, commands);
    if (beyond !== undefined) return send(socket, { id, problem: beyond });
    const underWay = (this.#underWay.get(socket) ?? 0) + 1;
    if (underWay > limits.framesUnderWay) {
      return close(socket, closeCodes.hurried, `at most ${limits.framesUnderWay} frames may be under way`);
    }
    this.#underWay.set(socket, underWay);
    try {
      const [first] = commands;
      const outcomes =
        wait_ms !== undefined && first?.op === "reserve"
          ? [await this.#door.reserve(caller, first, wait_ms)]
          : await this.#door.run(caller, commands);
      const results = outcomes.map((outcome, index) => batchResult(outcome, commands[index]?.op ?? ""));
      send(socket, { id, results });
    } finally {
      this.#underWay.set(socket, (this.#underWay.get(socket) ?? 1) - 1);
    }
  }

  async #subscribe(socket: WebSocket, { caller, scope }: Attachment, id: number, after: number): Promise<void> {
    if (!readers.includes(scope) || caller.agent !== null) {
      return send(socket, {
        id,
        problem: problemOf("forbidden", "Events are of all agents; this key may not read them."),
      });
    }
    const { pool } = await this.#pool.settled();
    if (socket.readyState !== WebSocket.OPEN || this.#isOver(socket, attachmentOf(socket))) return;
    if (after > pool.seq)
      return send(socket, { id, problem: wrong("/subscribe/after", `must not be after ${pool.seq}`) });
    send(socket, { id, subscribed: { after, seq: pool.seq, refusals: this.#pool.refusals() } });
    // Read again: others ran while this waited.
    const attachment = { ...attachmentOf(socket), watch: { sent: after, acked: after } };
    attach(socket, attachment);
    this.#watching().add(socket);
    this.#fill(socket, attachment);
  }

  #acknowledge(socket: WebSocket, attachment: Attachment, seq: number): void {
    const { watch } = attachment;
    if (watch === null) return;
    const acked = Math.min(watch.sent, Math.max(watch.acked, seq));
    const next = { ...attachment, watch: { ...watch, acked } };
    attach(socket, next);
    this.#fill(socket, next);
  }

  /** Sends what is persisted and not sent yet, as far as the other side keeps up. */
  #fill(socket: WebSocket, attachment: Attachment): void {
    if (attachment.watch === null) return;
    let { sent } = attachment.watch;
    const { acked } = attachment.watch;
    while (sent - acked < limits.eventsAhead) {
      const { events, next } = page(this.#ctx.storage, sent, limits.eventsAhead - (sent - acked));
      if (events.length === 0 || !sendText(socket, JSON.stringify({ events, next } satisfies ServerFrame))) break;
      sent = next;
    }
    if (sent !== attachment.watch.sent) attach(socket, { ...attachment, watch: { sent, acked } });
  }

  #watching(): Set<WebSocket> {
    this.#watchers ??= new Set(this.#ctx.getWebSockets().filter((socket) => attachmentOf(socket).watch !== null));
    return this.#watchers;
  }
}

function attach(socket: WebSocket, attachment: Attachment): void {
  socket.serializeAttachment(attachment);
}

function attachmentOf(socket: WebSocket): Attachment {
  return socket.deserializeAttachment();
}

/** Refuses the whole frame where one command is beyond the key, and says which. */
function beyondRights(scope: Opener["scope"], agent: string | null, commands: readonly Command[]): Problem | undefined {
  for (const [index, command] of commands.entries()) {
    const foreign = agent !== null && "agent" in command && command.agent !== agent;
    if (!mayRun(scope, command.op) || foreign) {
      const bound = agent === null ? "" : ` of the agent ${agent}`;
      const detail = `A key of scope ${scope}${bound} can't ${command.op} (/commands/${index}).`;
      return problemOf("forbidden", detail);
    }
  }
  return undefined;
}

function send(socket: WebSocket, frame: ServerFrame): void {
  sendText(socket, JSON.stringify(frame));
}

/** False if the other side has gone; the platform tells us so by itself. */
function sendText(socket: WebSocket, text: string): boolean {
  try {
    socket.send(text);
    return true;
  } catch {
    return false;
  }
}

function close(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed already.
  }
}

function wrong(field: string, message: string): Problem {
  const detail = `${field === "" ? "The frame" : field} ${message}.`;
  return problemOf("invalid_request", detail, { errors: [{ field, message }] });
}

function faultOf({ issues }: { readonly issues: readonly { path: PropertyKey[]; message: string }[] }): Problem {
  const [first] = issues;
  return wrong(toPointer(first?.path ?? []), first?.message ?? "is not valid");
}

function numberOf(frame: unknown): number | null {
  const id = isObject(frame) ? Reflect.get(frame, "id") : undefined;
  return typeof id === "number" && Number.isSafeInteger(id) ? id : null;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where an error was thrown, without its message, which may quote what was sent. */
function placeOf(error: unknown): { readonly error: string; readonly stack: string } {
  if (!(error instanceof Error)) return { error: typeof error, stack: "" };
  const frames = (error.stack ?? "").split("\n").filter((line) => /^ {4}at /.test(line));
  return { error: error.name, stack: frames.slice(0, 12).join("\n") };
}
