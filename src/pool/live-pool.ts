/**
 * A pool in memory, kept equal to its journal. A delivery is decided and applied at once; its events join the pending
 * row, which is written as soon as the one before is safe; its answer waits for that flush, and so does every read
 * that could see them. No caller is told what is not yet safe. If a flush fails, every delivery that waits for it fails, and memory is
 * rebuilt before anything else.
 */
import { lacksOnlyBudget, reserveDifference } from "../engine/decisions/reservation.ts";
import { decide, execute, settleDue } from "../engine/execute.ts";
import { viewNamed } from "../engine/results.ts";
import { nextLease, type Pool } from "../engine/state.ts";
import { bursar, type Caller } from "../protocol/caller.ts";
import type { Command, Outcome } from "../protocol/commands.ts";
import { eventTraits, type PoolEvent } from "../protocol/events.ts";
import type { LiveRefusal } from "../protocol/frames.ts";
import type { JournalEvent } from "../protocol/journal.ts";
import { limits } from "../protocol/limits.ts";
import type { RefusalCounts } from "../protocol/pool.ts";
import type { ReserveCommand } from "../protocol/reservation.ts";
import { shareOf } from "../protocol/share.ts";
import { isSpendingStopped, spendingStopped } from "../protocol/spending-stop.ts";
import type { ReallocationResult } from "../protocol/usage.ts";
import { DamagedError, keepPause, keptPause } from "./damage.ts";
import { noteHead } from "./journal.ts";
import { loadPool, type Memory } from "./memory.ts";
import { noticesOf } from "./outbox.ts";
import { RefusalCounter } from "./refusal-counter.ts";
import { mayNotTouch } from "./rights.ts";
import { migrate, schemaVersion } from "./schema.ts";
import type { PoolStorage } from "./storage.ts";
import { writeBatch } from "./store.ts";
import { type Errands, Upkeep } from "./upkeep.ts";
import { type Answered, type Visit, WaitingLine } from "./waiting.ts";

/** Alarms are set at multiples of this: one row for all that ends within it. */
const alarmGridMs = 30_000;

/** Thrown to the caller of each delivery in a batch that could not be stored. */
export class NotPersistedError extends Error {
  override readonly name = "NotPersistedError";
}

/** Who is told what happens in a pool. */
export type Listener = {
  /** Events that have just been persisted. */
  readonly persisted: (events: readonly JournalEvent[]) => void;
  /** Commands that were refused. Not persisted, and not waited for. */
  readonly refused: (refusals: readonly LiveRefusal[]) => void;
};

/** Events of one row to be, and those who wait for it. */
type Batch = { readonly events: PoolEvent[]; readonly persisted: Promise<void>; failure?: Error };

export class LivePool {
  readonly #storage: PoolStorage;
  readonly #clock: () => number;
  /** Undefined unless `listen` was called. */
  #listener: Listener | undefined;
  readonly #refusals = new RefusalCounter();
  #memory: Memory | undefined;
  /** Why the pool can't be read, once that was tried: it is not tried again for every request. */
  #damage: DamagedError | undefined;
  #batch: Batch | undefined;
  /** When the alarm will run; undefined when that is not known (after waking or a failure). */
  #alarmAt: number | undefined;
  /** The last event that the journal's end was noted at, since waking. */
  #notedSeq = 0;
  readonly #upkeep: Upkeep;
  #isInAlarm = false;
  #isRebuilt = false;
  readonly #line = new WaitingLine();
  /** Tickets of calls that were left before they came. */
  readonly #gone = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `clock` gives milliseconds since 1970; `isArchived`: there is an archive that the journal is shipped to. */
  constructor(storage: PoolStorage, clock: () => number = () => Date.now(), isArchived = false) {
    this.#storage = storage;
    this.#clock = clock;
    this.#upkeep = new Upkeep(storage, clock, isArchived);
  }

  listen(listener: Listener): void {
    this.#listener = listener;
  }

