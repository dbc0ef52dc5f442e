/**
 * Subscriptions: a session is sent every event once, in order, from any point of the journal, and no faster than it
 * acknowledges them (back-pressure). How far each socket has got is kept in its attachment, which survives hibernation.
 */

import type { LiveRefusal, ServerFrame } from "../protocol/frames.ts";
import type { JournalEvent } from "../protocol/journal.ts";
import { limits } from "../protocol/limits.ts";
import { problemOf, refusalProblem } from "../protocol/problems.ts";
import { readers } from "../protocol/rights.ts";
import { shareOf } from "../protocol/share.ts";
import { invalidFrame } from "./invalid-frame.ts";
import { page } from "./journal.ts";
import type { LivePool } from "./live-pool.ts";
import { type Attachment, attach, attachmentOf, keyOf, send, sendText } from "./socket.ts";
import { trimmedTo } from "./trimming.ts";
import type { Turns } from "./turns.ts";

/** Most events in a frame that is read back from the journal. */
const eventsPerFrame = 500;

export class Watchers {
  readonly #ctx: DurableObjectState;
  readonly #pool: LivePool;
  /** Closes a session whose key has expired or was revoked; true if it did. */
  readonly #closeIfRefused: (socket: WebSocket, attachment: Attachment) => boolean;
  readonly #turns: Turns;
  /** The subscribed sockets; undefined until they are looked up after waking. */
  #sockets: Set<WebSocket> | undefined;
  /** Characters of refusals that were sent to each key since one of its sockets last acknowledged an event. */
  readonly #refusalsAhead = new Map<string, number>();
  #allRefusalsAhead = 0;
  /** Frames that are not acknowledged, by socket: the last event of each, and its length in characters. */
  readonly #unacknowledged = new WeakMap<WebSocket, { readonly seq: number; readonly length: number }[]>();

  constructor(
    ctx: DurableObjectState,
    pool: LivePool,
    turns: Turns,
    closeIfRefused: (socket: WebSocket, attachment: Attachment) => boolean,
  ) {
    this.#ctx = ctx;
    this.#pool = pool;
    this.#turns = turns;
    this.#closeIfRefused = closeIfRefused;
  }

