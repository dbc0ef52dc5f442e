/**
 * Waiting for budget: reserves that lack nothing else wait in line, and are granted in the same delivery in which budget
 * comes free. The line itself is in `waiting.ts`; here is when a call joins it, when it is served, and when it gives up.
 */
import { lacksOnlyBudget, reserveDifference } from "../engine/decisions/reservation.ts";
import { applyDue, decide, execute } from "../engine/execute.ts";
import { viewNamed } from "../engine/results.ts";
import type { Pool } from "../engine/state.ts";
import type { Caller } from "../protocol/caller.ts";
import type { Command, Outcome } from "../protocol/commands.ts";
import type { PoolEvent } from "../protocol/events.ts";
import { limits } from "../protocol/limits.ts";
import type { ReserveCommand } from "../protocol/reservation.ts";
import { shareOf } from "../protocol/share.ts";
import { nextDue } from "./due.ts";
import { executeFor } from "./rights.ts";
import { type Resolution, type WaitingCall, WaitQueue } from "./wait-queue.ts";

/** What the line needs of its pool. */
export type WaitingLineHost = {
  readonly clock: () => number;
  /** Runs one delivery, without a pause; with `serve` those in line are looked at though no event calls for it. */
  readonly deliver: <T>(work: (pool: Pool, now: number, events: PoolEvent[]) => T, serve?: boolean) => T;
  /** Reads the pool as it is. */
  readonly peek: <T>(look: (pool: Pool) => T) => T;
  readonly noteRefusals: (commands: readonly Command[], outcomes: readonly Outcome[]) => void;
  /** Resolves when what was delivered before is stored. */
  readonly persisted: () => Promise<void>;
};

