/**
 * The Durable Object of a tenant's webhooks: takes notifications over from the tenant's pools and sends them. It is an object
 * of its own, so that addresses that hang or fail delay neither a pool nor the tenant's keys. Its name is the tenant's id.
 */
import { DurableObject } from "cloudflare:workers";
import type { RequestId } from "../protocol/caller.ts";
import { limits } from "../protocol/limits.ts";
import type { Result } from "../protocol/refusals.ts";
import {
  type DeliveryView,
  type NewWebhook,
  type Notification,
  type NotificationType,
  notificationTypes,
  type WebhookFields,
  type WebhookView,
} from "../protocol/webhook.ts";
import { migrate, schemaVersion } from "../storage/migrate.ts";
import { Requests } from "../storage/requests.ts";
import { originsIn } from "./address.ts";
import { Deliveries } from "./deliveries.ts";
import { Endpoints } from "./endpoints.ts";
import { webhookSteps } from "./schema.ts";
import { WebhookSender } from "./sender.ts";

/** How long one alarm sends; the platform lets it run for fifteen minutes. */
const turnMs = 10 * 60_000;
/** How often old messages are deleted; each run reads all of them. */
const forgetMs = 10 * 60_000;

/** What webhooks need of the Worker's bindings. */
type WebhooksEnv = { readonly BURSAR_WEBHOOK_ORIGINS?: string };

export class WebhooksObject extends DurableObject<WebhooksEnv> {
  readonly #endpoints: Endpoints;
  readonly #deliveries: Deliveries;
  readonly #requests: Requests;
  readonly #sender: WebhookSender;
  #isSending = false;
  #forgotAt = 0;