  /** How often agents were refused since the pool woke. */
  refusals(): RefusalCounts {
    return this.#refusals.counts();
  }

  /** How many reserves wait in line. */
  waiting(): number {
    return this.#line.size;
  }

  /** Runs commands in order, each with its own outcome; resolves when their effects are persisted. */
  async run(commands: readonly Command[], caller: Caller = bursar): Promise<Outcome[]> {
    const damaged = this.#damagedOutcome();
    if (damaged !== undefined) return commands.map((command) => this.#pauseDamaged(command) ?? damaged);
    let length = 0;
    const outcomes = this.#deliver((pool, now, events) =>
      commands.map((command) => {
        // Not run: its answer could not be given any more.
        if (length > limits.answersLength) return answersTooLong;
        const outcome = this.#leaveLine(caller, pool, command) ?? executeFor(caller, pool, command, now, events);
        length += lengthOf(outcome);
        return outcome;
      }),
    );
    this.#noteRefusals(commands, outcomes);
    await this.#batch?.persisted;
    return outcomes;
  }

  /**
   * Reserves; if refused for budget, waits in line up to `waitMs` for budget to come free. `ticket` names the call for
   * `leave`, where its caller may go before it is answered.
   */
  async reserve(
    command: ReserveCommand,
    waitMs: number,
    caller: Caller = bursar,
    ticket: string = crypto.randomUUID(),
  ): Promise<Outcome> {
    const damaged = this.#damagedOutcome();
    if (damaged !== undefined) return damaged;
    if (this.#gone.delete(ticket)) return releasedInLine(command.id);
    const visit: Visit = {
      ticket,
      keyId: caller.key_id,
      keyExpiresAt: caller.expires_at ?? Number.POSITIVE_INFINITY,
      until: this.#clock() + waitMs,
    };
    const waiting = this.#line.find(command.id);
    if (waiting !== undefined && waiting.command.unit === command.unit) {
      const field = reserveDifference(waiting.command, command);
      if (field !== undefined) return { ok: false, refusal: { code: "id_reused", id: command.id, field } };
      // A caller that comes back to wait waits in its old place; one that only asks is answered now.
      if (waitMs > 0) {
        if (waiting.size >= limits.waitersPerReservation) return tooManyCalls;
        return this.#wait(command, waiting.priority, visit);
      }
    }
    const outcome = this.#deliver((pool, now, events) => {
      if (waitMs > 0) settleDue(pool, now, events);
      // A caller that will wait is not refused yet: nothing is counted or journaled until it gives up.
      return waitMs > 0 && pool.settings !== null && lacksOnlyBudget(pool, command, now)
        ? undefined
        : executeFor(caller, pool, command, now, events);
    });
    if (outcome !== undefined) {
      this.#noteRefusals([command], [outcome]);
      await this.#batch?.persisted;
      return outcome;
    }
    const own = this.#line.sizeOf(command.agent);
    const share = shareOf(limits.waiters, this.#line.size - own);
    if (own + 1 > share) {
      const limit =
        own === 0 ? { limit: "waiters", maximum: limits.waiters } : { limit: "waitersPerAgent", maximum: share };
      return { ok: false, refusal: { code: "limit_reached", ...limit } };
    }
    const priority = this.#current.pool.agents.get(command.agent)?.contract.priority ?? 0;
    return this.#wait(command, priority, visit);
  }

