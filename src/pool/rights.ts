/**
 * The part of authorization that only the pool can do: which agent a reservation belongs to. Everything else is decided at
 * the edge (`http/rights.ts`).
 */
import { execute } from "../engine/execute.ts";
import type { Pool } from "../engine/state.ts";
import type { Caller } from "../protocol/caller.ts";
import { type Command, commandTraits, type Outcome } from "../protocol/commands.ts";
import type { PoolEvent } from "../protocol/events.ts";
import type { Refusal } from "../protocol/refusals.ts";

/** To a key bound to an agent, another agent's reservation does not exist: it must not learn that the id is in use. */
function mayNotTouch(pool: Pool, caller: Caller, command: Command): Refusal | undefined {
  if (caller.agent === null) return undefined;
  const { right, about } = commandTraits[command.op];
  if (about === "reservation" && "id" in command && command.id !== undefined) {
    return isForeign(pool, caller, command.id) ? { code: "reservation_not_found", id: command.id } : undefined;
  }
  if (right === "spend" && "agent" in command && command.agent === caller.agent) return undefined;
  // The edge refuses all of these; a command that gets here bypassed it, which is a bug.
  throw new Error(`${command.op} by a key of agent ${caller.agent}`);
}

/** Whether the reservation `id` exists and belongs to another agent than the caller's. */
export function isForeign(pool: Pool, caller: Caller, id: string): boolean {
  const known = pool.remembered.get(id);
  return caller.agent !== null && known !== undefined && known.agent !== caller.agent;
}

/** Runs a command with the rights of `caller`, which may be bound to an agent. */
export function executeFor(caller: Caller, pool: Pool, command: Command, now: number, events: PoolEvent[]): Outcome {
  const refusal = mayNotTouch(pool, caller, command);
  return refusal === undefined ? execute(pool, command, now, events) : { ok: false, refusal };
}
