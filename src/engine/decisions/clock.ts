/**
 * Corrects a pool's time after a host's clock was ahead. Time within a pool never runs back, so one event that was written
 * a day ahead would freeze it for a day: leases would not end, calls in line would not give up, and ids would not be
 * forgotten. Which of two clocks was wrong can't be known; the clock of the host that runs the pool now is believed.
 */
import type { EventOf } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import type { Pool } from "../state.ts";

/** The correction that is due at `now`, if the pool's time is further ahead of it than hosts' clocks may differ. */
export function correctClock(pool: Pool, now: number): EventOf<"clock_corrected"> | undefined {
  const by = pool.at - now;
  return by > limits.clockSkewMs ? { type: "clock_corrected", at: now, by } : undefined;
}
