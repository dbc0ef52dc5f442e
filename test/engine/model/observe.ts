/** What the engine says, in the shape in which the model says it. */
import { viewDetail, viewReservation } from "../../../src/engine/results.ts";
import type { Pool } from "../../../src/engine/state.ts";
import type { Outcome } from "../../../src/protocol/commands.ts";
import type { Says } from "./world.ts";

export function observedAnswer(outcome: Outcome): Says {
  if (!outcome.ok) return outcome.refusal;
  const { result } = outcome;
  // A donor that gave nothing may be listed or not.
  if ("donors" in result) return { ...result, donors: result.donors.filter(({ gives }) => gives > 0) };
  return { ...result };
}

export function observedReport(pool: Pool): Says {
  const agents: Record<string, unknown> = {};
  for (const agent of pool.agents.values()) agents[agent.name] = viewDetail(agent);
  const reservations: Record<string, unknown> = {};
  let count = 0;
  for (const known of pool.remembered.values()) {
    if (known.op !== "reserve") continue;
    reservations[known.id] = viewReservation(known);
    count++;
  }
  const { settings, period, total, unallocated, consumed, held, closed } = pool;
  const counts = { agents: pool.agents.size, reservations: count };
  return { settings, period, total, unallocated, consumed, held, closed, agents, reservations, counts };
}
