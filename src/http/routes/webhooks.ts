/** A tenant's webhooks. */
import { deletedSchema, emptyBody } from "../../protocol/common.wire.ts";
import { uuid7 } from "../../protocol/uuid.ts";
import {
  deliveriesQuery,
  deliveryListSchema,
  newWebhookSchema,
  pingedSchema,
  redeliverBody,
  redeliveredSchema,
  webhookBody,
  webhookListSchema,
  webhookSchema,
} from "../../protocol/webhook.wire.ts";
import { rights } from "../rights.ts";
import { ok, type Route, route } from "../route.ts";
import { webhookFields } from "../webhook-fields.ts";

const webhooks = "/v1/webhooks";
const webhook = `${webhooks}/:webhook`;

export const webhooksRoutes: readonly Route[] = [
  route(
    "createWebhook",
    "POST",
    webhooks,
    rights.manageWebhooks,
    "Create a webhook; its signing secret is shown once",
    {
      answer: newWebhookSchema,
      status: 201,
      body: webhookBody,
      run: (call, body) => {
        const fields = webhookFields(call.env, body);
        const { requestId } = call;
        const id = uuid7();
        return call.webhooks((stub) => stub.add(requestId, id, fields));
      },
    },
  ),
  route("listWebhooks", "GET", webhooks, rights.manageWebhooks, "The tenant's webhooks, with their delivery state", {
    answer: webhookListSchema,
    run: (call) => call.webhooks(async (stub) => ok({ webhooks: await stub.list() })),
  }),
  route("getWebhook", "GET", webhook, rights.manageWebhooks, "A webhook, with its delivery state", {
    answer: webhookSchema,
    run: (call) => call.webhooks((stub) => stub.find(call.param("webhook"))),
  }),
  route("updateWebhook", "PUT", webhook, rights.manageWebhooks, "Change a webhook's address, types or pool", {
    answer: webhookSchema,
    body: webhookBody,
    run: (call, body) => {
      const fields = webhookFields(call.env, body);
      return call.webhooks((stub) => stub.change(call.param("webhook"), fields));
    },
  }),
  route("deleteWebhook", "DELETE", webhook, rights.manageWebhooks, "Delete a webhook", {
    answer: deletedSchema,
    run: (call) => {
      const { requestId } = call;
      return call.webhooks((stub) => stub.remove(requestId, call.param("webhook")));
    },
  }),
  route(
    "rotateWebhookSecret",
    "POST",
    `${webhook}/rotate`,
    rights.manageWebhooks,
    "Make a new signing secret; the previous one is used, too, for a day",
    {
      answer: newWebhookSchema,
      body: emptyBody,
      run: (call) => {
        const { requestId } = call;
        return call.webhooks((stub) => stub.rotate(requestId, call.param("webhook")));
      },
    },
  ),
  route("enableWebhook", "POST", `${webhook}/enable`, rights.manageWebhooks, "Enable a webhook that was disabled", {
    answer: webhookSchema,
    body: emptyBody,
    run: (call) => call.webhooks((stub) => stub.enable(call.param("webhook"))),
  }),
  route("pingWebhook", "POST", `${webhook}/ping`, rights.manageWebhooks, "Send a test message", {
    answer: pingedSchema,
    body: emptyBody,
    run: (call) => {
      const { requestId } = call;
      const message = `msg_${uuid7()}`;
      return call.webhooks((stub) => stub.ping(requestId, call.param("webhook"), message));
    },
  }),
  route(
    "listDeliveries",
    "GET",
    `${webhook}/deliveries`,
    rights.manageWebhooks,
    "Deliveries of a webhook and their state, newest first",
    {
      answer: deliveryListSchema,
      query: deliveriesQuery,
      run: (call, _, { before, limit = 100 }) =>
        call.webhooks((stub) => stub.deliveries(call.param("webhook"), before, limit)),
    },
  ),
  route(
    "redeliver",
    "POST",
    `${webhook}/redeliver`,
    rights.manageWebhooks,
    "Send again: one message, or all that failed since a time",
    {
      answer: redeliveredSchema,
      body: redeliverBody,
      run: (call, { message, since = 0 }) => {
        const { requestId } = call;
        return call.webhooks((stub) => stub.redeliver(requestId, call.param("webhook"), message, since));
      },
    },
  ),
];
