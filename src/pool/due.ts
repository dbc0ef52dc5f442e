/** When a lease or period ends next. `applyDue` (engine/execute.ts) ends them, at the next command, read or alarm. */
import { nextLease, type Pool } from "../engine/state.ts";

/** When a lease or a period ends next; infinite if none does. An idle pool without either needs no alarm. */
export function nextDue(pool: Pool): number {
  return Math.min(nextLease(pool)?.expiresAt ?? Number.POSITIVE_INFINITY, pool.periodsEndAt);
}
