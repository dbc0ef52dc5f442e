/** Which scope may run which command: the same in a request, a batch and a session. */
import { type Command, commandTraits } from "./commands.ts";
import type { Scope } from "./key.ts";

/** Scopes that spend: reserve, commit, release, extend, record, reallocate. */
export const spenders: readonly Scope[] = ["admin", "spend"];
/** Scopes that say what may be spent. A key that spends may not change it. */
export const managers: readonly Scope[] = ["admin"];
/** Scopes that may call models through the gateway. */
export const gatewayUsers: readonly Scope[] = ["admin", "spend", "gateway"];
export const readers: readonly Scope[] = ["admin", "spend", "read"];

export function mayRun(scope: Scope, op: Command["op"]): boolean {
  return (commandTraits[op].right === "spend" ? spenders : managers).includes(scope);
}