export class WaitingLine {
  readonly #host: WaitingLineHost;
  readonly #queue = new WaitQueue();
  /** Tickets of calls that were left before they came. */
  readonly #gone = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: WaitingLineHost) {
    this.#host = host;
  }

  /** How many reserves wait. */
  get size(): number {
    return this.#queue.size;
  }

  /** Reserves, or waits for budget to come free up to `waitMs`. `ticket` names the call for `leave`. */
  async reserve(command: ReserveCommand, waitMs: number, caller: Caller, ticket: string): Promise<Outcome> {
    const visit: WaitingCall = {
      ticket,
      keyId: caller.key_id,
      keyExpiresAt: caller.expires_at ?? Number.POSITIVE_INFINITY,
      until: this.#host.clock() + waitMs,
    };
    const unlike = this.#unlikeTheWaiting(command);
    if (unlike !== undefined) return unlike;
    const waiting = this.#queue.find(command.id);
    if (waiting !== undefined && waiting.command.unit === command.unit) {
      // A caller that comes back waits in its old place.
      return waiting.size >= limits.waitersPerReservation ? tooManyCalls : this.#wait(command, waiting.priority, visit);
    }
    const outcome = this.#host.deliver((pool, now, events) => {
      applyDue(pool, now, events);
      // A caller that will wait is not refused yet: nothing is counted or journaled until it gives up.
      return pool.settings !== null && lacksOnlyBudget(pool, command, now)
        ? undefined
        : executeFor(caller, pool, command, now, events);
    });
    if (outcome !== undefined) {
      this.#host.noteRefusals([command], [outcome]);
      await this.#host.persisted();
      return outcome;
    }
    const own = this.#queue.sizeOf(command.agent);
    const share = shareOf(limits.waiters, this.#queue.size - own);
    if (own + 1 > share) {
      const limit =
        own === 0 ? { limit: "waiters", maximum: limits.waiters } : { limit: "waitersPerAgent", maximum: share };
      return { ok: false, refusal: { code: "limit_reached", ...limit } };
    }
    const priority = this.#host.peek((pool) => pool.agents.get(command.agent)?.contract.priority ?? 0);
    return this.#wait(command, priority, visit);
  }

  /** Whether the caller of this call left before the call came. Said once. */
  hasLeft(ticket: string): boolean {
    return this.#gone.delete(ticket);
  }

  #wait(command: ReserveCommand, priority: number, visit: WaitingCall): Promise<Outcome> {
    const outcome = this.#queue.join(command, priority, visit);
    this.arrangeTimer();
    return outcome;
  }

  /** The caller of a call that waits has gone: the call leaves the line, and its reservation is not granted. */
  leave(id: string, ticket: string): void {
    if (this.#queue.leave(id, ticket, releasedInLine(id))) return this.arrangeTimer();
    // It has not come yet: its caller was quicker than the call.
    this.#gone.add(ticket);
    const [oldest] = this.#gone;
    if (this.#gone.size > limits.waiters && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** The outcome of a command that is about a reservation in line; undefined for any other. */
  outcomeOf(caller: Caller, pool: Pool, command: Command): Outcome | undefined {
    if (this.#queue.size === 0) return undefined;
    if (command.op === "reserve") return this.#unlikeTheWaiting(command);
    return command.op === "release" ? this.#released(caller, pool, command.id) : undefined;
  }

  /** The refusal of a reserve whose id waits in line with another content. */
  #unlikeTheWaiting(command: ReserveCommand): Outcome | undefined {
    const waiting = this.#queue.find(command.id);
    if (waiting === undefined || waiting.command.unit !== command.unit) return undefined;
    const field = reserveDifference(waiting.command, command);
    return field === undefined ? undefined : { ok: false, refusal: { code: "id_reused", id: command.id, field } };
  }

  /** A release of a reservation that still waits: it leaves the line, and its callers get their answer. */
  #released(caller: Caller, pool: Pool, id: string): Outcome | undefined {
    if (pool.remembered.has(id)) return undefined;
    const waiter = this.#queue.find(id);
    if (waiter === undefined || (caller.agent !== null && caller.agent !== waiter.command.agent)) return undefined;
    this.#queue.dismiss((_, one) => (one === waiter ? releasedInLine(id) : undefined));
    const nothing = { granted: 0, consumed: 0, overage: 0, transfers: [], late: false };
    const agent = viewNamed(pool, waiter.command.agent);
    return { ok: true, result: { id, state: "released", ...nothing, seq: pool.seq, agent } };
  }

  /** Takes those out of the line that are answered now. They get their answers once `events` are persisted. */
  serve(pool: Pool, now: number, events: PoolEvent[]): Resolution[] {
    if (events.some(({ type }) => type === "registered")) {
      this.#queue.reorder((agent) => pool.agents.get(agent)?.contract.priority);
    }
    this.#queue.dismiss(({ keyExpiresAt }) => (keyExpiresAt <= now ? keyExpired : undefined));
    const served = this.#queue.serve((waiter) => {
      const { command } = waiter;
      if (!lacksOnlyBudget(pool, command, now)) return execute(pool, command, now, events);
      // The last call of it gives up: the refusal is the pool's answer now. Others of it go on waiting.
      const isLast = [...waiter.calls].every(({ until }) => hasTimedOut(until, now));
      return isLast ? execute(pool, command, now, events) : undefined;
    });
    const givenUp = this.#queue.take(({ until }, { command }) =>
      hasTimedOut(until, now) ? refusalOf(pool, command, now) : undefined,
    );
    if (served.length > 0) {
      this.#host.noteRefusals(
        served.map(({ waiter }) => waiter.command),
        served.map(({ outcome }) => outcome),
      );
    }
    return [...served.map(({ waiter, outcome }) => ({ call: waiter, outcome })), ...givenUp];
  }

  /** Answers the calls whose key is revoked now. */
  dismissKeys(isRevoked: (keyId: string) => boolean): void {
    this.#queue.dismiss(({ keyId }) => (keyId !== null && isRevoked(keyId) ? keyRevoked : undefined));
    this.arrangeTimer();
  }

  /** The pool is gone: every call is answered. */
  end(): void {
    this.#queue.dismiss(() => poolGone);
    clearTimeout(this.#timer);
  }

  /** What was delivered is not stored: every call fails. */
  fail(error: Error): void {
    this.#queue.clear(error);
    clearTimeout(this.#timer);
  }

  /** A timer runs only while calls wait; it would keep the object awake, and billed. */
  arrangeTimer(): void {
    clearTimeout(this.#timer);
    const until = this.#queue.nextUntil;
    if (until === undefined) return;
    const at = Math.min(until, this.#host.peek(nextDue));
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(0, at - this.#host.clock()));
  }

  #onTimer(): void {
    this.#host.deliver((pool, now, events) => applyDue(pool, now, events), true);
    this.arrangeTimer();
  }
}

/** Whether a call has waited long enough. None waits longer than the limit, but where the clock was put back. */
function hasTimedOut(until: number, now: number): boolean {
  return until <= now || until > now + limits.waitMs;
}

/** What a reserve that only lacks budget is refused with, without counting or journaling it. */
function refusalOf(pool: Pool, command: ReserveCommand, now: number): Outcome | undefined {
  const decision = decide(pool, command, now);
  return "refusal" in decision ? { ok: false, refusal: decision.refusal } : undefined;
}

/** The answer to a call that waited for a reservation which was given up before it was granted. */
export function releasedInLine(id: string): Outcome {
  return { ok: false, refusal: { code: "reservation_settled", id, state: "released", consumed: 0 } };
}

const tooManyCalls: Outcome = {
  ok: false,
  refusal: { code: "limit_reached", limit: "waitersPerReservation", maximum: limits.waitersPerReservation },
};
const keyRevoked: Outcome = { ok: false, refusal: { code: "key_revoked" } };
const keyExpired: Outcome = { ok: false, refusal: { code: "key_expired" } };
const poolGone: Outcome = { ok: false, refusal: { code: "pool_not_found" } };
