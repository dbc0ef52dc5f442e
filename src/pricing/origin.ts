/**
 * Where a price comes from, as its version says, and which price counts when another model answers than was asked for:
 * the same rule for every way in.
 */
import type { Price } from "../protocol/price.ts";

/** The version of a price that the caller gave for its own calls. */
export const givenVersion = "given";

/** The version of a pool's fallback price. */
export const poolVersion = "pool";

/** The version of a price that its family has, in place of a model that the table does not have. */
export function familyVersion(table: string, family: string): string {
  return `${table}~${family}`;
}

/** Whether the model that answered can change the price at all. */
export function isFixed({ version }: Price): boolean {
  return version === givenVersion;
}

/**
 * Whether a call that was asked of a model at `asked` is booked at `served`, the price of the model that answered. A
 * price that was set for the name that was asked for is for whatever answers by that name, unless that has a price of
 * the tenant's, too. A family's price is a guess on the safe side: a snapshot that the table does not have yet costs
 * what its model costs.
 */
export function replaces(served: Price, asked: Price): boolean {
  if (isFixed(asked) || served.version.includes("~")) return false;
  return isOwn(served) || !isOwn(asked);
}

function isOwn({ version }: Price): boolean {
  return version.startsWith("tenant@") || version === poolVersion;
}
