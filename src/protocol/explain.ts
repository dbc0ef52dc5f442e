/** Says a refusal in a sentence that tells a person what to do next. Programs read `code` and the facts instead. */
import type { Refusal } from "./refusals.ts";

export function explain(refusal: Refusal): string {
  switch (refusal.code) {
    case "key_revoked":
      return "This key was revoked. Ask the person who gave it to you for a new one.";
    case "key_expired":
      return "This key has expired. Ask for a new one.";
    case "tenant_not_found":
      return `There is no tenant ${refusal.tenant}. Create it with POST /v1/tenants.`;
    case "key_not_found":
      return `There is no key ${refusal.key_id}. GET /v1/keys lists them by their ids.`;
    case "webhook_not_found":
      return `There is no webhook ${refusal.webhook}. GET /v1/webhooks lists them by their ids.`;
    case "price_not_found":
      return `There is no price for ${refusal.model}. GET /v1/prices lists those there are; PUT /v1/prices/{model} sets one.`;
    case "model_not_priced":
      return `There is no price for ${refusal.model}, so it can't be paid out of a pool of microusd. Set its price with PUT /v1/prices/{model}, or a fallback_price for the pool.`;
    case "pool_not_found":
      return "There is no such pool. Create it with PUT /v1/pools/{pool}.";
    case "damaged":
      return `This pool can't be used: what is stored of it is damaged (${refusal.where}: ${refusal.reason}). Nothing is spent from it. GET …/audit says what is wrong; POST …/restore brings it back from the archive; DELETE with force=true removes it.`;
    case "journal_trimmed":
      return `The journal up to event ${refusal.trimmed} is no longer here. Ask for what comes after it; the archive may have the rest.`;
    case "archive_not_found":
      return `Nothing can be done with the archive: ${refusal.reason}.`;
    case "unit_mismatch":
      return `This pool counts ${refusal.pool_unit}, not ${refusal.given_unit}; a pool's unit can't be changed.`;
    case "id_reused":
      return `The id ${refusal.id} was used before with another ${refusal.field}. Use a new id for a new request.`;
    case "id_too_old":
      return `The id ${refusal.id} is older than what is remembered, so it may have run already. Make a new id.`;
    case "agent_not_found":
      return `There is no agent ${refusal.agent} in this pool. Register it with PUT /v1/pools/{pool}/agents/{agent}.`;
    case "reservation_not_found":
      return `There is no reservation ${refusal.id} in this pool. Usage without one is recorded with POST …/usage.`;
    case "reservation_settled":
      return `The reservation ${refusal.id} is ${refusal.state} with ${refusal.consumed} booked. Further usage is recorded with POST …/usage.`;
    case "agent_closing":
      return `The agent ${refusal.agent} is closing and takes no more work.`;
    case "paused":
      return `${refusal.agent === null ? "The pool" : `The agent ${refusal.agent}`} is paused: nothing new is reserved until it is resumed.`;
    case "confidence_reached":
      return `The agent ${refusal.agent} reported a confidence of ${refusal.confidence}, its threshold is ${refusal.confidence_threshold}: the job is done. For a new task, reopen its gate.`;
    case "contract_conflict":
      return `Conflict on ${refusal.field}: ${refusal.reason}.`;
    case "too_many_reserves":
      return `The agent ${refusal.agent} may reserve ${refusal.max_reserves_per_minute} times a minute and has done so: look for a loop. It goes on in ${refusal.retry_after_ms} ms.`;
    case "limit_reached":
      return `The limit ${refusal.limit} of ${refusal.maximum} is reached.${adviceFor(refusal.limit)}`;
    case "budget_exceeded":
      return `The agent ${refusal.agent} needs ${refusal.at_least}: it has ${refusal.available} available, others could give ${refusal.transferable}, the pool admits ${refusal.headroom} more.${later(refusal)}`;
  }
}

/** What to do about a limit whose name does not say it. */
function adviceFor(limit: string): string {
  switch (limit) {
    case "answersLength":
      return " Send fewer commands at once.";
    case "queuedPerKey":
      return " Wait for answers before you send more, or use a key for each agent.";
    case "revokedKeysPerPool":
    case "revokedKeysPerTenant":
      return " Revoked keys are kept until they expire: give keys an expiry.";
    default:
      return "";
  }
}

function later({ final_reserve, resets_at }: Extract<Refusal, { readonly code: "budget_exceeded" }>): string {
  const kept = final_reserve === undefined ? "" : ` It keeps ${final_reserve} for a reserve with final: true.`;
  return resets_at === undefined ? kept : `${kept} The budget is filled again at ${new Date(resets_at).toISOString()}.`;
}
