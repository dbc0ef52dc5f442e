/** A tenant's webhooks: their addresses, secrets and delivery state. */
import type { NewWebhook, NotificationType, WebhookFields, WebhookView } from "../protocol/webhook.ts";
import { newSecret } from "./signature.ts";

type Row = {
  id: string;
  url: string;
  types: string;
  pool: string | null;
  description: string | null;
  secret: string;
  previous_secret: string | null;
  previous_secret_until: number | null;
  created_at: number;
  disabled_reason: string | null;
  failures: number;
  failing_since: number | null;
  backoff_until: number;
  last_success_at: number | null;
  last_failure_at: number | null;
  last_error: string | null;
};

/** An enabled webhook, with the secrets to sign with. */
export type Endpoint = {
  readonly id: string;
  readonly url: string;
  readonly secrets: readonly string[];
  readonly failures: number;
  readonly failingSince: number | null;
  /** Nothing is sent before this time, after several failures in a row. */
  readonly backoffUntil: number;
};

/** How long messages are also signed with the previous secret after a rotation: time to change it at the receiver. */
const rotationMs = 24 * 3_600_000;

export class Endpoints {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  count(): number {
    return this.#sql.exec<{ count: number }>("SELECT count(*) AS count FROM webhooks").one().count;
  }

  add(id: string, { url, types, pool, description }: WebhookFields, now: number): NewWebhook {
    const secret = newSecret();
    this.#sql.exec(
      "INSERT INTO webhooks (id, url, types, pool, description, secret, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
      id,
      url,
      JSON.stringify(types),
      pool,
      description,
      secret,
      now,
    );
    return this.#withSecret(id, secret);
  }

  /** Changes the address and what is sent to it; its state is kept. */
  change(id: string, { url, types, pool, description }: WebhookFields): void {
    this.#sql.exec(
      "UPDATE webhooks SET url = ?, types = ?, pool = ?, description = ? WHERE id = ?",
      url,
      JSON.stringify(types),
      pool,
      description,
      id,
    );
  }

  remove(id: string): void {
    this.#sql.exec("DELETE FROM webhooks WHERE id = ?", id);
    this.#sql.exec("DELETE FROM deliveries WHERE webhook_id = ?", id);
  }

  /** Makes a new secret; for a day, messages are also signed with the previous one. */
  rotate(id: string, now: number): NewWebhook {
    const secret = newSecret();
    this.#sql.exec(
      "UPDATE webhooks SET previous_secret = secret, previous_secret_until = ?, secret = ? WHERE id = ?",
      now + rotationMs,
      secret,
      id,
    );
    return this.#withSecret(id, secret);
  }

  enable(id: string): void {
    this.#sql.exec(
      `UPDATE webhooks SET disabled_reason = NULL, failures = 0, failing_since = NULL, backoff_until = 0 WHERE id = ?`,
      id,
    );
  }

  get(id: string): WebhookView | undefined {
    const [row] = this.#sql.exec<Row>("SELECT * FROM webhooks WHERE id = ?", id).toArray();
    return row === undefined ? undefined : this.#viewOf(row);
  }

  list(): WebhookView[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM webhooks ORDER BY created_at, id").toArray();
    return rows.map((row) => this.#viewOf(row));
  }

  /** Ids of the webhooks that want a notification of this type from this pool. */
  wanting(type: NotificationType, pool: string): string[] {
    return this.#sql
      .exec<Row>("SELECT * FROM webhooks WHERE disabled_reason IS NULL AND (pool IS NULL OR pool = ?)", pool)
      .toArray()
      .filter(({ types }) => wants(types, type))
      .map(({ id }) => id);
  }

  /** The enabled webhooks. */
  enabled(now: number): Endpoint[] {
    return this.#sql
      .exec<Row>("SELECT * FROM webhooks WHERE disabled_reason IS NULL ORDER BY id")
      .toArray()
      .map((row) => {
        const { id, url, secret, previous_secret, previous_secret_until, failures } = row;
        const isRotating = previous_secret !== null && (previous_secret_until ?? 0) > now;
        return {
          id,
          url,
          secrets: isRotating ? [secret, previous_secret] : [secret],
          failures,
          failingSince: row.failing_since,
          backoffUntil: row.backoff_until,
        };
      });
  }

  succeeded(id: string, now: number): void {
    this.#sql.exec(
      "UPDATE webhooks SET failures = 0, failing_since = NULL, backoff_until = 0, last_success_at = ? WHERE id = ?",
      now,
      id,
    );
  }

  failed(id: string, now: number, error: string, backoffUntil: number): void {
    this.#sql.exec(
      `UPDATE webhooks SET failures = failures + 1, failing_since = coalesce(failing_since, ?1), backoff_until = ?2,
       last_failure_at = ?1, last_error = ?3 WHERE id = ?4`,
      now,
      backoffUntil,
      error,
      id,
    );
  }

  disable(id: string, reason: "gone" | "failing"): void {
    this.#sql.exec("UPDATE webhooks SET disabled_reason = ? WHERE id = ?", reason, id);
  }

  #withSecret(id: string, secret: string): NewWebhook {
    const view = this.get(id);
    if (view === undefined) throw new Error(`the webhook ${id} just written is not there`);
    return { ...view, secret };
  }

  #viewOf({ id, url, types, pool, description, created_at, disabled_reason, ...row }: Row): WebhookView {
    const query = "SELECT count(*) AS count FROM deliveries WHERE webhook_id = ? AND state = 'pending'";
    return {
      id,
      url,
      types: JSON.parse(types) as NotificationType[],
      pool,
      description,
      created_at,
      state: disabled_reason === null ? "enabled" : "disabled",
      disabled_reason: disabled_reason as WebhookView["disabled_reason"],
      previous_secret_until: row.previous_secret_until,
      failures: row.failures,
      last_success_at: row.last_success_at,
      last_failure_at: row.last_failure_at,
      last_error: row.last_error,
      pending: this.#sql.exec<{ count: number }>(query, id).one().count,
    };
  }
}

function wants(types: string, type: NotificationType): boolean {
  const wanted = JSON.parse(types) as NotificationType[];
  return wanted.length === 0 || wanted.includes(type);
}
