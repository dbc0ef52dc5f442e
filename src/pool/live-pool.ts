/**
 * A pool in memory, kept equal to its journal. A delivery is decided and applied at once; its events join the pending
 * row, which is written as soon as the one before is safe; its answer waits for that flush, and so does every read
 * that could see them. Nobody is told what is not yet safe. If a flush fails, all who wait for it fail, and memory is
 * rebuilt before anything else.
 */
import { hashOf } from "../archive/chain.ts";
import { lacksOnlyBudget, reserveDifference } from "../engine/decisions/reservation.ts";
import { execute, settleDue } from "../engine/execute.ts";
import { nextLease, type Pool } from "../engine/state.ts";
import { bursar, type Caller } from "../protocol/caller.ts";
import type { Command, ReserveCommand } from "../protocol/commands.ts";
import type { JournalEvent, PoolEvent } from "../protocol/events.ts";
import type { LiveRefusal } from "../protocol/frames.ts";
import { limits } from "../protocol/limits.ts";
import type { Outcome, RefusalCounts } from "../protocol/results.ts";
import { append, toRows } from "./journal.ts";
import { type Memory, remember } from "./memory.ts";
import { keepNotices, noticesOf } from "./outbox.ts";
import { endsPeriod, keepPeriods } from "./periods.ts";
import { RefusalCounter } from "./refusal-counter.ts";
import { mayNotTouch } from "./rights.ts";
import { migrate, schemaVersion } from "./schema.ts";
import { isDue, writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";
import { type Errands, Upkeep } from "./upkeep.ts";
import { type Waiter, WaitingLine } from "./waiting.ts";

/** Alarms are set at multiples of this: one row for all that ends within it. */
const alarmGridMs = 30_000;

/** Thrown to everybody whose delivery was in a batch that could not be stored. */
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
  /** Nobody, unless `listen` was called. */
  #listener: Listener | undefined;
  readonly #refusals = new RefusalCounter();
  #memory: Memory | undefined;
  #batch: Batch | undefined;
  /** When the alarm will run; undefined when that is not known (after waking or a failure). */
  #alarmAt: number | undefined;
  readonly #upkeep: Upkeep;
  #isInAlarm = false;
  #isRebuilt = false;
  readonly #line = new WaitingLine();
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
    const outcomes = this.#deliver((pool, now, events) =>
      commands.map((command) => executeFor(caller, pool, command, now, events)),
    );
    this.#noteRefusals(commands, outcomes);
    await this.#batch?.persisted;
    return outcomes;
  }

  /** Reserves; if refused for budget, waits in line up to `waitMs` for budget to come free. */
  async reserve(command: ReserveCommand, waitMs: number, caller: Caller = bursar): Promise<Outcome> {
    const waiting = this.#line.find(command.id);
    if (waiting !== undefined && waiting.command.unit === command.unit) {
      const field = reserveDifference(waiting.command, command);
      if (field !== undefined) return { ok: false, refusal: { code: "id_reused", id: command.id, field } };
      // Whoever comes back to wait waits in its old place; whoever only asks is answered now.
      if (waitMs > 0) return waiting.outcome;
    }
    const outcome = this.#deliver((pool, now, events) => {
      if (waitMs > 0) settleDue(pool, now, events);
      // Whoever will wait is not refused yet: nothing is counted or journaled until it gives up.
      return waitMs > 0 && pool.settings !== null && lacksOnlyBudget(pool, command, now)
        ? undefined
        : executeFor(caller, pool, command, now, events);
    });
    if (outcome !== undefined) {
      this.#noteRefusals([command], [outcome]);
      await this.#batch?.persisted;
      return outcome;
    }
    if (this.#line.size >= limits.waiters) {
      return { ok: false, refusal: { code: "limit_reached", limit: "waiters", maximum: limits.waiters } };
    }
    const priority = this.#current.pool.agents.get(command.agent)?.contract.priority ?? 0;
    const waiter = this.#line.join(command, caller.key_id, priority, this.#clock() + waitMs);
    this.#arrangeTimer();
    return waiter.outcome;
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

  /** Reads the pool as it is, persisted or not: for what is no promise to anybody. */
  peek<T>(look: (pool: Pool) => T): T {
    return look(this.#current.pool);
  }

  /** Sends away those in line whose key is revoked now. */
  dismiss(isRevoked: (keyId: string) => boolean): void {
    const sent = this.#line.serve(({ keyId }) => (keyId !== null && isRevoked(keyId) ? keyRevoked : undefined));
    for (const { waiter, outcome } of sent) waiter.settle(outcome);
    this.#arrangeTimer();
  }

  /** The memory, once all that was delivered before is persisted; compare `persistedSeq` for what came since. */
  async settled(): Promise<Memory> {
    while (this.#batch !== undefined) await this.#batch.persisted;
    return this.#current;
  }

  /**
   * The alarm: ends what is due, runs the errands that are due, and says when it is needed next.
   */
  async alarm(errands: Errands): Promise<void> {
    this.#alarmAt = undefined;
    this.#isInAlarm = true;
    try {
      await this.read(() => undefined);
      await this.#upkeep.run(this.#current.pool.settings, errands);
    } finally {
      this.#isInAlarm = false;
    }
    await this.#arrangeAlarm();
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
   * Forgets the pool and everything stored; whoever waits in line learns that it is gone. With open reservations only
   * when `force`d: their calls are still running. Returns how many stand in the way.
   */
  async remove(force: boolean): Promise<number> {
    // No pause between the last of these and the deletion, or a delivery would slip in and be written after it.
    while (this.#batch !== undefined) await this.#batch.persisted;
    const { open } = this.#current.pool;
    if (open > 0 && !force) return open;
    this.#upkeep.forget();
    const deleted = this.#storage.deleteAll();
    // Storage is empty from this moment; whatever is delivered while the call is under way meets no pool.
    this.#memory = undefined;
    this.#alarmAt = undefined;
    this.#refusals.clear();
    for (const { waiter } of this.#line.serve(() => poolGone)) waiter.settle(poolGone);
    this.#arrangeTimer();
    await deleted;
    return 0;
  }

  /**
   * Fills the storage of a pool that does not exist, by `fill`, and sets its alarm. Meanwhile nothing else is let at it:
   * whoever comes is told to come again. Where `fill` throws, nothing is left of what it wrote.
   */
  async rebuild<T>(fill: () => Promise<T>): Promise<T> {
    while (this.#batch !== undefined) await this.#batch.persisted;
    this.#isRebuilt = true;
    let filled: T;
    try {
      filled = await fill();
    } catch (error) {
      await this.#storage.deleteAll();
      throw error;
    } finally {
      this.#isRebuilt = false;
      this.#upkeep.forget();
      this.#memory = undefined;
      this.#alarmAt = undefined;
    }
    await this.#arrangeAlarm();
    return filled;
  }

  /** Which of the pools that have had this name since waking it is. */
  get life(): number {
    return this.#upkeep.life;
  }

  get #current(): Memory {
    this.#memory ??= remember(this.#storage);
    return this.#memory;
  }

  /**
   * One turn, without a pause: decide and apply, then give what came free to those in line. An exception in here is
   * a defect of ours and leaves memory in doubt: all of the batch is given up, and memory is read again.
   */
  #deliver<T>(turn: (pool: Pool, now: number, events: PoolEvent[]) => T, serve = false): T {
    if (this.#isRebuilt) throw new NotPersistedError("the pool is being restored; the same request may be repeated");
    const events: PoolEvent[] = [];
    try {
      const { pool } = this.#current;
      const now = this.#clock();
      const result = turn(pool, now, events);
      const served =
        this.#line.size > 0 && (serve || events.some(mayFreeBudget)) ? this.#serveLine(pool, now, events) : [];
      for (const event of events) if (event.type === "closed") this.#refusals.forget(event.agent);
      const persisted = this.#persist(events);
      for (const { waiter, outcome } of served) persisted.then(() => waiter.settle(outcome), waiter.fail);
      // Leases that began or moved since may end sooner than the timer was set for.
      if (served.length > 0 || (this.#line.size > 0 && events.length > 0)) this.#arrangeTimer();
      return result;
    } catch (cause) {
      this.#giveUp(cause);
      throw cause;
    }
  }

  #serveLine(pool: Pool, now: number, events: PoolEvent[]): { waiter: Waiter; outcome: Outcome }[] {
    const served = this.#line.serve(({ command, until }) =>
      until > now && lacksOnlyBudget(pool, command, now) ? undefined : execute(pool, command, now, events),
    );
    if (served.length > 0) {
      this.#noteRefusals(
        served.map(({ waiter }) => waiter.command),
        served.map(({ outcome }) => outcome),
      );
    }
    return served;
  }

  #noteRefusals(commands: readonly Command[], outcomes: readonly Outcome[]): void {
    const refused = this.#refusals.note(this.#current.pool, commands, outcomes, this.#clock());
    if (refused.length > 0) this.#listener?.refused(refused);
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
    // A batch that only ends leases has nobody who waits for it; its failure must not go unhandled.
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
    const error = new NotPersistedError("nothing was stored; the same request may be repeated", { cause });
    if (this.#batch !== undefined) this.#batch.failure = error;
    this.#batch = undefined;
    this.#memory = undefined;
    this.#alarmAt = undefined;
    this.#line.dismiss(error);
    clearTimeout(this.#timer);
    return error;
  }

  /** One row is one statement and atomic by itself; anything more goes into a transaction. */
  #write(memory: Memory, events: readonly PoolEvent[]): void {
    if (memory.persistedSeq === 0) migrate(this.#storage);
    const rows = toRows(events, memory.persistedSeq + 1, memory.head);
    const last = rows.at(-1);
    if (last === undefined) return;
    const head = hashOf(last);
    const length = rows.reduce((sum, row) => sum + row.events.length, 0);
    const tailLength = memory.tailLength + length;
    const snapshotDue = isDue(tailLength, memory.snapshotLength);
    const periods = events.filter(endsPeriod);
    const notices = noticesOf(memory.pool, events, memory.persistedSeq + 1).filter(({ type }) =>
      this.#upkeep.isWanted(type),
    );
    const appendAll = (): void => {
      for (const row of rows) append(this.#storage, row);
      keepPeriods(this.#storage, periods);
      keepNotices(this.#storage, notices);
    };
    if (snapshotDue) {
      memory.snapshotLength = this.#storage.transactionSync(() => {
        appendAll();
        return writeSnapshot(this.#storage, memory.pool, head);
      });
    } else if (rows.length + periods.length + notices.length > 1) {
      this.#storage.transactionSync(appendAll);
    } else {
      appendAll();
    }
    memory.head = head;
    memory.persistedSeq = last.last_seq;
    memory.tailLength = snapshotDue ? 0 : tailLength;
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

  /** A timer runs only while somebody waits; it would keep the object awake, and billed. */
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

const keyRevoked: Outcome = { ok: false, refusal: { code: "key_revoked" } };
const poolGone: Outcome = { ok: false, refusal: { code: "pool_not_found" } };

/** Whether somebody in line might now be granted what was refused before. */
function mayFreeBudget(event: PoolEvent): boolean {
  switch (event.type) {
    case "configured":
    case "funded":
    case "registered":
    case "closing":
    case "closed":
    case "reopened":
    case "resumed":
    // A pause frees nothing, but ends the waiting of whom it stops.
    case "paused":
    case "reset":
    case "period_started":
    case "agent_period_started":
    case "committed":
    case "released":
    case "expired":
    case "recorded":
    case "reallocated":
      return true;
    case "reserved":
    case "extended":
    case "warned":
    case "refused":
      return false;
  }
}
