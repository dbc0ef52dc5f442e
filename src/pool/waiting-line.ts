/**
 * The waiting line: reserves that lack only budget wait in it, and are granted in the same delivery in which budget comes
 * free. The queue itself is in `wait-queue.ts`; here is decided when a call joins it, when it is served, and when it gives up.
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

/** What the line needs of the pool. */
export type WaitingLineHost = {
  readonly clock: () => number;
  /** Runs one delivery, without a pause; with `serve`, the line is served although no event of it frees budget. */
  readonly deliver: <T>(work: (pool: Pool, now: number, events: PoolEvent[]) => T, serve?: boolean) => T;
  /** Reads the pool as it is. */
  readonly peek: <T>(look: (pool: Pool) => T) => T;
  readonly noteRefusals: (commands: readonly Command[], outcomes: readonly Outcome[]) => void;
  /** Resolves when everything delivered before is stored. */
  readonly persisted: () => Promise<void>;
};

export class WaitingLine {
  readonly #host: WaitingLineHost;
  readonly #queue = new WaitQueue();
  /** Tickets of calls whose callers hung up before the calls arrived. */
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
      // A caller that reconnects keeps its place in line.
      return waiting.size >= limits.waitersPerReservation ? tooManyCalls : this.#wait(command, waiting.priority, visit);
    }
    const outcome = this.#host.deliver((pool, now, events) => {
      applyDue(pool, now, events);
      // A caller that waits is not refused yet: no refusal is counted or journaled until it gives up.
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

  /** Whether the caller of this call hung up before the call arrived. True once for each ticket. */
  hasLeft(ticket: string): boolean {
    return this.#gone.delete(ticket);
  }

  #wait(command: ReserveCommand, priority: number, visit: WaitingCall): Promise<Outcome> {
    const outcome = this.#queue.join(command, priority, visit);
    this.arrangeTimer();
    return outcome;
  }

  /** The caller has hung up: its call leaves the line. Budget must not be granted to a caller that can't spend it. */
  leave(id: string, ticket: string): void {
    if (this.#queue.leave(id, ticket, releasedInLine(id))) return this.arrangeTimer();
    // The hang-up overtook the call; `hasLeft` refuses the call when it arrives.
    this.#gone.add(ticket);
    const [oldest] = this.#gone;
    if (this.#gone.size > limits.waiters && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** The outcome of a command about a reservation that waits in line; undefined for any other command. */
  outcomeOf(caller: Caller, pool: Pool, command: Command): Outcome | undefined {
    if (this.#queue.size === 0) return undefined;
    if (command.op === "reserve") return this.#unlikeTheWaiting(command);
    return command.op === "release" ? this.#released(caller, pool, command.id) : undefined;
  }

  /** The refusal of a reserve whose idempotency key waits in line with other content. */
  #unlikeTheWaiting(command: ReserveCommand): Outcome | undefined {
    const waiting = this.#queue.find(command.id);
    if (waiting === undefined || waiting.command.unit !== command.unit) return undefined;
    const field = reserveDifference(waiting.command, command);
    return field === undefined ? undefined : { ok: false, refusal: { code: "id_reused", id: command.id, field } };
  }

  /** The release of a reservation that still waits: it leaves the line, and all its calls are answered. */
  #released(caller: Caller, pool: Pool, id: string): Outcome | undefined {
    if (pool.remembered.has(id)) return undefined;
    const waiter = this.#queue.find(id);
    if (waiter === undefined || (caller.agent !== null && caller.agent !== waiter.command.agent)) return undefined;
    this.#queue.dismiss((_, one) => (one === waiter ? releasedInLine(id) : undefined));
    const nothing = { granted: 0, consumed: 0, overage: 0, transfers: [], late: false };
    const agent = viewNamed(pool, waiter.command.agent);
    return { ok: true, result: { id, state: "released", ...nothing, seq: pool.seq, agent } };
  }

  /** Grants and dismisses what can be answered now. The caller resolves the calls once `events` are persisted. */
  serve(pool: Pool, now: number, events: PoolEvent[]): Resolution[] {
    if (events.some(({ type }) => type === "registered")) {
      this.#queue.reorder((agent) => pool.agents.get(agent)?.contract.priority);
    }
    this.#queue.dismiss(({ keyExpiresAt }) => (keyExpiresAt <= now ? keyExpired : undefined));
    const served = this.#queue.serve((waiter) => {
      const { command } = waiter;
      if (!lacksOnlyBudget(pool, command, now)) return execute(pool, command, now, events);
      // Once all its calls have timed out, the reservation gets the refusal that it would get now.
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

  /** Refuses the calls whose key is revoked now. */
  dismissKeys(isRevoked: (keyId: string) => boolean): void {
    this.#queue.dismiss(({ keyId }) => (keyId !== null && isRevoked(keyId) ? keyRevoked : undefined));
    this.arrangeTimer();
  }

  /** The pool was deleted: every call is refused. */
  end(): void {
    this.#queue.dismiss(() => poolGone);
    clearTimeout(this.#timer);
  }

  /** A flush failed: what calls were waiting on is in doubt, so every call fails and may be repeated. */
  fail(error: Error): void {
    this.#queue.clear(error);
    clearTimeout(this.#timer);
  }

  /** Sets the timer for the next timeout or lease end. It runs only while calls wait, because it keeps the object awake and billed. */
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

/** Whether a call has timed out. An `until` beyond the longest wait is from before the clock was put back. */
function hasTimedOut(until: number, now: number): boolean {
  return until <= now || until > now + limits.waitMs;
}

/** The refusal that a reserve would get now; it is neither counted nor journaled. */
function refusalOf(pool: Pool, command: ReserveCommand, now: number): Outcome | undefined {
  const decision = decide(pool, command, now);
  return "refusal" in decision ? { ok: false, refusal: decision.refusal } : undefined;
}

/** The answer to a call whose reservation was released before it was granted. */
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
