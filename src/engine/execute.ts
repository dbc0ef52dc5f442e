/**
 * Runs a command on a pool: leases and periods that are due end first, then the command is decided and its events are
 * applied, with the warnings they give rise to and the agents that can leave because of them. The caller must persist
 * `events` before it sends the outcome.
 */
import type { AnyResult, Command, Outcome } from "../protocol/commands.ts";
import type { PoolEvent } from "../protocol/events.ts";
import { handlerOf } from "./commands.ts";
import { leave } from "./decisions/agent.ts";
import { correctClock } from "./decisions/clock.ts";
import type { Decision } from "./decisions/decision.ts";
import { startNextPeriod } from "./decisions/period.ts";
import { expireNext } from "./decisions/reservation.ts";
import { evolve } from "./evolve.ts";
import { nextLease, type Pool, reservationOf } from "./state.ts";
import { warningsAfter } from "./warnings.ts";

/** Decides and applies `command` at `now`; appends the events to `events`. */
export function execute(pool: Pool, command: Command, now: number, events: PoolEvent[]): Outcome {
  applyDue(pool, now, events);
  const time = clamp(pool, now);
  const decision = decide(pool, command, time);
  if ("refusal" in decision) {
    if (pool.settings?.journal_refusals === true) apply(pool, refused(command, decision.refusal.code, time), events);
    return { ok: false, refusal: decision.refusal };
  }

  for (const event of decision.events) apply(pool, event, events);
  return { ok: true, result: decision.result ?? answerTo(pool, command, decision.replayed) };
}

function answerTo(pool: Pool, command: Command, replayed: true | undefined): AnyResult {
  return handlerOf(command).answer(pool, command, replayed === undefined ? {} : { replayed });
}

/** Decides without applying anything. */
export function decide(pool: Pool, command: Command, now: number): Decision {
  if (pool.settings === null && command.op !== "configure") return { refusal: { code: "pool_not_found" } };
  return handlerOf(command).decide(pool, command, now);
}

/**
 * Corrects the pool's clock where it was ahead, then ends every lease and period that is due at `now`, in the order of their
 * ends: a lease that was charged belongs to the period in which it ended. Bounded by `limits.openReservations` leases and one
 * period for each agent.
 */
export function applyDue(pool: Pool, now: number, events: PoolEvent[]): void {
  const correction = correctClock(pool, now);
  if (correction !== undefined) apply(pool, correction, events);
  const time = clamp(pool, now);
  for (;;) {
    const leaseEnd = nextLease(pool)?.expiresAt ?? Number.POSITIVE_INFINITY;
    if (Math.min(leaseEnd, pool.periodsEndAt) > time) return;
    const event = leaseEnd <= pool.periodsEndAt ? expireNext(pool, time) : startNextPeriod(pool, time);
    if (event === undefined) throw new Error(`nothing is due at ${time}`);
    apply(pool, event, events);
  }
}

/** Time within a pool never runs back: where the new host's clock is behind, the pool's time stands still. */
function clamp(pool: Pool, now: number): number {
  return Math.max(pool.at, now);
}

function apply(pool: Pool, event: PoolEvent, events: PoolEvent[]): void {
  evolve(pool, event);
  events.push(event);
  for (const warning of warningsAfter(pool, event)) {
    const warned: PoolEvent = { type: "warned", at: event.at, ...warning };
    evolve(pool, warned);
    events.push(warned);
  }
  leaveIfDone(pool, event, events);
}

/** Lets a closing agent leave once `event` was the last thing that kept it; its parent may be next. */
function leaveIfDone(pool: Pool, event: PoolEvent, events: PoolEvent[]): void {
  let name = mayLeave(pool, event);
  while (name !== null) {
    const agent = pool.agents.get(name);
    const leaving = agent === undefined ? undefined : leave(pool, agent, event.at);
    if (agent === undefined || leaving === undefined) return;
    evolve(pool, leaving);
    events.push(leaving);
    name = agent.contract.parent;
  }
}

/** The agent that `event` may have been the last thing to keep; null if there is none. */
function mayLeave(pool: Pool, event: PoolEvent): string | null {
  switch (event.type) {
    case "closing":
      return event.agent;
    case "committed":
    case "released":
    case "expired":
      return reservationOf(pool, event.id).agent;
    default:
      return null;
  }
}

function refused(command: Command, code: Extract<PoolEvent, { type: "refused" }>["code"], at: number): PoolEvent {
  return { type: "refused", at, op: command.op, agent: "agent" in command ? command.agent : null, code };
}
