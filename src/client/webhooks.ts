/** Where a tenant's notifications are sent, for an admin. */
import type { DeliveryView, NewWebhook, NotificationType, WebhookView } from "../protocol/webhook.ts";
import type { CallOptions, Transport } from "./transport.ts";

export type WebhookSpec = {
  /** https, with a public name. */
  readonly url: string;
  /** Which notifications; all, unless named. */
  readonly types?: readonly NotificationType[];
  /** Of this pool alone. */
  readonly pool?: string;
  readonly description?: string;
};

export class Webhooks {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /** Sends notifications there from now on. `secret` in the answer is shown here and never again. */
  create(spec: WebhookSpec, options: CallOptions = {}): Promise<NewWebhook> {
    return this.#transport.once("POST", "/v1/webhooks", spec, options);
  }

  /** All of them, and how each has fared. */
  async list(options: CallOptions = {}): Promise<readonly WebhookView[]> {
    const answer = await this.#transport.call<{ webhooks: WebhookView[] }>("GET", "/v1/webhooks", undefined, options);
    return answer.webhooks;
  }

  get(id: string, options: CallOptions = {}): Promise<WebhookView> {
    return this.#transport.call("GET", pathOf(id), undefined, options);
  }

  /** Changes where and what is sent; what is left out has its default again. */
  change(id: string, spec: WebhookSpec, options: CallOptions = {}): Promise<WebhookView> {
    return this.#transport.call("PUT", pathOf(id), spec, options);
  }

  remove(id: string, options: CallOptions = {}): Promise<{ deleted: true }> {
    return this.#transport.once("DELETE", pathOf(id), undefined, options);
  }

  /** A new secret; messages are signed with the one before too, for a day. */
  rotate(id: string, options: CallOptions = {}): Promise<NewWebhook> {
    return this.#transport.once("POST", `${pathOf(id)}/rotate`, {}, options);
  }

  /** Sends again where it was disabled. What was given up meanwhile is sent by `redeliver`. */
  enable(id: string, options: CallOptions = {}): Promise<WebhookView> {
    return this.#transport.once("POST", `${pathOf(id)}/enable`, {}, options);
  }

  /** Sends a message that says nothing, to see whether it arrives. */
  ping(id: string, options: CallOptions = {}): Promise<{ message: string }> {
    return this.#transport.once("POST", `${pathOf(id)}/ping`, {}, options);
  }

  /** What was sent there, newest first; `before` a message's id pages on. */
  async deliveries(
    id: string,
    { before, ...options }: CallOptions & { readonly before?: string } = {},
  ): Promise<readonly DeliveryView[]> {
    const query = before === undefined ? "" : `?before=${encodeURIComponent(before)}`;
    const path = `${pathOf(id)}/deliveries${query}`;
    const answer = await this.#transport.call<{ deliveries: DeliveryView[] }>("GET", path, undefined, options);
    return answer.deliveries;
  }

  /** Sends again: one message, or all since then (milliseconds since 1970) that did not arrive. */
  redeliver(
    id: string,
    which: { readonly message: string } | { readonly since: number },
    options: CallOptions = {},
  ): Promise<{ redelivering: number }> {
    return this.#transport.once("POST", `${pathOf(id)}/redeliver`, which, options);
  }
}

function pathOf(id: string): string {
  return `/v1/webhooks/${encodeURIComponent(id)}`;
}