  /** Sends subscribers the events that were just persisted. */
  publish(events: readonly JournalEvent[]): void {
    const first = events[0];
    if (first === undefined) return;
    const watchers = this.#watching();
    if (watchers.size === 0) return;
    const last = first.seq + events.length - 1;
    const text = JSON.stringify({ events, next: last } satisfies ServerFrame);
    for (const socket of watchers) {
      const attachment = attachmentOf(socket);
      const { watch } = attachment;
      if (watch === null || this.#closeIfRefused(socket, attachment)) continue;
      const isAhead = last - watch.acked > limits.eventsAhead || !this.#hasRoom(socket);
      if (watch.sent !== first.seq - 1 || isAhead) {
        this.#fill(socket, attachment);
      } else if (this.#sendEvents(socket, text, last)) {
        attach(socket, { ...attachment, watch: { ...watch, sent: last } });
      }
    }
  }

  /**
   * Sends subscribers the refusals of a delivery. They are in no journal, so only current subscribers get them, and only those
   * that have acknowledged an event since the last large batch.
   */
  publishRefusals(refused: readonly LiveRefusal[]): void {
    const watchers = this.#watching();
    if (watchers.size === 0) return;
    const text = JSON.stringify({ refused } satisfies ServerFrame);
    for (const socket of watchers) {
      const attachment = attachmentOf(socket);
      if (this.#closeIfRefused(socket, attachment)) continue;
      const key = keyOf(attachment);
      const own = this.#refusalsAhead.get(key) ?? 0;
      if (own + text.length > shareOf(limits.refusalsAheadLength, this.#allRefusalsAhead - own)) continue;
      this.#refusalsAhead.set(key, own + text.length);
      this.#allRefusalsAhead += text.length;
      sendText(socket, text);
    }
  }

  gone(socket: WebSocket): void {
    this.#sockets?.delete(socket);
    this.#unacknowledged.delete(socket);
  }

  /**
   * Subscribes the socket to every event after `after`; answers the frame `id`. Once for each socket: asking again must not
   * make the pool send a long journal again.
   */
  async subscribe(socket: WebSocket, { caller, scope, watch }: Attachment, id: number, after: number): Promise<void> {
    if (watch !== null) {
      const problem = invalidFrame("/subscribe", "was sent before; open another session to read from elsewhere");
      return send(socket, { id, problem });
    }
    if (!readers.includes(scope) || caller.agent !== null) {
      return send(socket, {
        id,
        problem: problemOf("forbidden", "Events are of all agents; this key may not read them."),
      });
    }
    const { pool } = await this.#pool.persistedMemory();
    if (socket.readyState !== WebSocket.OPEN || this.#closeIfRefused(socket, attachmentOf(socket))) return;
    const trimmed = trimmedTo(this.#ctx.storage);
    if (after < trimmed) return send(socket, { id, problem: refusalProblem({ code: "journal_trimmed", trimmed }) });
    if (after > pool.seq)
      return send(socket, { id, problem: invalidFrame("/subscribe/after", `must not be after ${pool.seq}`) });
    // Read again: others ran while this waited.
    const now = attachmentOf(socket);
    if (now.watch !== null) return this.subscribe(socket, now, id, after);
    send(socket, { id, subscribed: { after, seq: pool.seq, refusals: this.#pool.refusals() } });
    const attachment = { ...now, watch: { sent: after, acked: after } };
    attach(socket, attachment);
    this.#watching().add(socket);
    this.#fill(socket, attachment);
  }

  /** The peer has seen events up to `seq`: more can be sent. */
  acknowledge(socket: WebSocket, attachment: Attachment, seq: number): void {
    const { watch } = attachment;
    if (watch === null) return;
    const key = keyOf(attachment);
    this.#allRefusalsAhead -= this.#refusalsAhead.get(key) ?? 0;
    this.#refusalsAhead.delete(key);
    const acked = Math.min(watch.sent, Math.max(watch.acked, seq));
    if (acked === watch.acked) return;
    const sent = this.#unacknowledged.get(socket) ?? [];
    const seen = sent.findIndex(({ seq: last }) => last > acked);
    sent.splice(0, seen < 0 ? sent.length : seen);
    const next = { ...attachment, watch: { ...watch, acked } };
    attach(socket, next);
    this.#fill(socket, next);
  }

  /** Sends what is persisted and not sent yet, as far as the peer keeps up. */
  #fill(socket: WebSocket, attachment: Attachment): void {
    if (attachment.watch === null) return;
    let { sent } = attachment.watch;
    const { acked } = attachment.watch;
    while (sent - acked < limits.eventsAhead && this.#hasRoom(socket)) {
      const most = Math.min(limits.eventsAhead - (sent - acked), eventsPerFrame);
      const { events, next } = page(this.#ctx.storage, sent, most);
      if (events.length === 0) break;
      if (!this.#sendEvents(socket, JSON.stringify({ events, next } satisfies ServerFrame), next)) break;
      sent = next;
    }
    if (sent === attachment.watch.sent) return;
    // Reading events back is charged to the subscriber's key, at one command for each event.
    this.#turns.charge(keyOf(attachment), sent - attachment.watch.sent);
    attach(socket, { ...attachment, watch: { sent, acked } });
  }

  #sendEvents(socket: WebSocket, text: string, last: number): boolean {
    const sent = this.#unacknowledged.get(socket) ?? [];
    this.#unacknowledged.set(socket, sent);
    sent.push({ seq: last, length: text.length });
    return sendText(socket, text);
  }

  /** Whether the peer has room left, in characters. The count begins anew after hibernation. */
  #hasRoom(socket: WebSocket): boolean {
    const sent = this.#unacknowledged.get(socket) ?? [];
    return sent.reduce((sum, { length }) => sum + length, 0) < limits.eventsAheadLength;
  }

  #watching(): Set<WebSocket> {
    this.#sockets ??= new Set(this.#ctx.getWebSockets().filter((socket) => attachmentOf(socket).watch !== null));
    return this.#sockets;
  }
}
