/** The fields of a webhook in a request, with its address validated. */
import type * as z from "zod";
import type { Env } from "../env.ts";
import type { WebhookFields } from "../protocol/webhook.ts";
import { webhookBody } from "../protocol/webhook.wire.ts";
import { originsIn, validateWebhookUrl } from "../webhooks/address.ts";
import { invalid } from "./problems.ts";

export function webhookFields(
  { BURSAR_WEBHOOK_ORIGINS }: Pick<Env, "BURSAR_WEBHOOK_ORIGINS">,
  { url, types = [], pool, description }: z.output<typeof webhookBody>,
): WebhookFields {
  const wrong = validateWebhookUrl(url, originsIn(BURSAR_WEBHOOK_ORIGINS));
  if (wrong !== undefined) throw invalid("/url", wrong);
  // As the URL parser writes it, so that what was validated is what is used.
  return { url: new URL(url).href, types, pool: pool ?? null, description: description ?? null };
}
