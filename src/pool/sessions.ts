/**
 * Sessions: WebSockets that outlive the object's memory. A frame of commands is one delivery and so one journal row.
 * Whoever watches is `watchers.ts`.
 */

import type { Caller } from "../protocol/caller.ts";
import type { Command, ReserveCommand } from "../protocol/commands.ts";
import type { JournalEvent } from "../protocol/events.ts";
import { batchResult, closeCodes, type LiveRefusal, type Opener, ping, pong, subprotocol } from "../protocol/frames.ts";
import { parseJson, toPointer } from "../protocol/json.ts";
import { limits } from "../protocol/limits.ts";
import { type Problem, problemOf } from "../protocol/problems.ts";
import type { Refusal } from "../protocol/refusals.ts";
import type { Outcome } from "../protocol/results.ts";
import { mayRun } from "../protocol/rights.ts";
import * as schemas from "../protocol/schemas.ts";
import { stackOf } from "../protocol/stack.ts";
import { wrong } from "./faults.ts";
import { type LivePool, NotPersistedError } from "./live-pool.ts";
import { type Attachment, attach, attachmentOf, close, send } from "./socket.ts";
import { Watchers } from "./watchers.ts";

/** How a session's commands get in: by the same door as requests, where revoked keys are refused. */
export type Door = {
  run(caller: Caller, commands: readonly Command[]): Promise<Outcome[]>;
  reserve(caller: Caller, command: ReserveCommand, waitMs: number): Promise<Outcome>;
  isRevoked(caller: Caller): boolean;
};

export class Sessions {
  readonly #ctx: DurableObjectState;
  readonly #door: Door;
  readonly #watchers: Watchers;
  readonly #underWay = new WeakMap<WebSocket, number>();

  constructor(ctx: DurableObjectState, pool: LivePool, door: Door) {
    this.#ctx = ctx;
    this.#door = door;
    this.#watchers = new Watchers(ctx, pool, (socket, attachment) => this.#isOver(socket, attachment));
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
      const entry = { event: "internal_error", where: "session", stack: stackOf(error) };
      if (isStored) console.error(JSON.stringify(entry));
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
    this.#watchers.gone(socket);
    return true;
  }

  /** The other side has gone, or says that it will: then it waits for our goodbye. */
  gone(socket: WebSocket): void {
    this.#watchers.gone(socket);
    close(socket, 1000, "");
  }

  /** Tells the watchers what has just been persisted. */
  tell(events: readonly JournalEvent[]): void {
    this.#watchers.tell(events);
  }

  /** Shows the watchers what was refused. */
  show(refused: readonly LiveRefusal[]): void {
    this.#watchers.show(refused);
  }

  /** Closes the sessions of keys that are revoked now. */
  revoked(): void {
    for (const socket of this.#ctx.getWebSockets()) this.#isOver(socket, attachmentOf(socket));
  }

  /** Closes all: the pool is gone. */
  end(): void {
    for (const socket of this.#ctx.getWebSockets()) close(socket, closeCodes.gone, "the pool was deleted");
  }

  async #take(socket: WebSocket, attachment: Attachment, frame: unknown): Promise<void> {
    const id = numberOf(frame);
    if (isObject(frame) && "ack" in frame) {
      const acked = schemas.ackFrame.safeParse(frame);
      if (!acked.success) return send(socket, { id, problem: faultOf(acked.error) });
      return this.#watchers.acknowledge(socket, attachment, acked.data.ack);
    }
    if (isObject(frame) && "subscribe" in frame) {
      const subscription = schemas.subscribeFrame.safeParse(frame);
      if (!subscription.success) return send(socket, { id, problem: faultOf(subscription.error) });
      const { id: asked, subscribe } = subscription.data;
      return this.#watchers.subscribe(socket, attachment, asked, subscribe.after);
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
