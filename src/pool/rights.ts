/**
 * What only the pool can know of a caller's rights: whether its key is revoked, and whose a reservation is. All else
 * is decided at the edge (`http/rights.ts`).
 */
import { execute } from "../engine/execute.ts";
import type { Pool } from "../engine/state.ts";
import type { Caller } from "../protocol/caller.ts";
import { type Command, commandTraits, type Outcome } from "../protocol/commands.ts";
import type { PoolEvent } from "../protocol/events.ts";
import type { Refusal } from "../protocol/refusals.ts";

/** A reservation of another agent looks to a key that is bound to one like a reservation that isn't there. */
function mayNotTouch(pool: Pool, caller: Caller, command: Command): Refusal | undefined {
  if (caller.agent === null) return undefined;
  const { right, about } = commandTraits[command.op];
  if (about === "reservation" && "id" in command && command.id !== undefined) {
    return isForeign(pool, caller, command.id) ? { code: "reservation_not_found", id: command.id } : undefined;
  }
  if (right === "spend" && "agent" in command && command.agent === caller.agent) return undefined;
  // The edge lets none of these through; a command that gets here came round it.
  throw new Error(`${command.op} by a key of agent ${caller.agent}`);
}

/** Whether the reservation `id` is there, and another agent's. */
export function isForeign(pool: Pool, caller: Caller, id: string): boolean {
  const known = pool.remembered.get(id);
  return caller.agent !== null && known !== undefined && known.agent !== caller.agent;
}

/** Runs a command for a caller, who may be bound to an agent. */
export function executeFor(caller: Caller, pool: Pool, command: Command, now: number, events: PoolEvent[]): Outcome {
  const refusal = mayNotTouch(pool, caller, command);
  return refusal === undefined ? execute(pool, command, now, events) : { ok: false, refusal };
}
