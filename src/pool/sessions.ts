/**
 * Sessions: WebSockets that stay open while the object hibernates. A frame of commands is one delivery, and so one journal
 * row. Subscriptions are in `watchers.ts`.
 */

import { ackFrame, commandsFrame, subscribeFrame, withIds } from "../protocol/batch.wire.ts";
import type { Caller } from "../protocol/caller.ts";
import type { Command, ExecuteOptions, Outcome } from "../protocol/commands.ts";
import {
  batchResult,
  closeCodes,
  type LiveRefusal,
  ping,
  pong,
  type SessionAuth,
  subprotocol,
} from "../protocol/frames.ts";
import type { JournalEvent } from "../protocol/journal.ts";
import { parseJson, toPointer } from "../protocol/json.ts";
import { limits } from "../protocol/limits.ts";
import { type Problem, problemOf } from "../protocol/problems.ts";
import type { Refusal } from "../protocol/refusals.ts";
import type { ReserveCommand } from "../protocol/reservation.ts";
import { mayRun } from "../protocol/rights.ts";
import { shareOf } from "../protocol/share.ts";
import { isSpendingStopped, spendingStopped } from "../protocol/spending-stop.ts";
import { stackOf } from "../protocol/stack.ts";
import { uuid7 } from "../protocol/uuid.ts";
import { NotPersistedError } from "./group-commit.ts";
import { invalidFrame } from "./invalid-frame.ts";
import type { LivePool } from "./live-pool.ts";
import { type Attachment, attach, attachmentOf, close, keyOf, send } from "./socket.ts";
import type { Turns } from "./turns.ts";
import { Watchers } from "./watchers.ts";

/** What a session needs of its pool: the same `execute` that requests use, which refuses revoked keys. */
export type Entry = {
  execute(caller: Caller, commands: readonly Command[], options: ExecuteOptions): Promise<readonly Outcome[]>;
  leave(id: string, ticket: string): void;
  /** Why the key is refused from now on: it is revoked or has expired. */
  refusalTo(caller: Caller): Refusal | undefined;
};

/** Characters of a frame that count as the work of one command. */
const lengthPerCommand = 100;
/** The work of receiving and answering any frame, in commands. */
const frameCost = 20;

export class Sessions {
  readonly #ctx: DurableObjectState;
  readonly #entry: Entry;
  readonly #watchers: Watchers;
  readonly #turns: Turns;
  /** Frames in flight, by socket. */
  readonly #inFlight = new WeakMap<WebSocket, number>();
  /** Calls that wait in line, by socket: ticket → id of the reservation. */
  readonly #waiting = new WeakMap<WebSocket, Map<string, string>>();

