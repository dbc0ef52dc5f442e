/** Webhooks: what happens in a tenant's pools that another system wants to know, sent as Standard Webhooks. */

export const notificationTypes = [
  "budget.threshold_reached",
  "budget.burn_rate",
  "period.started",
  "agent.gate_closed",
  "agent.overage",
  "reservation.expired",
  "spending.paused",
  "spending.resumed",
] as const;

export type NotificationType = (typeof notificationTypes)[number];

/** Something that happened in a pool: event `seq` of its journal. */
export type Notification = {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly type: NotificationType;
  /** The event's own fields, in the pool's unit. */
  readonly data: Readonly<Record<string, unknown>>;
};

/** What takes a pool's notifications over, and says which types are wanted: the tenant's webhooks. */
export type NotificationInbox = {
  accept(pool: string, notifications: readonly Notification[]): Promise<readonly NotificationType[]>;
};

export type WebhookFields = {
  readonly url: string;
  /** Which notifications it is sent; all, if none is named. */
  readonly types: readonly NotificationType[];
  /** Of which pool; null: all. */
  readonly pool: string | null;
  readonly description: string | null;
};

/** An address that a tenant's notifications are sent to. */
export type WebhookView = WebhookFields & {
  readonly id: string;
  readonly created_at: number;
  readonly state: "enabled" | "disabled";
  /** Why it is disabled: `gone` (it answered 410), `failing` (for three days nothing got through), or null. */
  readonly disabled_reason: "gone" | "failing" | null;
  /** Until when its secret of before is signed with too. */
  readonly previous_secret_until: number | null;
  /** Failed attempts since the last success. */
  readonly failures: number;
  readonly last_success_at: number | null;
  readonly last_failure_at: number | null;
  /** What the last failure was: a status, or why there was none. */
  readonly last_error: string | null;
  /** Messages that wait for their first or next attempt. */
  readonly pending: number;
};

/** The secret is shown when it is made, and never again. */
export type NewWebhook = WebhookView & { readonly secret: string };

export type DeliveryView = {
  readonly message: string;
  readonly type: NotificationType | "ping";
  readonly pool: string | null;
  readonly seq: number | null;
  readonly at: number;
  readonly state: "pending" | "delivered" | "failed";
  readonly attempts: number;
  readonly next_at: number | null;
  readonly last_at: number | null;
  readonly last_error: string | null;
};
