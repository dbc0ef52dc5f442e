/**
 * A pool in memory, kept equal to its journal (a write-ahead log). A delivery is decided and applied at once; its events join
 * the pending row, which is written as soon as the row before is safe (group commit). Its answer waits for that flush, and so
 * does every read that could see its events: no answer may rest on what a crash could still undo. If a flush fails, every
 * delivery that waits for it fails, and memory is rebuilt from storage before anything else.
 */
import { applyDue } from "../engine/execute.ts";
import type { Pool } from "../engine/state.ts";
import { type Caller, systemCaller } from "../protocol/caller.ts";
import type { Command, ExecuteOptions, Outcome } from "../protocol/commands.ts";
import { eventTraits, type PoolEvent } from "../protocol/events.ts";
import type { LiveRefusal } from "../protocol/frames.ts";
import type { JournalEvent } from "../protocol/journal.ts";
import { limits } from "../protocol/limits.ts";
import type { RefusalCounts } from "../protocol/pool.ts";
import type { ReallocationResult } from "../protocol/usage.ts";
import { DamagedError, keepPause, keptPause } from "./damage.ts";
import { nextDue } from "./due.ts";
import { GroupCommit, NotPersistedError } from "./group-commit.ts";
import { noteHead } from "./journal.ts";
import { loadPool, type Memory } from "./load-pool.ts";
import { Maintenance, type Tasks } from "./maintenance.ts";
import { notificationsOf } from "./outbox.ts";
import { PoolAlarm } from "./pool-alarm.ts";
import { RefusalCounter } from "./refusal-counter.ts";
import { executeFor } from "./rights.ts";
import { migrate, schemaVersion } from "./schema.ts";
import type { PoolStorage } from "./storage.ts";
import { writeBatch } from "./store.ts";
import { releasedInLine, WaitingLine } from "./waiting-line.ts";

/** Receives what happens in a pool. */
export type Listener = {
  /** Events that have just been persisted. */
  readonly persisted: (events: readonly JournalEvent[]) => void;
  /** Commands that were refused. They are not persisted. */
  readonly refused: (refusals: readonly LiveRefusal[]) => void;
};

export class LivePool {
  readonly #storage: PoolStorage;
  readonly #clock: () => number;
  /** Undefined unless `listen` was called. */
  #listener: Listener | undefined;
  readonly #refusals = new RefusalCounter();
  #memory: Memory | undefined;
  /** Why the pool can't be read. Kept, so that it is not read again for every request. */
  #damage: DamagedError | undefined;
  /** The last event that was noted as the journal's end, since waking. */
  #notedSeq = 0;
  readonly #commit: GroupCommit;
  readonly #line: WaitingLine;
  readonly #alarm: PoolAlarm;
  readonly #maintenance: Maintenance;
  #isRebuilt = false;

