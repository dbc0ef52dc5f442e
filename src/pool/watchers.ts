/**
 * Sessions that watch: each is sent every event once, in order, from any point of the journal, and no more than it
 * keeps up with. How far a socket has been told stands in its attachment.
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

/** Events of a frame that are read back from the journal. */
const eventsPerFrame = 500;

export class Watchers {
  readonly #ctx: DurableObjectState;
  readonly #pool: LivePool;
  /** Closes a session whose key is no longer good; true if it did. */
  readonly #closeIfRefused: (socket: WebSocket, attachment: Attachment) => boolean;
  readonly #turns: Turns;
  /** Undefined until asked for after waking. */
  #sockets: Set<WebSocket> | undefined;
  /** Characters of refusals that each key was shown since one of its sockets last acknowledged an event. */
  readonly #refusalsAhead = new Map<string, number>();
  #allRefusalsAhead = 0;
  /** What each socket was sent and has not acknowledged: the last event of each frame, and the frame's length. */
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

  /** Tells the watchers what has just been persisted. */
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
   * Shows the watchers what was refused. It is not in the journal, and is shown only to those that watch now and that
   * have acknowledged an event since the last that were many.
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
   * From here on the socket is sent every event after `after`. Answers the frame `id`. Once for a socket: events that
   * were sent are not sent again, however often they are asked for.
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

  /** The other side has seen events up to `seq`, and can take more. */
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

  /** Sends what is persisted and not sent yet, as far as the other side keeps up. */
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
    // Reading them back is work of the key that watches, and as much as that of as many commands.
    this.#turns.charge(keyOf(attachment), sent - attachment.watch.sent);
    attach(socket, { ...attachment, watch: { sent, acked } });
  }

  #sendEvents(socket: WebSocket, text: string, last: number): boolean {
    const sent = this.#unacknowledged.get(socket) ?? [];
    this.#unacknowledged.set(socket, sent);
    sent.push({ seq: last, length: text.length });
    return sendText(socket, text);
  }

  /** Whether the other side is not too far behind in characters. After waking that begins anew. */
  #hasRoom(socket: WebSocket): boolean {
    const sent = this.#unacknowledged.get(socket) ?? [];
    return sent.reduce((sum, { length }) => sum + length, 0) < limits.eventsAheadLength;
  }

  #watching(): Set<WebSocket> {
    this.#sockets ??= new Set(this.#ctx.getWebSockets().filter((socket) => attachmentOf(socket).watch !== null));
    return this.#sockets;
  }
}