  #wait(command: ReserveCommand, priority: number, visit: Visit): Promise<Outcome> {
    const outcome = this.#line.join(command, priority, visit);
    this.#arrangeTimer();
    return outcome;
  }

  /** The caller of a call that waits has gone: the call leaves the line, and its reservation is not granted. */
  leave(id: string, ticket: string): void {
    if (this.#line.leave(id, ticket, releasedInLine(id))) return this.#arrangeTimer();
    // It has not come yet: its caller was quicker than the call.
    this.#gone.add(ticket);
    const [oldest] = this.#gone;
    if (this.#gone.size > limits.waiters && oldest !== undefined) this.#gone.delete(oldest);
  }

  /** A release of a reservation that still waits: it leaves the line, and its callers are told. */
  #leaveLine(caller: Caller, pool: Pool, command: Command): Outcome | undefined {
    if (command.op !== "release" || this.#line.size === 0 || pool.remembered.has(command.id)) return undefined;
    const waiter = this.#line.find(command.id);
    if (waiter === undefined || (caller.agent !== null && caller.agent !== waiter.command.agent)) return undefined;
    const { id, agent } = waiter.command;
    this.#line.dismiss((_, one) => (one === waiter ? releasedInLine(id) : undefined));
    const nothing = { granted: 0, consumed: 0, overage: 0, transfers: [], late: false };
    return { ok: true, result: { id, state: "released", ...nothing, seq: pool.seq, agent: viewNamed(pool, agent) } };
  }

  /** Reads the pool once what was delivered before is persisted. `look` must not keep or change what it is given. */
  async read<T>(look: (pool: Pool) => T): Promise<T> {
    const result = this.#deliver((pool, now, events) => {
      settleDue(pool, now, events);
      return look(pool);
    });
    await this.#batch?.persisted;
    return result;
  }

  /** Why the pool can't be read; undefined if it can. */
  get damage(): DamagedError | undefined {
    if (this.#memory === undefined && this.#damage === undefined) {
      try {
        this.#memory = loadPool(this.#storage);
      } catch (error) {
        if (!(error instanceof DamagedError)) throw error;
        this.#damage = error;
      }
    }
    return this.#damage;
  }

  /** A damaged pool can be paused, as a whole: it is then paused when it comes back. */
  #pauseDamaged(command: Command): Outcome | undefined {
    if ((command.op !== "pause" && command.op !== "resume") || command.agent !== null) return undefined;
    if (this.#isRebuilt) throw beingRestored();
    const paused = command.op === "pause";
    keepPause(this.#storage, paused);
    return { ok: true, result: { seq: 0, paused, agent: null } };
  }

  #damagedOutcome(): Outcome | undefined {
    return this.damage === undefined ? undefined : { ok: false, refusal: this.damage.refusal };
  }

  /** Reads the pool as it is, persisted or not: for figures that promise nothing. */
  peek<T>(look: (pool: Pool) => T): T {
    return look(this.#current.pool);
  }

  /** Sends away the calls in line whose key is revoked now. */
  dismiss(isRevoked: (keyId: string) => boolean): void {
    this.#line.dismiss(({ keyId }) => (keyId !== null && isRevoked(keyId) ? keyRevoked : undefined));
    this.#arrangeTimer();
  }

  /** The memory, once all that was delivered before is persisted; compare `persistedSeq` for what came since. */
  async settled(): Promise<Memory> {
    while (this.#batch !== undefined) await this.#batch.persisted;
    return this.#current;
  }

  /**
   * Resolves when the row that is being written is safe, and what has arrived meanwhile was let in: by a timer, for the
   * runtime looks for what arrives only when nothing else is ready, and a row that is safe at once leaves it no moment.
   */
  async flushed(): Promise<void> {
    await this.#batch?.persisted;
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  /**
   * The alarm: ends what is due, runs the errands that are due, and says when it is needed next.
   */
  async alarm(errands: Errands): Promise<void> {
    this.#alarmAt = undefined;
    // What is damaged has nothing that ends, and its journal is left as it is.
    if (this.damage !== undefined) return;
    this.#isInAlarm = true;
    try {
      await this.read(() => undefined);
      this.#noteHead();
      await this.#upkeep.run(this.#current.pool.settings, errands);
    } finally {
      this.#isInAlarm = false;
    }
    await this.#arrangeAlarm();
  }

  /** Notes how far the journal goes, apart from it: an alarm costs a row anyway. */
  #noteHead(): void {
    const { persistedSeq, head } = this.#current;
    if (persistedSeq === 0 || persistedSeq === this.#notedSeq) return;
    try {
      noteHead(this.#storage, persistedSeq, head);
      this.#notedSeq = persistedSeq;
    } catch {
      // A note that is older misses rows that are younger, no more.
    }
  }

  /** After waking, `at` is the time of the alarm that is set, or null. */
  async alarmIsAt(at: number | null): Promise<void> {
    // An overdue alarm has been seen never to run (cloudflare-docs #18324): it counts as none.
    if (at !== null && at > this.#clock()) this.#alarmAt = at;
    if (schemaVersion(this.#storage) === 0) return;
    migrate(this.#storage);
    if (this.#upkeep.wake()) await this.#arrangeAlarm();
  }

  /**
   * Forgets the pool and everything stored; callers in line are told that it is gone. With open reservations only
   * when `force`d: their calls are still running. Returns how many stand in the way. Reads nothing when forced: a pool
   * that can't be read can be deleted.
   */
  async remove(force: boolean): Promise<number> {
    // No pause between the last of these and the deletion, or a delivery would slip in and be written after it.
    while (this.#batch !== undefined) await this.#batch.persisted.catch(() => undefined);
    if (!force) {
      const { open } = this.#current.pool;
      if (open > 0) return open;
    }
    this.#upkeep.forget();
    const deleted = this.#storage.deleteAll();
    // Storage is empty from this moment; whatever is delivered while the call is under way meets no pool.
    this.#forgetMemory();
    this.#refusals.clear();
    this.#line.dismiss(() => poolGone);
    clearTimeout(this.#timer);
    await deleted;
    return 0;
  }

  /**
   * Fills the storage of a pool that does not exist, or is damaged, by `fill`, and sets its alarm. Meanwhile deliveries
   * are refused as `unavailable`. Where `fill` throws, nothing is left of what it wrote. A pool that was paused while it
   * was damaged is paused once it is filled.
   */
  async rebuild<T>(fill: () => Promise<T>): Promise<T> {
    while (this.#batch !== undefined) await this.#batch.persisted.catch(() => undefined);
    this.#isRebuilt = true;
    const isPaused = keptPause(this.#storage);
    let filled: T;
    try {
      if (this.#damage !== undefined || isPaused) await this.#storage.deleteAll();
      filled = await fill();
    } catch (error) {
      await this.#storage.deleteAll();
      if (isPaused) keepPause(this.#storage, true);
      throw error;
    } finally {
      this.#isRebuilt = false;
      this.#upkeep.forget();
      this.#forgetMemory();
    }
    if (isPaused) await this.run([{ op: "pause", agent: null }]);
    await this.#arrangeAlarm();
    return filled;
  }

  /** Which of the pools that have had this name since waking it is. */
  get life(): number {
    return this.#upkeep.life;
  }

  get #current(): Memory {
    const { damage } = this;
    if (damage !== undefined) throw damage;
    if (this.#memory === undefined) throw new Error("a pool that is not damaged has a memory");
    return this.#memory;
  }

  #forgetMemory(): void {
    this.#memory = undefined;
    this.#damage = undefined;
    this.#notedSeq = 0;
    this.#alarmAt = undefined;
  }

  /**
   * One turn, without a pause: decide and apply, then give what came free to those in line. An exception in here is
   * a defect of ours and leaves memory in doubt: all of the batch is given up, and memory is read again.
   */
  #deliver<T>(turn: (pool: Pool, now: number, events: PoolEvent[]) => T, serve = false): T {
    if (this.#isRebuilt) throw beingRestored();
    const { pool } = this.#current;
    const events: PoolEvent[] = [];
    try {
      const now = this.#clock();
      const result = turn(pool, now, events);
      const served =
        this.#line.size > 0 && (serve || events.some(({ type }) => eventTraits[type].freesBudget))
          ? this.#serveLine(pool, now, events)
          : [];
      for (const event of events) if (event.type === "closed") this.#refusals.forget(event.agent);
      const persisted = this.#persist(events);
      for (const { call, outcome } of served) {
        persisted.then(
          () => call.resolve(outcome),
          (reason: unknown) => call.reject(reason),
        );
      }
      // Leases that began or moved since may end sooner than the timer was set for.
      if (served.length > 0 || (this.#line.size > 0 && events.length > 0)) this.#arrangeTimer();
      return result;
    } catch (cause) {
      this.#giveUp(cause);
      throw cause;
    }
  }

  /** Takes those out of the line that are answered now. They are told once `events` are persisted. */
  #serveLine(pool: Pool, now: number, events: PoolEvent[]): Answered[] {
    if (events.some(({ type }) => type === "registered")) {
      this.#line.reorder((agent) => pool.agents.get(agent)?.contract.priority);
    }
    this.#line.dismiss(({ keyExpiresAt }) => (keyExpiresAt <= now ? keyExpired : undefined));
    const served = this.#line.serve((waiter) => {
      const { command } = waiter;
      if (!lacksOnlyBudget(pool, command, now)) return execute(pool, command, now, events);
      // The last call of it gives up: the refusal is the pool's answer now. Others of it go on waiting.
      const isLast = [...waiter.calls].every(({ until }) => isOver(until, now));
      return isLast ? execute(pool, command, now, events) : undefined;
    });
    const givenUp = this.#line.take(({ until }, { command }) =>
      isOver(until, now) ? refusalOf(pool, command, now) : undefined,
    );
    if (served.length > 0) {
      this.#noteRefusals(
        served.map(({ waiter }) => waiter.command),
        served.map(({ outcome }) => outcome),
      );
    }
    return [...served.map(({ waiter, outcome }) => ({ call: waiter, outcome })), ...givenUp];
  }

  #noteRefusals(commands: readonly Command[], outcomes: readonly Outcome[]): void {
    const refused = this.#refusals.note(this.#current.pool, commands, outcomes, this.#clock());
    if (refused.length > 0) this.#listener?.refused(refused.slice(0, limits.refusalsShown));
  }

  /** Adds events to the pending batch, which all deliveries share that come before its flush. Resolves when they are stored. */
  #persist(events: readonly PoolEvent[]): Promise<void> {
    if (events.length > 0) this.#batch ??= this.#newBatch();
    this.#batch?.events.push(...events);
    return this.#batch?.persisted ?? Promise.resolve();
  }

  #newBatch(): Batch {
    // Resolves when earlier writes are safe. Whatever is delivered until then shares this batch's row: the slower the
    // disk, the fewer the rows. A lone delivery waits for nothing. (A timer would cost it a millisecond.)
    const persisted = this.#storage.sync().then(
      () => this.#flush(batch),
      (cause: unknown) => {
        throw this.#giveUp(cause);
      },
    );
    const batch: Batch = { events: [], persisted };
    // No delivery waits for a batch that only ends leases; its failure must not go unhandled.
    persisted.catch(() => undefined);
    return batch;
  }

  async #flush(batch: Batch): Promise<void> {
    if (this.#batch === batch) this.#batch = undefined;
    if (batch.failure !== undefined) throw batch.failure;
    const first = this.#current.persistedSeq + 1;
    try {
      this.#write(this.#current, batch.events);
    } catch (cause) {
      throw this.#giveUp(cause);
    }
    this.#listener?.persisted(batch.events.map((event, index) => ({ seq: first + index, ...event })));
    await this.#arrangeAlarm();
  }

  /** Nothing of the batch is stored, so nothing of it may stay in memory either. */
  #giveUp(cause: unknown): NotPersistedError {
    const why = isSpendingStopped(cause) ? spendingStopped : "nothing was stored; the same request may be repeated";
    // In the message, for a cause is lost on the way to the edge.
    const error = new NotPersistedError(why, { cause });
    if (this.#batch !== undefined) this.#batch.failure = error;
    this.#batch = undefined;
    this.#forgetMemory();
    this.#line.clear(error);
    clearTimeout(this.#timer);
    return error;
  }

  #write(memory: Memory, events: readonly PoolEvent[]): void {
    const notices = noticesOf(memory.pool, events, memory.persistedSeq + 1).filter(({ type }) =>
      this.#upkeep.isWanted(type),
    );
    const length = writeBatch(this.#storage, memory, events, notices);
    this.#upkeep.wrote(memory.pool.settings, length, notices.length);
  }

  /** Sets the alarm only when none is set, or something ends before it: each one is a billed row. */
  async #arrangeAlarm(): Promise<void> {
    // An alarm that runs sets the next one when it is through.
    if (this.#isInAlarm) return;
    const due = nextDue(this.#current.pool);
    const dueAt = due === undefined ? Number.POSITIVE_INFINITY : Math.ceil(due / alarmGridMs) * alarmGridMs;
    const at = Math.min(dueAt, this.#upkeep.nextAt);
    if (!Number.isFinite(at)) return;
    if (this.#alarmAt !== undefined && this.#alarmAt <= at) return;
    this.#alarmAt = at;
    try {
      await this.#storage.setAlarm(at);
    } catch {
      // What was written stands, and leases end on time without it. The next flush tries again.
      this.#alarmAt = undefined;
    }
  }

  /** A timer runs only while calls wait; it would keep the object awake, and billed. */
  #arrangeTimer(): void {
    clearTimeout(this.#timer);
    const until = this.#line.nextUntil;
    if (until === undefined) return;
    const at = Math.min(until, nextDue(this.#current.pool) ?? until);
    this.#timer = setTimeout(() => this.#onTimer(), Math.max(0, at - this.#clock()));
  }

  #onTimer(): void {
    this.#deliver((pool, now, events) => settleDue(pool, now, events), true);
    this.#arrangeTimer();
  }
}

/** When a lease or a period ends next; undefined if none does. An idle pool without either needs no alarm. */
function nextDue(pool: Pool): number | undefined {
  const at = Math.min(nextLease(pool)?.expiresAt ?? Number.POSITIVE_INFINITY, pool.periodsEndAt);
  return Number.isFinite(at) ? at : undefined;
}

function executeFor(caller: Caller, pool: Pool, command: Command, now: number, events: PoolEvent[]): Outcome {
  const refusal = mayNotTouch(pool, caller, command);
  return refusal === undefined ? execute(pool, command, now, events) : { ok: false, refusal };
}

/** What a reserve that only lacks budget is refused with, without counting or journaling it. */
function refusalOf(pool: Pool, command: ReserveCommand, now: number): Outcome | undefined {
  const decision = decide(pool, command, now);
  return "refusal" in decision ? { ok: false, refusal: decision.refusal } : undefined;
}

/** Whether a call has waited long enough. None waits longer than the limit, but where the clock was put back. */
function isOver(until: number, now: number): boolean {
  return until <= now || until > now + limits.waitMs;
}

/** What a call is told that waited for a reservation which was given up before it was granted. */
function releasedInLine(id: string): Outcome {
  return { ok: false, refusal: { code: "reservation_settled", id, state: "released", consumed: 0 } };
}

function beingRestored(): NotPersistedError {
  return new NotPersistedError("the pool is being restored; the same request may be repeated");
}

/** Characters of what in an answer grows with the number of agents, at most. */
function lengthOf(outcome: Outcome): number {
  if (!outcome.ok) return 0;
  const { transfers = [], donors = [] } = outcome.result as Partial<ReallocationResult>;
  return 192 * transfers.length + 384 * donors.length;
}

const answersTooLong: Outcome = {
  ok: false,
  refusal: { code: "limit_reached", limit: "answersLength", maximum: limits.answersLength },
};
const tooManyCalls: Outcome = {
  ok: false,
  refusal: { code: "limit_reached", limit: "waitersPerReservation", maximum: limits.waitersPerReservation },
};
const keyRevoked: Outcome = { ok: false, refusal: { code: "key_revoked" } };
const keyExpired: Outcome = { ok: false, refusal: { code: "key_expired" } };
const poolGone: Outcome = { ok: false, refusal: { code: "pool_not_found" } };
