/** Promises that are checked on the engine's own numbers, whatever the model says. */
import { evolve } from "../../../src/engine/evolve.ts";
import { available, emptyPool, type Pool } from "../../../src/engine/state.ts";
import type { Command, Outcome } from "../../../src/protocol/commands.ts";
import type { PoolEvent } from "../../../src/protocol/events.ts";
import type { Transfer } from "../../../src/protocol/reservation.ts";

/** After a reserve was granted, neither the agent nor the pool has promised more than it has. */
export function admissionsOf(pool: Pool, command: Command, outcome: Outcome): string[] {
  if (command.op !== "reserve" || !outcome.ok || "replayed" in outcome.result) return [];
  const agent = pool.agents.get(command.agent);
  const found: string[] = [];
  if (agent === undefined || available(agent) < 0) found.push(`${command.agent} was admitted beyond its allocation`);
  if (pool.consumed + pool.held > pool.total) found.push("the pool was admitted beyond its total");
  return found;
}

/** Folds the journal as it grows, so that donors can be looked at right before and after they gave. */
export class Shadow {
  readonly pool: Pool = emptyPool();

  /** Applies `events` and says which transfers should not have been. */
  follow(events: readonly PoolEvent[]): string[] {
    const found: string[] = [];
    for (const event of events) {
      evolve(this.pool, event);
      if (!("transfers" in event)) continue;
      const to = event.type === "committed" ? this.#ownerOf(event.id) : event.agent;
      for (const transfer of event.transfers) found.push(...this.#wrongsOf(transfer, to));
    }
    return found;
  }

  /** Whom a commit is booked to: the agent, or what is left above it. */
  #ownerOf(id: string): string {
    const known = this.pool.remembered.get(id);
    return known?.op === "reserve" ? (known.owner ?? "") : "";
  }

  #wrongsOf({ from, amount }: Transfer, to: string): string[] {
    if (amount <= 0) return [`${from} gave ${amount}`];
    if (from === null) return this.pool.unallocated < 0 ? ["the unallocated budget gave more than it had"] : [];
    const donor = this.pool.agents.get(from);
    const agent = this.pool.agents.get(to);
    if (donor === undefined || agent === undefined) return [`${from} gave to ${to}, who are not both there`];
    const { priority, min_reserve } = donor.contract;
    const equal = this.pool.settings?.equal_priority_donates === true;
    const found: string[] = [];
    if (available(donor) < min_reserve)
      found.push(`${from} gave ${amount} and fell below its reserve of ${min_reserve}`);
    if (equal ? priority > agent.contract.priority : priority >= agent.contract.priority) {
      found.push(`${from} gave uphill to ${to}`);
    }
    if (from === to) found.push(`${from} gave to itself`);
    return found;
  }
}
