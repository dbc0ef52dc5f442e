/** What the events of a pool as a whole do to its state. */
import type { EventOf } from "../../protocol/events.ts";
import type { PoolEvents } from "../../protocol/pool.ts";
import { Heap } from "../heap.ts";
import { forgetFuture } from "../outcomes.ts";
import { agentOf, earliestEnd, type Lease, leaseBefore, type Pool } from "../state.ts";
import { rearm, withWarned } from "../warnings.ts";
import type { Appliers } from "./appliers.ts";
import { addToUnallocated, rememberWrite } from "./ledger.ts";

export const poolAppliers: Appliers<PoolEvents> = {
  configured,
  funded: (pool, { id, amount }) => {
    addToUnallocated(pool, amount);
    rearm(pool, null);
    rememberWrite(pool, id, { op: "fund", agent: null, amount });
  },
  clock_corrected: clockCorrected,
  warned,
};

function configured(pool: Pool, event: EventOf<"configured">): void {
  pool.settings = event.settings;
  pool.roster++;
  addToUnallocated(pool, event.unallocated);
  rearm(pool, null);
  if (event.period === undefined) return;
  pool.period = event.period;
  pool.periodsEndAt = earliestEnd(pool);
}

/** Open leases keep the time that they had left; rate limits count anew, since their minute lies in the future. */
function clockCorrected(pool: Pool, { at, by }: EventOf<"clock_corrected">): void {
  const leases: Lease[] = [];
  for (const known of pool.remembered.values()) {
    if (known.op !== "reserve" || known.state !== "held") continue;
    known.expiresAt -= by;
    leases.push({ id: known.id, expiresAt: known.expiresAt });
  }
  pool.leases = new Heap(leaseBefore, leases);
  for (const agent of pool.agents.values()) agent.pace = null;
  forgetFuture(pool, at);
}

function warned(pool: Pool, event: EventOf<"warned">): void {
  const about = event.agent === null ? pool : agentOf(pool, event.agent);
  about.warned = withWarned(about.warned, event);
}
