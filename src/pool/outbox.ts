/**
 * The transactional outbox: notifications for webhooks, written in the same transaction as the event that causes them, and
 * kept until the tenant's webhooks object has taken them over. So none is lost, and none is sent for what was not stored.
 */
import type { Pool, Reservation } from "../engine/state.ts";
import type { PoolEvent } from "../protocol/events.ts";
import { limits } from "../protocol/limits.ts";
import type { Notification, NotificationType } from "../protocol/webhook.ts";
import type { PoolStorage } from "./storage.ts";

/** The notifications of `events`, the first of which has number `firstSeq`; `pool` is the state after them. */
export function notificationsOf(pool: Pool, events: readonly PoolEvent[], firstSeq: number): Notification[] {
  return events.flatMap((event, index) => {
    const told = notificationOf(pool, event);
    return told === undefined ? [] : [{ seq: firstSeq + index, at: event.at, ...told }];
  });
}

export function keepNotifications({ sql }: PoolStorage, notifications: readonly Notification[]): void {
  for (const { seq, ...notification } of notifications) {
    sql.exec(
      "INSERT INTO outbox (seq, type, notification) VALUES (?, ?, ?)",
      seq,
      notification.type,
      JSON.stringify(notification),
    );
  }
}

/** The oldest notifications that have not been handed over. */
export function waitingNotifications({ sql }: PoolStorage, count: number): Notification[] {
  return sql
    .exec<{ seq: number; notification: string }>(
      "SELECT seq, notification FROM outbox WHERE unwanted = 0 ORDER BY seq LIMIT ?",
      count,
    )
    .toArray()
    .map(({ seq, notification }) => ({ seq, ...(JSON.parse(notification) as Omit<Notification, "seq">) }));
}

/**
 * Deletes the notifications up to `upTo`, which have been handed over. Warnings are given once in a period: those that no
 * webhook wants yet stay (a bounded number of the newest) for a webhook that is created before the period ends.
 */
export function handedOver({ sql }: PoolStorage, upTo: number, wanted: ReadonlySet<NotificationType>): void {
  const types = JSON.stringify(Object.values(warnings).filter((type) => !wanted.has(type)));
  sql.exec(
    "UPDATE outbox SET unwanted = 1 WHERE seq <= ? AND unwanted = 0 AND type IN (SELECT value FROM json_each(?))",
    upTo,
    types,
  );
  sql.exec("DELETE FROM outbox WHERE seq <= ? AND unwanted = 0", upTo);
  sql.exec(
    "DELETE FROM outbox WHERE unwanted = 1 AND seq <= (SELECT seq FROM outbox WHERE unwanted = 1 ORDER BY seq DESC LIMIT 1 OFFSET ?)",
    limits.notificationsAtOnce,
  );
}

/** Makes kept warnings due for hand-over, if a webhook wants their type by now. */
export function wantedAfterAll({ sql }: PoolStorage, wanted: ReadonlySet<NotificationType>): void {
  const query = "UPDATE outbox SET unwanted = 0 WHERE unwanted = 1 AND type IN (SELECT value FROM json_each(?))";
  sql.exec(query, JSON.stringify([...wanted]));
}

/** Whether warnings are kept that no webhook wanted so far. */
export function hasUnwanted({ sql }: PoolStorage): boolean {
  return sql.exec("SELECT 1 FROM outbox WHERE unwanted = 1 LIMIT 1").toArray().length > 0;
}

/** A period has ended, and with it the warnings of that period. */
export function forgetUnwanted({ sql }: PoolStorage): void {
  sql.exec("DELETE FROM outbox WHERE unwanted = 1");
}

/**
 * Combines notifications of expired reservations into one: an agent that lets thousands of leases end would drown everything
 * else. It is stored before it is handed over, so that a hand-over whose answer was lost is repeated as the same message.
 */
export function gatherExpired(storage: PoolStorage): void {
  const { sql } = storage;
  const single = "type = 'reservation.expired' AND json_extract(notification, '$.data.count') IS NULL";
  const rows = sql
    .exec<{ seq: number; notification: string }>(
      `SELECT seq, notification FROM outbox WHERE ${single} ORDER BY seq LIMIT ?`,
      limits.notificationsAtOnce,
    )
    .toArray();
  const last = rows.at(-1);
  if (last === undefined) return;
  const expired = rows.map(({ notification }) => (JSON.parse(notification) as Notification).data);
  const charged = expired.reduce((sum, data) => sum + Number(data["charged"]), 0);
  const data = { count: expired.length, charged, reservations: expired.slice(0, expiriesNamed) };
  storage.transactionSync(() => {
    sql.exec(`DELETE FROM outbox WHERE ${single} AND seq <= ?`, last.seq);
    keepNotifications(storage, [{ ...(JSON.parse(last.notification) as Notification), seq: last.seq, data }]);
  });
}

/** How many expired reservations one message names. */
const expiriesNamed = 100;

const warnings = {
  threshold: "budget.threshold_reached",
  burn_rate: "budget.burn_rate",
  gate_closed: "agent.gate_closed",
  overage: "agent.overage",
} as const satisfies Record<string, NotificationType>;

function notificationOf(pool: Pool, event: PoolEvent): Pick<Notification, "type" | "data"> | undefined {
  switch (event.type) {
    case "warned": {
      const { type: _, at: __, warning, ...data } = event;
      return { type: warnings[warning], data };
    }
    case "period_started": {
      const { number, starts_at, ends_at, total, ended } = event;
      return { type: "period.started", data: { agent: null, number, starts_at, ends_at, total, ended } };
    }
    case "agent_period_started": {
      const { agent, number, starts_at, ends_at, ended } = event;
      return { type: "period.started", data: { agent, number, starts_at, ends_at, ended } };
    }
    case "expired": {
      const { id, charged } = event;
      const known = pool.remembered.get(id) as Partial<Reservation> | undefined;
      return { type: "reservation.expired", data: { agent: known?.agent ?? null, id, charged } };
    }
    case "paused":
      return { type: "spending.paused", data: { agent: event.agent } };
    case "resumed":
      return { type: "spending.resumed", data: { agent: event.agent } };
    default:
      return undefined;
  }
}