  /** `clock` gives milliseconds since 1970; `isArchived`: there is an archive that the journal is shipped to. */
  constructor(storage: PoolStorage, clock: () => number = () => Date.now(), isArchived = false) {
    this.#storage = storage;
    this.#clock = clock;
    this.#maintenance = new Maintenance(storage, clock, isArchived);
    this.#alarm = new PoolAlarm(storage);
    this.#commit = new GroupCommit(storage, {
      write: (events) => this.#write(this.#current, events),
      written: async (events) => {
        const first = this.#current.persistedSeq - events.length + 1;
        this.#listener?.persisted(events.map((event, index) => ({ seq: first + index, ...event })));
        await this.#arrangeAlarm();
      },
      failed: (error) => {
        this.#forgetMemory();
        this.#line.fail(error);
      },
    });
    this.#line = new WaitingLine({
      clock,
      deliver: (work, serve) => this.#deliver(work, serve),
      peek: (look) => this.peek(look),
      noteRefusals: (commands, outcomes) => this.#noteRefusals(commands, outcomes),
      persisted: () => this.#commit.persisted(),
    });
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

  /**
   * Runs commands in order, each with its own outcome; resolves when their events are stored. A single reserve that lacks
   * only budget waits in line for up to `wait_ms`. Throws `NotPersistedError` where nothing was stored.
   */
  async execute(
    commands: readonly Command[],
    caller: Caller = systemCaller,
    { wait_ms = 0, ticket }: ExecuteOptions = {},
  ): Promise<readonly Outcome[]> {
    const damaged = this.#damagedOutcome();
    if (damaged !== undefined) return commands.map((command) => this.#pauseDamaged(command) ?? damaged);
    const [first] = commands;
    if (first?.op === "reserve" && commands.length === 1) {
      if (ticket !== undefined && this.#line.hasLeft(ticket)) return [releasedInLine(first.id)];
      if (wait_ms > 0) return [await this.#line.reserve(first, wait_ms, caller, ticket ?? crypto.randomUUID())];
    }
    let length = 0;
    const outcomes = this.#deliver((pool, now, events) =>
      commands.map((command) => {
        // Refused, not run: its answer would not fit any more, and an effect without an answer is worse than none.
        if (length > limits.answersLength) return answersTooLong;
        const outcome = this.#line.outcomeOf(caller, pool, command) ?? executeFor(caller, pool, command, now, events);
        length += lengthOf(outcome);
        return outcome;
      }),
    );
    this.#noteRefusals(commands, outcomes);
    await this.#commit.persisted();
    return outcomes;
  }

  /** The caller of a call that waits in line has hung up. */
  leave(id: string, ticket: string): void {
    this.#line.leave(id, ticket);
  }

  /** Reads the pool; resolves once everything delivered before is stored. `look` must not keep or change the state. */
  async read<T>(look: (pool: Pool) => T): Promise<T> {
    const result = this.#deliver((pool, now, events) => {
      applyDue(pool, now, events);
      return look(pool);
    });
    await this.#commit.persisted();
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

  /** A damaged pool can be paused as a whole; the pause applies once it is restored. */
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

  /** Reads the pool as it is, including what is not stored yet: for figures that promise nothing. */
  peek<T>(look: (pool: Pool) => T): T {
    return look(this.#current.pool);
  }

  /** Refuses the calls in line whose key is revoked now. */
  dismiss(isRevoked: (keyId: string) => boolean): void {
    this.#line.dismissKeys(isRevoked);
  }

  /** The memory, once everything delivered before is stored. What came since is ahead of its `persistedSeq`. */
  async persistedMemory(): Promise<Memory> {
    while (!this.#commit.isIdle) await this.#commit.persisted();
    return this.#current;
  }

  /**
   * Resolves when the row that is being written is safe and requests that arrived meanwhile were let in. The timer is needed:
   * the runtime accepts requests only when no microtask is ready, and a row that is safe at once leaves it no such moment.
   */
  async flushed(): Promise<void> {
    await this.#commit.persisted();
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  /** Runs the alarm: ends what is due, runs the tasks that are due, and sets the next alarm. */
  async alarm(tasks: Tasks): Promise<void> {
    this.#alarm.forget();
    // A damaged pool can't be applied to, and its journal must stay as it is for the restore.
    if (this.damage !== undefined) return;
    await this.#alarm.run(async () => {
      await this.read(() => undefined);
      this.#noteHead();
      await this.#maintenance.run(this.#current.pool.settings, tasks);
    });
    await this.#arrangeAlarm();
  }

  /** Stores how far the journal goes, outside of it; an alarm writes a row anyway. */
  #noteHead(): void {
    const { persistedSeq, head } = this.#current;
    if (persistedSeq === 0 || persistedSeq === this.#notedSeq) return;
    try {
      noteHead(this.#storage, persistedSeq, head);
      this.#notedSeq = persistedSeq;
    } catch {
      // The older note stays: it only fails to detect that the newest rows are missing.
    }
  }

  /** Called after waking: `at` is the time of the alarm that is set, or null. */
  async alarmIsAt(at: number | null): Promise<void> {
    this.#alarm.isAt(at, this.#clock());
    if (schemaVersion(this.#storage) === 0) return;
    migrate(this.#storage);
    if (this.#maintenance.start()) await this.#arrangeAlarm();
  }

  /**
   * Deletes the pool and everything stored; calls in line are refused `pool_not_found`. With open reservations only when
   * `force`d, because their calls are still running. Returns how many open reservations prevented it. When forced it reads
   * nothing, so that a damaged pool can be deleted.
   */
  async remove(force: boolean): Promise<number> {
    // No await between the last flush and the deletion, or a delivery would slip in and be written after it.
    while (!this.#commit.isIdle) await this.#commit.persisted().catch(() => undefined);
    if (!force) {
      const { open } = this.#current.pool;
      if (open > 0) return open;
    }
    this.#maintenance.forget();
    const deleted = this.#storage.deleteAll();
    // Storage is empty from this moment: a delivery while the call is pending must find no pool.
    this.#forgetMemory();
    this.#refusals.clear();
    this.#line.end();
    await deleted;
    return 0;
  }

  /**
   * Fills the storage of a pool that does not exist, or is damaged, by `fill`, and sets its alarm. Meanwhile deliveries are
   * refused as `unavailable`. If `fill` throws, what it wrote is deleted. A pool that was paused while it was damaged is
   * paused once it is filled.
   */
  async rebuild<T>(fill: () => Promise<T>): Promise<T> {
    while (!this.#commit.isIdle) await this.#commit.persisted().catch(() => undefined);
    this.#isRebuilt = true;
    const isPaused = keptPause(this.#storage);
    let filled: T;
    try {
      if (this.#damage !== undefined || isPaused) await this.#storage.deleteAll();
      // Stored again until it is journaled: the object may be reset at any moment from here on.
      if (isPaused) keepPause(this.#storage, true);
      filled = await fill();
    } catch (error) {
      await this.#storage.deleteAll();
      if (isPaused) keepPause(this.#storage, true);
      throw error;
    } finally {
      this.#isRebuilt = false;
      this.#maintenance.forget();
      this.#forgetMemory();
    }
    await this.applyKeptPause();
    await this.#arrangeAlarm();
    return filled;
  }

  /** Applies a pause that was requested while the pool was damaged. */
  async applyKeptPause(): Promise<void> {
    if (!keptPause(this.#storage)) return;
    await this.execute([{ op: "pause", agent: null }]);
    keepPause(this.#storage, false);
  }

  /** Counts the pools that have had this name since waking: a task of the one must not write into the next. */
  get generation(): number {
    return this.#maintenance.generation;
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
    this.#alarm.forget();
  }

  /**
   * One delivery, without an await: decide and apply, then grant freed budget to the waiting line. An exception in here is a
   * bug and leaves memory in doubt: the whole batch fails, and memory is read again from storage.
   */
  #deliver<T>(work: (pool: Pool, now: number, events: PoolEvent[]) => T, serve = false): T {
    if (this.#isRebuilt) throw beingRestored();
    const { pool } = this.#current;
    const events: PoolEvent[] = [];
    try {
      const now = this.#clock();
      const result = work(pool, now, events);
      const served =
        this.#line.size > 0 && (serve || events.some(({ type }) => eventTraits[type].freesBudget))
          ? this.#line.serve(pool, now, events)
          : [];
      for (const event of events) if (event.type === "closed") this.#refusals.forget(event.agent);
      const persisted = this.#commit.add(events);
      for (const { call, outcome } of served) {
        persisted.then(
          () => call.resolve(outcome),
          (reason: unknown) => call.reject(reason),
        );
      }
      // A lease that began or moved may end before the moment that the timer is set for.
      if (served.length > 0 || (this.#line.size > 0 && events.length > 0)) this.#line.arrangeTimer();
      return result;
    } catch (cause) {
      this.#commit.giveUp(cause);
      throw cause;
    }
  }

  #noteRefusals(commands: readonly Command[], outcomes: readonly Outcome[]): void {
    const refused = this.#refusals.note(this.#current.pool, commands, outcomes, this.#clock());
    if (refused.length > 0) this.#listener?.refused(refused.slice(0, limits.refusalsShown));
  }

  #write(memory: Memory, events: readonly PoolEvent[]): void {
    const notifications = notificationsOf(memory.pool, events, memory.persistedSeq + 1).filter(({ type }) =>
      this.#maintenance.isWanted(type),
    );
    const length = writeBatch(this.#storage, memory, events, notifications);
    this.#maintenance.wrote(memory.pool.settings, length, notifications.length);
  }

  /** Sets the alarm for what ends next, and for the next task. */
  #arrangeAlarm(): Promise<void> {
    return this.#alarm.arrange(nextDue(this.#current.pool), this.#maintenance.nextAt);
  }
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
