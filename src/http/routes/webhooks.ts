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
    "Send notifications to an address; its secret is shown once",
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
  route("listWebhooks", "GET", webhooks, rights.manageWebhooks, "The tenant's webhooks, and how each has fared", {
    answer: webhookListSchema,
    run: (call) => call.webhooks(async (stub) => ok({ webhooks: await stub.list() })),
  }),
  route("getWebhook", "GET", webhook, rights.manageWebhooks, "A webhook, and how it has fared", {
    answer: webhookSchema,
    run: (call) => call.webhooks((stub) => stub.find(call.param("webhook"))),
  }),
  route("updateWebhook", "PUT", webhook, rights.manageWebhooks, "Change where notifications are sent, and which", {
    answer: webhookSchema,
    body: webhookBody,
    run: (call, body) => {
      const fields = webhookFields(call.env, body);
      return call.webhooks((stub) => stub.change(call.param("webhook"), fields));
    },
  }),
  route("deleteWebhook", "DELETE", webhook, rights.manageWebhooks, "Send nothing there any more", {
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
    "A new secret; the one before is signed with for a day",
    {
      answer: newWebhookSchema,
      body: emptyBody,
      run: (call) => {
        const { requestId } = call;
        return call.webhooks((stub) => stub.rotate(requestId, call.param("webhook")));
      },
    },
  ),
  route("enableWebhook", "POST", `${webhook}/enable`, rights.manageWebhooks, "Send again where it was disabled", {
    answer: webhookSchema,
    body: emptyBody,
    run: (call) => call.webhooks((stub) => stub.enable(call.param("webhook"))),
  }),
  route(
    "pingWebhook",
    "POST",
    `${webhook}/ping`,
    rights.manageWebhooks,
    "Send a message that says nothing, to see it arrive",
    {
      answer: pingedSchema,
      body: emptyBody,
      run: (call) => {
        const { requestId } = call;
        const message = `msg_${uuid7()}`;
        return call.webhooks((stub) => stub.ping(requestId, call.param("webhook"), message));
      },
    },
  ),
  route(
    "listDeliveries",
    "GET",
    `${webhook}/deliveries`,
    rights.manageWebhooks,
    "What was sent there, and what became of it",
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
    "Send again: one message, or all that did not arrive",
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
