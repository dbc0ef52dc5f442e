/**
 * Runs a command on a pool: what is due happens first, then the command is decided, its events are applied, what is
 * worth a warning is said, and agents that only waited for it leave. The caller persists `events` before the outcome is sent.
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
 * Corrects the pool's clock where it was wrong, then ends every lease and period that is due at `now`, in the order in
 * which they end: what was charged when a lease ended belongs to the period of then. At most `limits.openReservations` leases, and one period of each agent's.
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

/** The clock of a host that an object moved to may be a little behind: the pool's time then stands still. */
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

/** After an event that may have been the last thing a closing agent waited for: it leaves, and so may its parent. */
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

/** Where `event` may have been the last thing that a closing agent waited for: its name. */
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
