/** The messages of a tenant, and the state of each message's delivery to each webhook. */
import { limits } from "../protocol/limits.ts";
import type { DeliveryView, Notification, NotificationType } from "../protocol/webhook.ts";
import { messageId } from "./signature.ts";

/**
 * Pauses after the first attempt, the second, and so on: the schedule of Standard Webhooks, which receivers may count on.
 * With it the last attempt is made about 75 hours after the first.
 */
const pausesMs = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400].map((seconds) => seconds * 1_000);
/** Deliveries are abandoned at this age, attempted or not. */
export const abandonMs = pausesMs.reduce((sum, pause) => sum + pause, 0) * 1.1;

export type Due = {
  readonly message: number;
  /** Its pool and type. Lanes are served round robin, so that many messages of one lane do not delay the others. */
  readonly lane: string;
  readonly id: string;
  readonly body: string;
  readonly attempts: number;
  /** When it was first due, or when its redelivery was requested. */
  readonly since: number;
};

export class Deliveries {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Stores a notification for the webhooks that want it. Handed over again, it has the same id and is not stored twice. */
  add(tenant: string, pool: string, notification: Notification, webhooks: readonly string[], now: number): void {
    if (webhooks.length === 0) return;
    const { seq, at, type, data } = notification;
    const id = messageId(tenant, pool, seq, at);
    const timestamp = new Date(at).toISOString();
    const body = JSON.stringify({ type, timestamp, data: { pool, seq, ...data } });
    const number = this.#keep(id, pool, seq, type, at, body);
    if (number === undefined) return;
    for (const webhook of webhooks) this.#enqueue(webhook, number, `${pool} ${type}`, now);
  }

  /** Stores a test message. */
  ping(webhook: string, id: string, now: number): void {
    const body = JSON.stringify({ type: "ping", timestamp: new Date(now).toISOString(), data: {} });
    const number = this.#keep(id, null, null, "ping", now, body);
    if (number !== undefined) this.#enqueue(webhook, number, "ping", now);
  }

  #keep(
    id: string,
    pool: string | null,
    seq: number | null,
    type: string,
    at: number,
    body: string,
  ): number | undefined {
    const query =
      "INSERT INTO messages (id, pool, seq, type, at, body) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING number";
    return this.#sql.exec<{ number: number }>(query, id, pool, seq, type, at, body).toArray()[0]?.number;
  }

  #enqueue(webhook: string, message: number, lane: string, now: number): void {
    this.#sql.exec(
      `INSERT OR IGNORE INTO deliveries (webhook_id, message, lane, state, since, next_at)
       VALUES (?, ?, ?, 'pending', ?, ?)`,
      webhook,
      message,
      lane,
      now,
      now,
    );
  }

  /** The next due message of `webhook` that is not in flight: the oldest of the first lane after `lane` that has one. */
  due(webhook: string, now: number, lane: string, inFlight: ReadonlySet<number>): Due | undefined {
    const query = `SELECT message, lane, id, body, attempts, since FROM deliveries JOIN messages ON number = message
                   WHERE webhook_id = ?1 AND state = 'pending' AND lane > ?2 AND next_at <= ?3
                     AND message NOT IN (SELECT value FROM json_each(?4))
                   ORDER BY lane, next_at, message LIMIT 1`;
    const first = (behind: string): Due | undefined =>
      this.#sql.exec<Due>(query, webhook, behind, now, JSON.stringify([...inFlight])).toArray()[0];
    return first(lane) ?? first("");
  }

  /** When the next message of `webhook` is due; undefined if none waits. */
  nextAt(webhook: string): number | undefined {
    const query = "SELECT min(next_at) AS at FROM deliveries WHERE webhook_id = ? AND state = 'pending'";
    return this.#sql.exec<{ at: number | null }>(query, webhook).one().at ?? undefined;
  }

  delivered(webhook: string, message: number, now: number): void {
    this.#sql.exec(
      `UPDATE deliveries SET state = 'delivered', attempts = attempts + 1, last_at = ?, last_error = NULL
       WHERE webhook_id = ? AND message = ?`,
      now,
      webhook,
      message,
    );
  }

  /** Records a failed attempt and schedules the next, with `random` (0 to 1) of a tenth as jitter. */
  failed(webhook: string, { message, attempts, since }: Due, now: number, error: string, random: number): void {
    const pause = pausesMs[attempts];
    const isLast = pause === undefined || now - since >= abandonMs;
    this.#sql.exec(
      `UPDATE deliveries SET state = ?, attempts = attempts + 1, next_at = ?, last_at = ?, last_error = ?
       WHERE webhook_id = ? AND message = ?`,
      isLast ? "failed" : "pending",
      now + Math.round((pause ?? 0) * (1 + random / 10)),
      now,
      error,
      webhook,
      message,
    );
  }

  /** Abandons what is pending at a webhook that was disabled. */
  abandon(webhook: string): void {
    this.#sql.exec("UPDATE deliveries SET state = 'failed' WHERE webhook_id = ? AND state = 'pending'", webhook);
  }

  /** Schedules again: one message in any state, or all failed ones from `since` on. Returns how many. */
  redeliver(webhook: string, message: string | undefined, since: number, now: number): number {
    const which =
      message === undefined
        ? "state = 'failed' AND message IN (SELECT number FROM messages WHERE at >= ?2)"
        : "message = (SELECT number FROM messages WHERE id = ?2)";
    return this.#sql
      .exec(
        `UPDATE deliveries SET state = 'pending', attempts = 0, since = ?3, next_at = ?3 WHERE webhook_id = ?1 AND ${which}
         RETURNING message`,
        webhook,
        message ?? since,
        now,
      )
      .toArray().length;
  }

  /** Deliveries to `webhook`, newest first, older than message `before`. */
  list(webhook: string, before: string | undefined, count: number): DeliveryView[] {
    type Row = Omit<DeliveryView, "type" | "state" | "next_at"> & { type: string; state: string; next_at: number };
    const query = `SELECT id AS message, type, pool, seq, at, state, attempts, next_at, last_at, last_error
                   FROM deliveries JOIN messages ON number = message
                   WHERE webhook_id = ?1 AND (?2 IS NULL OR number < (SELECT number FROM messages WHERE id = ?2))
                   ORDER BY number DESC LIMIT ?3`;
    return this.#sql
      .exec<Row>(query, webhook, before ?? null, count)
      .toArray()
      .map((row) => ({
        ...row,
        type: row.type as NotificationType | "ping",
        state: row.state as DeliveryView["state"],
        next_at: row.state === "pending" ? row.next_at : null,
      }));
  }

  /** Deletes messages that are too old or too many, with their deliveries. */
  forget(now: number): void {
    const tooMany = this.#sql
      .exec<{ number: number | null }>("SELECT max(number) - ? AS number FROM messages", limits.webhookMessages)
      .one().number;
    this.#sql.exec(
      "DELETE FROM deliveries WHERE message IN (SELECT number FROM messages WHERE at < ?1 OR number <= ?2)",
      now - limits.webhookMessagesMs,
      tooMany ?? 0,
    );
    this.#sql.exec("DELETE FROM messages WHERE at < ? OR number <= ?", now - limits.webhookMessagesMs, tooMany ?? 0);
  }
}