  constructor(ctx: DurableObjectState, env: WebhooksEnv) {
    super(ctx, env);
    this.#endpoints = new Endpoints(ctx.storage.sql);
    this.#deliveries = new Deliveries(ctx.storage.sql);
    this.#requests = new Requests(ctx.storage.sql);
    this.#sender = new WebhookSender(this.#endpoints, this.#deliveries, {
      send: (url, init) => fetch(url, init),
      clock: () => Date.now(),
      random: () => Math.random(),
      allowedOrigins: originsIn(env.BURSAR_WEBHOOK_ORIGINS),
    });
    // No tables for a tenant without webhooks.
    if (!this.#isMade()) return;
    migrate(ctx.storage, webhookSteps);
    // A lost alarm must not leave messages unsent (cloudflare-docs #18324).
    void ctx.blockConcurrencyWhile(() => this.#arrange());
  }

  async add(request: RequestId, id: string, fields: WebhookFields): Promise<Result<NewWebhook>> {
    migrate(this.ctx.storage, webhookSteps);
    return this.#once(request, `add ${JSON.stringify(fields)}`, () => this.#add(id, fields));
  }

  #add(id: string, fields: WebhookFields): Result<NewWebhook> {
    if (this.#endpoints.count() >= limits.webhooksPerTenant) {
      const maximum = limits.webhooksPerTenant;
      return { ok: false, refusal: { code: "limit_reached", limit: "webhooksPerTenant", maximum } };
    }
    return { ok: true, result: this.#endpoints.add(id, fields, Date.now()) };
  }

  async list(): Promise<WebhookView[]> {
    return this.#isMade() ? this.#endpoints.list() : [];
  }

  async find(id: string): Promise<Result<WebhookView>> {
    return this.#of(id, (view) => view);
  }

  async change(id: string, fields: WebhookFields): Promise<Result<WebhookView>> {
    return this.#of(id, () => {
      this.#endpoints.change(id, fields);
      return this.#view(id);
    });
  }

  async remove(request: RequestId, id: string): Promise<Result<{ deleted: true }>> {
    return this.#once(request, `remove ${id}`, () =>
      this.#of(id, () => {
        this.ctx.storage.transactionSync(() => this.#endpoints.remove(id));
        return { deleted: true };
      }),
    );
  }

  /** Idempotent: a repeat that made another secret would invalidate the one that receivers were just given. */
  async rotate(request: RequestId, id: string): Promise<Result<NewWebhook>> {
    return this.#once(request, `rotate ${id}`, () => this.#of(id, () => this.#endpoints.rotate(id, Date.now())));
  }

  async enable(id: string): Promise<Result<WebhookView>> {
    const enabled = this.#of(id, () => {
      this.#endpoints.enable(id);
      return this.#view(id);
    });
    await this.#arrange();
    return enabled;
  }

  /** Sends a test message. */
  async ping(request: RequestId, id: string, message: string): Promise<Result<{ message: string }>> {
    const pinged = this.#once(request, `ping ${id}`, () =>
      this.#of(id, () => {
        this.#deliveries.ping(id, message, Date.now());
        this.#forget(Date.now());
        return { message };
      }),
    );
    await this.#arrange();
    return pinged;
  }

  async deliveries(
    id: string,
    before: string | undefined,
    count: number,
  ): Promise<Result<{ deliveries: DeliveryView[] }>> {
    return this.#of(id, () => ({ deliveries: this.#deliveries.list(id, before, count) }));
  }

  async redeliver(
    request: RequestId,
    id: string,
    message: string | undefined,
    since: number,
  ): Promise<Result<{ redelivering: number }>> {
    const answer = this.#once(request, `redeliver ${id} ${message ?? since}`, () =>
      this.#of(id, () => ({ redelivering: this.#deliveries.redeliver(id, message, since, Date.now()) })),
    );
    await this.#arrange();
    return answer;
  }

  /**
   * Takes notifications over from a pool; returns which types its webhooks want. When this returns they are stored. Handed
   * over again, they are not stored twice.
   */
  async accept(pool: string, notifications: readonly Notification[]): Promise<readonly NotificationType[]> {
    if (!this.#isMade()) return [];
    const now = Date.now();
    this.ctx.storage.transactionSync(() => {
      for (const notification of notifications) {
        this.#deliveries.add(this.#tenant, pool, notification, this.#endpoints.wanting(notification.type, pool), now);
      }
      this.#forget(now);
    });
    await this.#arrange();
    return notificationTypes.filter((type) => this.#endpoints.wanting(type, pool).length > 0);
  }

  override async alarm(): Promise<void> {
    if (this.#isSending || !this.#isMade()) return;
    this.#isSending = true;
    try {
      await this.#sender.run(Date.now() + turnMs);
    } finally {
      this.#isSending = false;
    }
    await this.#arrange();
  }

  /** Sets the alarm for the next due message, unless it is set, or a send that is running will find the message. */
  async #arrange(): Promise<void> {
    if (this.#isSending) return this.#sender.wake();
    if (!this.#isMade()) return;
    const at = this.#sender.nextAt();
    if (at === undefined) return;
    const set = await this.ctx.storage.getAlarm();
    const isSet = set !== null && set <= Math.max(at, Date.now()) && set > Date.now() - turnMs;
    if (!isSet) await this.ctx.storage.setAlarm(Math.max(at, Date.now()));
  }

  #forget(now: number): void {
    if (now - this.#forgotAt < forgetMs) return;
    this.#deliveries.forget(now);
    this.#forgotAt = now;
  }

  /** Runs a write once for each `request`, and answers repeats. */
  #once<T>(request: RequestId, what: string, run: () => Result<T>): Result<T> {
    return this.#isMade() ? this.#requests.once(request, what, Date.now(), run) : run();
  }

  #of<T>(id: string, run: (view: WebhookView) => T): Result<T> {
    const view = this.#isMade() ? this.#endpoints.get(id) : undefined;
    if (view === undefined) return { ok: false, refusal: { code: "webhook_not_found", webhook: id } };
    return { ok: true, result: run(view) };
  }

  #view(id: string): WebhookView {
    const view = this.#endpoints.get(id);
    if (view === undefined) throw new Error(`the webhook ${id} is gone`);
    return view;
  }

  get #tenant(): string {
    return this.ctx.id.name ?? "";
  }

  #isMade(): boolean {
    return schemaVersion(this.ctx.storage) > 0;
  }
}
