/** Decides what works without a reservation: exact usage after the fact, and moving budget ahead of need. */
import type { PoolEvent } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import type { ReallocateCommand, RecordCommand } from "../../protocol/usage.ts";
import { plan } from "../donors.ts";
import { viewAgent } from "../results.ts";
import type { Pool } from "../state.ts";
import { cannotSpend } from "./agent.ts";
import { type Decision, firstDifference, refuse, unitMismatch, usedBefore } from "./decision.ts";
import { cover } from "./reservation.ts";

/** Books usage that has already happened: never refused for budget, a closed gate or a closing agent. */
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
    ]);
  });
  if (used !== undefined) return used;
  if (!pool.agents.has(command.agent)) return refuse({ code: "agent_not_found", agent: command.agent });
  if (pool.consumed + command.amount > limits.spend) {
    return refuse({ code: "limit_reached", limit: "spend", maximum: limits.spend });
  }

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

/** Moves what unallocated budget and donors can give, up to `amount`, and says who was asked and why. */
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
  const refusal = cannotSpend(pool, agent);
  if (refusal !== undefined) return refusal;

  const { transfers, donors, moved } = plan(pool, agent, amount);
  if (command.dry_run === true) {
    const state = { dry_run: true, seq: pool.seq, agent: { name, ...viewAgent(agent) } };
    return {
      events: [],
      result: { id, asked: amount, moved, shortfall: amount - moved, transfers, donors, ...state },
    };
  }
  return { events: [{ type: "reallocated", at: now, id, agent: name, asked: amount, transfers, donors }] };
}