  constructor(ctx: DurableObjectState, pool: LivePool, turns: Turns, entry: Entry) {
    this.#ctx = ctx;
    this.#turns = turns;
    this.#entry = entry;
    this.#watchers = new Watchers(ctx, pool, turns, (socket, attachment) => this.#closeIfRefused(socket, attachment));
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong));
  }

  /** Accepts a connection that the Worker has authorized. */
  accept(auth: SessionAuth, offersSubprotocol: boolean): Response {
    const key = keyOf(auth);
    const own = this.#ctx.getWebSockets(key).length;
    const share = shareOf(limits.sessions, this.#ctx.getWebSockets().length - own);
    if (own + 1 > share) {
      const limit =
        own === 0 ? { limit: "sessions", maximum: limits.sessions } : { limit: "sessionsPerKey", maximum: share };
      return Response.json({ code: "limit_reached", ...limit } satisfies Refusal, { status: 429 });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    this.#ctx.acceptWebSocket(server, [key]);
    attach(server, { ...auth, watch: null });
    const headers = new Headers(offersSubprotocol ? { "sec-websocket-protocol": subprotocol } : {});
    return new Response(null, { status: 101, webSocket: client, headers });
  }

  /**
   * Handles a frame when it is its key's turn; acknowledgements and subscriptions wait for it, too, because they are work as
   * well. Every frame but an acknowledgement is answered under its number.
   */
  async message(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    // A closed socket still delivers frames that were sent before the peer closed it.
    if (socket.readyState !== WebSocket.OPEN) return;
    // Closed, not answered: answers to a million bad frames would pile up for a peer that reads none.
    if (typeof data !== "string") return close(socket, 1003, "frames are text, not bytes");
    if (data.length > limits.frameLength) {
      return close(socket, 1009, `a frame is at most ${limits.frameLength} characters`);
    }
    const key = keyOf(attachmentOf(socket));
    const inFlight = (this.#inFlight.get(socket) ?? 0) + 1;
    const isQueueFull = this.#turns.isFull(key);
    if (inFlight > limits.framesInFlight || isQueueFull) {
      const most = `at most ${limits.framesInFlight} frames may be in flight`;
      return close(socket, closeCodes.tooManyInFlight, isQueueFull ? "as much of this key's work waits as may" : most);
    }
    this.#inFlight.set(socket, inFlight);
    try {
      const cost = frameCost + Math.ceil(data.length / lengthPerCommand);
      await this.#turns.take(
        key,
        cost,
        () => this.#look(socket, data),
        () => data.length,
      );
    } finally {
      this.#inFlight.set(socket, (this.#inFlight.get(socket) ?? 1) - 1);
    }
  }

  async #look(socket: WebSocket, data: string): Promise<void> {
    // The peer may have closed it while the frame waited for its turn.
    if (socket.readyState !== WebSocket.OPEN) return;
    const attachment = attachmentOf(socket);
    if (this.#closeIfRefused(socket, attachment)) return;
    const parsed = parseJson(data);
    if (!parsed.ok) return send(socket, { id: null, problem: invalidFrame(parsed.fault.path, parsed.fault.message) });
    try {
      await this.#take(socket, attachment, parsed.value);
    } catch (error) {
      const problem = problemOfThrown(error);
      // Every frame is answered, whatever happens: the peer waits for its number.
      send(socket, { id: numberOf(parsed.value), problem });
    }
  }

  /** Closes the session if its key has expired or was revoked; true if it did. */
  #closeIfRefused(socket: WebSocket, { caller }: Attachment): boolean {
    const refusal = this.#entry.refusalTo(caller);
    if (refusal === undefined) return false;
    close(socket, closeCodes.unauthorized, `the key ${refusal.code === "key_expired" ? "has expired" : "was revoked"}`);
    this.#left(socket);
    return true;
  }

  /** The peer has disconnected, or asks to: it then waits for a closing frame. */
  gone(socket: WebSocket): void {
    this.#left(socket);
    close(socket, 1000, "");
  }

  /** Ends the subscription of a disconnected session, and takes its calls out of the waiting line. */
  #left(socket: WebSocket): void {
    this.#watchers.gone(socket);
    for (const [ticket, id] of this.#waiting.get(socket) ?? []) this.#entry.leave(id, ticket);
    this.#waiting.delete(socket);
  }

  /** Sends subscribers the events that were just persisted. */
  publish(events: readonly JournalEvent[]): void {
    this.#watchers.publish(events);
  }

  /** Sends subscribers the refusals of a delivery. */
  publishRefusals(refused: readonly LiveRefusal[]): void {
    this.#watchers.publishRefusals(refused);
  }

  /** Closes the sessions of keys that are revoked now. */
  revoked(): void {
    for (const socket of this.#ctx.getWebSockets()) this.#closeIfRefused(socket, attachmentOf(socket));
  }

  /** Closes all sessions: the pool was deleted. */
  end(): void {
    for (const socket of this.#ctx.getWebSockets()) close(socket, closeCodes.gone, "the pool was deleted");
  }

  async #take(socket: WebSocket, attachment: Attachment, frame: unknown): Promise<void> {
    const id = numberOf(frame);
    if (isObject(frame) && "ack" in frame) {
      const acked = ackFrame.safeParse(frame);
      if (!acked.success) return send(socket, { id, problem: faultOf(acked.error) });
      return this.#watchers.acknowledge(socket, attachment, acked.data.ack);
    }
    if (isObject(frame) && "subscribe" in frame) {
      const subscription = subscribeFrame.safeParse(frame);
      if (!subscription.success) return send(socket, { id, problem: faultOf(subscription.error) });
      const { id: asked, subscribe } = subscription.data;
      return this.#watchers.subscribe(socket, attachment, asked, subscribe.after);
    }
    const commands = commandsFrame.safeParse(frame);
    if (!commands.success) return send(socket, { id, problem: faultOf(commands.error) });
    // Ids made here are new each time: a client that sends a frame again after a lost connection must put its own ids in.
    const data = { ...commands.data, commands: withIds(commands.data.commands, () => uuid7()) };
    await this.#run(socket, attachment, data);
  }

  async #run(
    socket: WebSocket,
    { caller, scope }: Attachment,
    { id, commands, wait_ms }: { id: number; commands: readonly Command[]; wait_ms?: number | undefined },
  ): Promise<void> {
    const beyond = beyondRights(scope, caller.agent, commands);
    if (beyond !== undefined) return send(socket, { id, problem: beyond });
    const [first] = commands;
    const outcomes =
      wait_ms !== undefined && first?.op === "reserve"
        ? await this.#executeOrWait(socket, caller, first, wait_ms)
        : await this.#entry.execute(caller, commands, {});
    const results = outcomes.map((outcome, index) => batchResult(outcome, commands[index]?.op ?? ""));
    send(socket, { id, results });
  }

  async #executeOrWait(
    socket: WebSocket,
    caller: Caller,
    command: ReserveCommand,
    wait_ms: number,
  ): Promise<readonly Outcome[]> {
    const ticket = crypto.randomUUID();
    const waiting = this.#waiting.get(socket) ?? new Map<string, string>();
    this.#waiting.set(socket, waiting.set(ticket, command.id));
    try {
      return await this.#entry.execute(caller, [command], { wait_ms, ticket });
    } finally {
      waiting.delete(ticket);
    }
  }
}

/** The problem that refuses a whole frame if one of its commands exceeds the key's rights; it names the command. */
function beyondRights(
  scope: SessionAuth["scope"],
  agent: string | null,
  commands: readonly Command[],
): Problem | undefined {
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

function faultOf({ issues }: { readonly issues: readonly { path: PropertyKey[]; message: string }[] }): Problem {
  const [first] = issues;
  return invalidFrame(toPointer(first?.path ?? []), first?.message ?? "is not valid");
}

function numberOf(frame: unknown): number | null {
  const id = isObject(frame) ? Reflect.get(frame, "id") : undefined;
  return typeof id === "number" && Number.isSafeInteger(id) ? id : null;
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function problemOfThrown(error: unknown): Problem {
  if (isSpendingStopped(error)) return problemOf("unavailable", spendingStopped);
  if (error instanceof NotPersistedError) return problemOf("unavailable", "Nothing was stored. Repeat the same frame.");
  console.error(JSON.stringify({ event: "internal_error", where: "session", stack: stackOf(error) }));
  return problemOf("internal_error", "Internal error.");
}
