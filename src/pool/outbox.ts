/**
 * The outbox: what happened here that a webhook may want to tell, written with the event that says so and kept until
 * the tenant's webhooks have taken it over.
 */
import type { Pool, Reservation } from "../engine/state.ts";
import type { PoolEvent } from "../protocol/events.ts";
import type { Notice, NoticeType } from "../protocol/webhooks.ts";
import type { PoolStorage } from "./storage.ts";

/** The notices that `events` come to; the first event is number `firstSeq`, and `pool` is as they left it. */
export function noticesOf(pool: Pool, events: readonly PoolEvent[], firstSeq: number): Notice[] {
  return events.flatMap((event, index) => {
    const told = noticeOf(pool, event);
    return told === undefined ? [] : [{ seq: firstSeq + index, at: event.at, ...told }];
  });
}

export function keepNotices({ sql }: PoolStorage, notices: readonly Notice[]): void {
  for (const { seq, ...notice } of notices) {
    sql.exec("INSERT INTO outbox (seq, notice) VALUES (?, ?)", seq, JSON.stringify(notice));
  }
}

/** The oldest notices that nobody has taken over yet. */
export function waitingNotices({ sql }: PoolStorage, count: number): Notice[] {
  return sql
    .exec<{ seq: number; notice: string }>("SELECT seq, notice FROM outbox ORDER BY seq LIMIT ?", count)
    .toArray()
    .map(({ seq, notice }) => ({ seq, ...(JSON.parse(notice) as Omit<Notice, "seq">) }));
}

export function dropNotices({ sql }: PoolStorage, upTo: number): void {
  sql.exec("DELETE FROM outbox WHERE seq <= ?", upTo);
}

const warnings = {
  threshold: "budget.threshold_reached",
  burn_rate: "budget.burn_rate",
  gate_closed: "agent.gate_closed",
  overage: "agent.overage",
} as const satisfies Record<string, NoticeType>;

function noticeOf(pool: Pool, event: PoolEvent): Pick<Notice, "type" | "data"> | undefined {
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
    case "configured":
    case "funded":
    case "registered":
    case "closing":
    case "closed":
    case "reopened":
    case "reset":
    case "reserved":
    case "committed":
    case "released":
    case "extended":
    case "recorded":
    case "reallocated":
    case "refused":
      return undefined;
  }
}
