/** A tenant's webhooks on real SQLite, with a clock and a network of the test's. */
import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import type { Notification, WebhookFields } from "../../src/protocol/webhook.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { Deliveries } from "../../src/webhooks/deliveries.ts";
import { Endpoints } from "../../src/webhooks/endpoints.ts";
import { webhookSteps } from "../../src/webhooks/schema.ts";
import { WebhookSender } from "../../src/webhooks/sender.ts";

export type Sent = { readonly url: string; readonly headers: Readonly<Record<string, string>>; readonly body: string };
/** What an address answers: a status, or an error that is thrown. */
export type Answers = (sent: Sent) => number | Error | Promise<number>;

let objects = 0;

export class Stage {
  now = Date.UTC(2026, 10, 25);
  readonly sent: Sent[] = [];
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly sender: WebhookSender;

  private constructor(storage: DurableObjectStorage, answers: Answers, random: () => number) {
    migrate(storage, webhookSteps);
    this.endpoints = new Endpoints(storage.sql);
    this.deliveries = new Deliveries(storage.sql);
    this.sender = new WebhookSender(this.endpoints, this.deliveries, {
      send: async (url, { headers, body, redirect }) => {
        if (redirect !== "manual") throw new Error("a redirect would be followed");
        const sent = { url, headers: headers as Sent["headers"], body: body as string };
        this.sent.push(sent);
        await Promise.resolve();
        const answer = await answers(sent);
        if (answer instanceof Error) throw answer;
        return new Response(answer === 204 || answer === 304 ? null : "an answer that nobody reads", {
          status: answer,
        });
      },
      clock: () => this.now,
      random,
      allowedOrigins: [],
    });
  }

  /** Runs `test` in the storage of an object that nothing else uses. */
  static run(answers: Answers, test: (stage: Stage) => Promise<void>, random: () => number = () => 0): Promise<void> {
    const stub = env.WEBHOOKS.getByName(`stage-${objects++}`);
    return runInDurableObject(stub, (_, { storage }) => test(new Stage(storage, answers, random)));
  }

  add(id: string, fields: Partial<WebhookFields> = {}): string {
    const all = { url: `https://${id}.example.com/`, types: [], pool: null, description: null, ...fields };
    return this.endpoints.add(id, all, this.now).secret;
  }

  /** A notification, handed over by the pool `p`. */
  tell(seq: number, more: Partial<Notification> = {}, pool = "p"): void {
    const notification: Notification = {
      seq,
      at: this.now,
      type: "agent.overage",
      data: { agent: "a", overage: seq },
      ...more,
    };
    this.deliveries.add("tenant", pool, notification, this.endpoints.wanting(notification.type, pool), this.now);
  }

  /** Sends what is due now. */
  async sends(): Promise<void> {
    await this.sender.run(Number.MAX_SAFE_INTEGER);
  }

  /** Moves the clock to whatever is due next, as the alarm would, until nothing is; returns how often. */
  async sendsAll(most = 100_000): Promise<number> {
    for (let alarms = 0; alarms < most; alarms++) {
      const next = await this.sender.run(Number.MAX_SAFE_INTEGER);
      if (next === undefined) return alarms;
      this.now = Math.max(this.now + 1, next);
    }
    throw new Error(`still something is due after ${most} alarms`);
  }
}

export function idOf({ headers }: Sent): string {
  return headers["webhook-id"] ?? "";
}
