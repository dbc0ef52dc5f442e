/**
 * A host's clock that was ahead once must not stop a pool: what waits for time to pass would wait until the other clocks
 * have caught up. Which of two clocks was wrong can't be known; the one that is here now is believed.
 */
import type { EventOf } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import type { Pool } from "../state.ts";

/** The correction that is due at `now`, if the pool's time is further ahead of it than hosts' clocks may differ. */
export function correctClock(pool: Pool, now: number): EventOf<"clock_corrected"> | undefined {
  const by = pool.at - now;
  return by > limits.clockSkewMs ? { type: "clock_corrected", at: now, by } : undefined;
}
