/**
 * The account's spending limit for Durable Objects: once it is reached, the platform rejects requests to objects, their
 * SQL and new alarms, all with one message (developers.cloudflare.com/durable-objects/platform/spend-management).
 */
export const spendingStopped =
  "The Cloudflare account has reached its spending limit for Durable Objects. Nothing can be reserved or stored until it is raised.";

/** Whether that is why something failed, itself or what it was caused by. */
export function isSpendingStopped(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return /spending (cap|limit)/i.test(error.message) || isSpendingStopped(error.cause);
}
