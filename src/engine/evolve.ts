/**
 * Applies an event to the state. It decides nothing and refuses nothing, so that folding the journal from its beginning gives
 * exactly the state that the pool had in memory.
 */
import type { PoolEvent } from "../protocol/events.ts";
import { agentAppliers } from "./evolve/agents.ts";
import type { Appliers } from "./evolve/appliers.ts";
import { periodAppliers } from "./evolve/periods.ts";
import { poolAppliers } from "./evolve/pool.ts";
import { reservationAppliers, usageAppliers } from "./evolve/reservations.ts";
import { forget } from "./outcomes.ts";
import { emptyPool, type Pool } from "./state.ts";

const appliers: Appliers<PoolEvent> = {
  ...poolAppliers,
  ...agentAppliers,
  ...periodAppliers,
  ...reservationAppliers,
  ...usageAppliers,
  refused: () => undefined,
};

export function evolve(pool: Pool, event: PoolEvent): void {
  pool.seq++;
  pool.at = event.at;
  // The table pairs every type with its events, which TypeScript can't follow through an index.
  const apply = appliers[event.type] as (pool: Pool, event: PoolEvent) => void;
  apply(pool, event);
  forget(pool);
}

/** The state after `events`, from nothing. */
export function fold(events: Iterable<PoolEvent>): Pool {
  const pool = emptyPool();
  for (const event of events) evolve(pool, event);
  return pool;
}
