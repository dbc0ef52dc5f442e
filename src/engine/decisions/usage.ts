/**
 * Decides what works without a reservation: usage that is recorded after the fact, and budget that is moved ahead of need.
 */
import type { PoolEvent } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import type { ReallocateCommand, RecordCommand } from "../../protocol/usage.ts";
import { plan } from "../donors.ts";
import { viewAgent } from "../results.ts";
import type { Pool } from "../state.ts";
import { cannotSpend } from "./agent.ts";
import { type Decision, firstDifference, refuse, unitMismatch, usedBefore } from "./decision.ts";
import { cover } from "./reservation.ts";

/**
 * Books usage that has already happened. It is a fact, so neither a lack of budget, nor a pause, a closed gate or a closing
 * agent refuses it; what can't be paid for is overage. Only an agent that is not there is refused: there is no ledger to
 * book it in.
 *
 * Refused: `unit_mismatch`, `id_reused`, `id_too_old`, `agent_not_found`, `limit_reached`.
 */
export function decideRecord(pool: Pool, command: RecordCommand, now: number): Decision {
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  const used = usedBefore(pool, command.id, command.agent, (known) => {
    if (known.op !== "record") return "op";
    return firstDifference([
      ["agent", known.agent, command.agent],
      ["amount", known.amount, command.amount],
      ["confidence", known.confidence, command.confidence],
      ["metadata", known.metadata, command.metadata],
      // Not `usage`: it only describes the amount, which is what is booked.
    ]);
  });
  if (used !== undefined) return used;
  if (!pool.agents.has(command.agent)) return refuse({ code: "agent_not_found", agent: command.agent });
  // Beyond this, sums would no longer be exact integers.
  if (pool.consumed + command.amount > limits.spend) {
    return refuse({ code: "limit_reached", limit: "spend", maximum: limits.spend });
  }

  // All of it is excess: nothing was held for it.
  const { transfers, overage } = cover(pool, command.agent, command.amount);
  const event: PoolEvent = {
    type: "recorded",
    at: now,
    id: command.id,
    agent: command.agent,
    amount: command.amount,
    transfers,
    overage,
    ...(command.confidence === undefined ? undefined : { confidence: command.confidence }),
    ...(command.usage === undefined ? undefined : { usage: command.usage }),
    ...(command.metadata === undefined ? undefined : { metadata: command.metadata }),
  };
  return { events: [event] };
}

/**
 * Moves what unallocated budget and donors can give to the agent, up to `amount`; less is no refusal, and `shortfall` says
 * how much was not found. `donors` states for each agent that was asked what it had and what it kept, so that the result
 * explains itself. With `dry_run` the same plan is answered, and nothing moves.
 *
 * Refused: `unit_mismatch`, `id_reused`, `id_too_old`, `agent_not_found`, `agent_closing`, `paused`, `confidence_reached`.
 */
export function decideReallocate(pool: Pool, command: ReallocateCommand, now: number): Decision {
  const { id, agent: name, amount } = command;
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  // A dry run changes nothing and is not remembered, so its id can't have been used.
  const used =
    command.dry_run === true
      ? undefined
      : usedBefore(pool, id, name, (known) =>
          firstDifference([
            ["op", known.op, "reallocate"],
            ["agent", known.agent, name],
            ["amount", known.op === "reallocate" && known.amount, amount],
          ]),
        );
  if (used !== undefined) return used;
  const agent = pool.agents.get(name);
  if (agent === undefined) return refuse({ code: "agent_not_found", agent: name });
  // An agent that may not spend must not collect budget either: it would be kept from the agents that could use it.
  const refusal = cannotSpend(pool, agent);
  if (refusal !== undefined) return refusal;

  // Under the rules of a reserve: never from higher priorities, and never below what a donor keeps.
  const { transfers, donors, moved } = plan(pool, agent, amount);
  if (command.dry_run === true) {
    // Nothing is applied, so the answer can't be read from the state afterwards.
    const state = { dry_run: true, seq: pool.seq, agent: { name, ...viewAgent(agent) } };
    return {
      events: [],
      result: { id, asked: amount, moved, shortfall: amount - moved, transfers, donors, ...state },
    };
  }
  return { events: [{ type: "reallocated", at: now, id, agent: name, asked: amount, transfers, donors }] };
}
