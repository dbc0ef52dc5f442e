/** Webhooks on the wire. */
import * as z from "zod";
import { type Describes, integer, moment, nameSchema, queryInteger, time } from "./common.wire.ts";
import { limits } from "./limits.ts";
import { type DeliveryView, type NewWebhook, notificationTypes, type WebhookView } from "./webhook.ts";

const eventType = z.enum(notificationTypes).meta({ id: "WebhookEventType" });

export const webhookBody = z.strictObject({
  url: z.string().min(1).max(limits.webhookUrlLength),
  types: z.array(eventType).max(notificationTypes.length).optional(),
  pool: nameSchema.optional(),
  description: z.string().min(1).max(limits.labelLength).optional(),
});

export const redeliverBody = z
  .strictObject({ message: nameSchema.optional(), since: moment.optional() })
  .refine((fields) => (fields.message === undefined) !== (fields.since === undefined), {
    path: ["message"],
    error: "name one message, or since when all that did not arrive are sent again",
  });

export const deliveriesQuery = z.strictObject({ before: nameSchema.optional(), limit: queryInteger(1_000).optional() });

const webhookFields = {
  id: z.string(),
  url: z.string(),
  types: z.array(eventType).readonly().describe("all, if none is named"),
  pool: z.string().nullable(),
  description: z.string().nullable(),
  created_at: time,
  state: z.enum(["enabled", "disabled"]).meta({ id: "WebhookState" }),
  disabled_reason: z.enum(["gone", "failing"]).meta({ id: "WebhookDisabledReason" }).nullable(),
  previous_secret_until: time.nullable(),
  failures: integer.describe("failed attempts since the last success"),
  last_success_at: time.nullable(),
  last_failure_at: time.nullable(),
  last_error: z.string().nullable(),
  pending: integer,
};

export const webhookSchema = z.strictObject(webhookFields).meta({ id: "Webhook" }) satisfies Describes<WebhookView>;

export const newWebhookSchema = z
  .strictObject({ ...webhookFields, secret: z.string().describe("shown here and never again") })
  .meta({ id: "NewWebhook" }) satisfies Describes<NewWebhook>;

export const webhookListSchema = z.strictObject({ webhooks: z.array(webhookSchema) }).meta({ id: "WebhookList" });

export const pingedSchema = z.strictObject({ message: z.string() }).meta({ id: "Ping" });

export const redeliveredSchema = z.strictObject({ redelivering: integer }).meta({ id: "Redelivery" });

const delivery = z
  .strictObject({
    message: z.string().describe("the id that it is sent under, in the header webhook-id"),
    type: z.enum([...notificationTypes, "ping"]).meta({ id: "DeliveryType" }),
    pool: z.string().nullable(),
    seq: integer.nullable(),
    at: time,
    state: z.enum(["pending", "delivered", "failed"]).meta({ id: "DeliveryState" }),
    attempts: integer,
    next_at: time.nullable(),
    last_at: time.nullable(),
    last_error: z.string().nullable(),
  })
  .meta({ id: "Delivery" }) satisfies Describes<DeliveryView>;

export const deliveryListSchema = z.strictObject({ deliveries: z.array(delivery) }).meta({ id: "DeliveryList" });
