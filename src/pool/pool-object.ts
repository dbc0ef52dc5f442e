/**
 * The Durable Object of a pool: what the platform sees. It wakes the pool, passes deliveries on, and gives back
 * values; a refusal is a value too. Its name is `tenant/pool`. It calls only the tenant's webhooks, and only from its
 * alarm. Every call says who asks.
 */
import { DurableObject } from "cloudflare:workers";
import type { JournalRow } from "../archive/chain.ts";
import { report, viewDetail, viewPool, viewReservation } from "../engine/results.ts";
import type { Pool } from "../engine/state.ts";
import { type Env, type WebhookCalls, webhooksId } from "../env.ts";
import type { AgentDetail } from "../protocol/agent.ts";
import type { Caller } from "../protocol/caller.ts";
import type { Admission, Command, Outcome } from "../protocol/commands.ts";
import { type Opener, openerHeader } from "../protocol/frames.ts";
import type { ArchiveResult, Audit, JournalPage, RestoreResult, SnapshotPage } from "../protocol/journal.ts";
import { limits } from "../protocol/limits.ts";
import type { PeriodList } from "../protocol/period.ts";
import type { Metrics, PoolResult, PoolSettings, Report } from "../protocol/pool.ts";
import { noArchive, type Refusal, type Result } from "../protocol/refusals.ts";
import type { ReservationView, ReserveCommand } from "../protocol/reservation.ts";
import { stackOf } from "../protocol/stack.ts";
import type { Jurisdiction } from "../protocol/tenant.ts";
import { audit } from "./audit.ts";
import { DamagedError, reading } from "./damage.ts";
import { page as journalPage } from "./journal.ts";
import { LivePool, NotPersistedError } from "./live-pool.ts";
import { periods } from "./periods.ts";
import { type RevokedKey, RevokedKeys } from "./revoked-keys.ts";
import { isForeign } from "./rights.ts";
import { migrate, schemaVersion } from "./schema.ts";
import { Sessions } from "./sessions.ts";
import {
  checkArchive,
  dropHalfRestored,
  nextRows,
  type Owner,
  RestoreError,
  restore,
  restoredBy,
  ship,
  shipped,
} from "./shipping.ts";
import { snapshotPage } from "./snapshot-page.ts";
import { oldestAt, trim, trimmedTo } from "./trimming.ts";
import { Turns } from "./turns.ts";

/** What a pool needs of the Worker's bindings. */
type PoolEnv = Pick<Env, "WEBHOOKS" | "ARCHIVE">;

/** What looks cost, in commands (`turns.ts`): one thing, all agents, a page of rows. */
const looks = { one: 5, report: 100, page: 250 } as const;

const queueFull = {
  ok: false,
  refusal: { code: "limit_reached", limit: "queuedPerKey", maximum: limits.queuedPerKey },
} as const satisfies Outcome;

const minuteMs = 60_000;
const dayMs = 86_400_000;

export class PoolObject extends DurableObject<PoolEnv> {
  readonly #pool: LivePool;
  readonly #revoked: RevokedKeys;
  readonly #sessions: Sessions;

  /** What keys may do of work at once. */
  readonly #turns: Turns;
  /** The last time that the journal was shipped, trimmed or audited: each may hold a second state in memory. */
  #keeping: Promise<unknown> = Promise.resolve();
  /** The audit that is under way; callers that ask meanwhile get the same answer. */
  #audit: Promise<Audit> | undefined;

  constructor(ctx: DurableObjectState, env: PoolEnv) {
    super(ctx, env);
    this.#pool = new LivePool(ctx.storage, () => Date.now(), env.ARCHIVE !== undefined);
    this.#revoked = new RevokedKeys(ctx.storage);
    this.#turns = new Turns(() => this.#pool.flushed());
    this.#sessions = new Sessions(ctx, this.#pool, this.#turns, {
      run: (caller, commands) => this.#run(caller, commands),
      reserve: (caller, command, waitMs, ticket) => this.#reserve(caller, command, waitMs, ticket),
      leave: (id, ticket) => this.#pool.leave(id, ticket),
      refusalTo: (caller) => this.#refusalTo(caller),
    });
    this.#pool.listen({
      persisted: (events) => this.#sessions.tell(events),
      refused: (refusals) => this.#sessions.show(refusals),
    });
    void ctx.blockConcurrencyWhile(async () => {
      try {
        if (schemaVersion(ctx.storage) > 0) {
          migrate(ctx.storage);
          dropHalfRestored(ctx.storage);
        }
        await this.#pool.alarmIsAt(await ctx.storage.getAlarm());
      } catch (error) {
        // A pool that is damaged must wake all the same: it can be audited, restored and deleted.
        console.error(JSON.stringify({ event: "waking_failed", stack: stackOf(error) }));
      }
    });
  }

  async run(caller: Caller, commands: readonly Command[]): Promise<Outcome[]> {
    const run = (): Promise<Outcome[]> => this.#run(caller, commands);
    const outcomes = await this.#inTurn(caller, commands.length, run, () => JSON.stringify(commands).length);
    return outcomes ?? commands.map(() => queueFull);
  }

  async #run(caller: Caller, commands: readonly Command[]): Promise<Outcome[]> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== undefined) return commands.map(() => ({ ok: false, refusal }));
    return this.#pool.run(commands, caller);
  }

  /** `ticket` names the call for `leave`. */
  async reserve(caller: Caller, command: ReserveCommand, waitMs: number, ticket?: string): Promise<Outcome> {
    const reserve = (): Promise<Outcome> => this.#reserve(caller, command, waitMs, ticket);
    return (await this.#inTurn(caller, 1, reserve, () => JSON.stringify(command).length)) ?? queueFull;
  }

  async #reserve(caller: Caller, command: ReserveCommand, waitMs: number, ticket?: string): Promise<Outcome> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== undefined) return { ok: false, refusal };
    return this.#pool.reserve(command, waitMs, caller, ticket);
  }

  /** The caller of a call that waits in line has hung up: nothing is granted to it. */
  leave(id: string, ticket: string): void {
    this.#pool.leave(id, ticket);
  }

  /** Reserves for the gateway, which also needs to know where the agent's answers state their confidence. */
  async admit(caller: Caller, command: ReserveCommand, waitMs: number, ticket?: string): Promise<Admission> {
    const outcome = await this.reserve(caller, command, waitMs, ticket);
    if (!outcome.ok) return { outcome, confidence_path: null };
    // Read without waiting for a flush: one that fails must not hide a reservation that stands.
    const confidence_path = this.#pool.peek((pool) => pool.agents.get(command.agent)?.contract.confidence_path ?? null);
    return { outcome, confidence_path };
  }

  settings(caller: Caller): Promise<Result<PoolResult>> {
    return this.#look(caller, (pool) => viewPool(pool));
  }

  report(caller: Caller): Promise<Result<Report>> {
    return this.#look(caller, (pool) => report(pool, this.#name), looks.report);
  }

  metrics(caller: Caller): Promise<Result<Metrics>> {
    const figures = (pool: Pool): Metrics => ({
      report: report(pool, this.#name),
      open_reservations: pool.open,
      waiting: this.#pool.waiting(),
      refusals: this.#pool.refusals(),
    });
    return this.#look(caller, figures, looks.report);
  }

  agent(caller: Caller, name: string): Promise<Result<AgentDetail>> {
    return this.#look<AgentDetail>(caller, (pool) => {
      const agent = pool.agents.get(name);
      return agent === undefined ? { code: "agent_not_found", agent: name } : viewDetail(agent);
    });
  }

  reservation(caller: Caller, id: string): Promise<Result<ReservationView>> {
    return this.#look<ReservationView>(caller, (pool) => {
      const known = pool.remembered.get(id);
      if (known?.op !== "reserve" || isForeign(pool, caller, id)) return { code: "reservation_not_found", id };
      return viewReservation(known);
    });
  }

  journal(caller: Caller, after: number, count: number): Promise<Result<JournalPage>> {
    return this.#ofJournal(caller, after, () => journalPage(this.ctx.storage, after, count));
  }

  /** Rows of the journal, whole, from the one that holds the event after `after` on: about a segment's length of them. */
  rows(caller: Caller, after: number): Promise<Result<readonly JournalRow[]>> {
    return this.#ofJournal(caller, after, () => nextRows(this.ctx.storage, after));
  }

  /** What of the journal is here, and what is in the archive. */
  archived(caller: Caller): Promise<Result<ArchiveResult>> {
    return this.#onceSettled(caller, () => this.#archived());
  }

  /** Ships what is not in the archive yet. */
  async archive(caller: Caller): Promise<Result<ArchiveResult>> {
    const bucket = this.env.ARCHIVE;
    const now = await this.archived(caller);
    if (!now.ok) return now;
    if (bucket === undefined) return { ok: false, refusal: noArchive };
    await reachable(() => this.#oneAtATime(() => ship(this.ctx.storage, bucket, this.#owner, this.#sameLife())));
    return this.archived(caller);
  }

  /**
   * Makes the pool again out of the archive; it must not exist, or be damaged. It knows these keys as revoked before
   * it can be used. The same request again is answered as before: the answer may have been lost.
   */
  async restore(revoked: readonly RevokedKey[], request: string): Promise<Result<RestoreResult>> {
    const bucket = this.env.ARCHIVE;
    if (bucket === undefined) return { ok: false, refusal: noArchive };
    const isDamaged = this.#pool.damage !== undefined;
    const exists = !isDamaged && (await this.#pool.read(({ settings }) => settings !== null));
    if (exists) {
      const seq = restoredBy(this.ctx.storage, request);
      if (seq !== undefined) return { ok: true, result: { seq } };
      const reason = "there is a pool of this name; delete it before it is restored";
      return { ok: false, refusal: { code: "contract_conflict", field: "pool", reason } };
    }
    try {
      // What is damaged goes only once it is known that something better is there.
      if (isDamaged) await reachable(() => checkArchive(bucket, this.#owner));
      const seq = await this.#pool.rebuild(async () => {
        const last = await reachable(() => restore(this.ctx.storage, bucket, this.#owner, request));
        this.#revoked.add(revoked, Date.now());
        return last;
      });
      return { ok: true, result: { seq } };
    } catch (error) {
      if (!(error instanceof RestoreError)) throw error;
      return { ok: false, refusal: { code: "archive_not_found", reason: error.message } };
    } finally {
      this.#revoked.forget();
    }
  }

  /** Reports of the pool's periods that are over, or of an agent's own, from before number `before`, newest first. */
  periods(caller: Caller, agent: string | null, before: number, count: number): Promise<Result<PeriodList>> {
    return this.#onceSettled(caller, () => ({ periods: periods(this.ctx.storage, agent, before, count) }));
  }

  /**
   * The state, in pages: whole and as of its last event where it fits one, otherwise as it was stored last, from which
   * the journal leads on. `seq` and `page` say which page is wanted; the first one is asked for without.
   */
  async snapshot(caller: Caller, seq?: number, page = 0): Promise<Result<SnapshotPage>> {
    const exists = await this.#look(caller, (pool) => pool.seq, looks.page);
    if (!exists.ok) return exists;
    let memory = await this.#pool.settled();
    // Something may have been delivered since: what is not stored yet is not shown.
    while (memory.persistedSeq < memory.pool.seq) memory = await this.#pool.settled();
    return { ok: true, result: snapshotPage(this.ctx.storage, memory, seq, page) };
  }

  async audit(caller: Caller): Promise<Result<Audit>> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== undefined) return { ok: false, refusal };
    // Of a pool that is damaged, too: it says what is wrong.
    if (this.#pool.damage === undefined) {
      const exists = await this.#look(caller, (pool) => pool.seq);
      if (!exists.ok) return exists;
    }
    this.#audit ??= this.#oneAtATime(() => audit(this.ctx.storage, () => this.#pool.settled())).finally(() => {
      this.#audit = undefined;
    });
    return { ok: true, result: await this.#audit };
  }

  /**
   * Deletes the pool and its journal. With open reservations only when `force`d: their calls are still running. Forced,
   * it deletes what can't be read, too.
   */
  async remove(caller: Caller, force: boolean): Promise<Result<{ deleted: true }>> {
    if (this.#pool.damage === undefined || !force) {
      const exists = await this.#look(caller, (pool) => pool.seq);
      if (!exists.ok) return exists;
    }
    const needed = await this.#pool.remove(force);
    this.#revoked.forget();
    if (needed === 0) {
      this.#sessions.end();
      return { ok: true, result: { deleted: true } };
    }
    const reason = "calls are running under open reservations; let them settle, or delete with force=true";
    return { ok: false, refusal: { code: "contract_conflict", field: "open_reservations", reason, needed } };
  }

  /** From now on these keys are refused here; those who wait in line with one of them are sent away. */
  async revoke(keys: readonly RevokedKey[]): Promise<void> {
    this.#revoked.add(keys, Date.now());
    this.#pool.dismiss((keyId) => this.#revoked.has(keyId));
    this.#sessions.revoked();
    await this.ctx.storage.sync();
  }

  /** Opens a session. Only the Worker gets here, and says in a header of its own who asks. */
  override async fetch(request: Request): Promise<Response> {
    const opener: Opener = JSON.parse(request.headers.get(openerHeader) ?? "null");
    const exists = await this.settings(opener.caller);
    // Looked at once more: from here on a revocation finds the session among those that it closes.
    const refusal = exists.ok ? this.#refusalTo(opener.caller) : exists.refusal;
    if (refusal !== undefined) return Response.json(refusal, { status: 409 });
    return this.#sessions.accept(opener, request.headers.has("sec-websocket-protocol"));
  }

  override webSocketMessage(socket: WebSocket, data: string | ArrayBuffer): Promise<void> {
    return this.#sessions.message(socket, data);
  }

  override webSocketClose(socket: WebSocket): void {
    this.#sessions.gone(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#sessions.gone(socket);
  }

  override async alarm(): Promise<void> {
    await this.#pool.alarm({
      tell: (notices) => this.#webhooks.accept(this.#name, notices),
      keep: (settings) => this.#oneAtATime(() => this.#keepJournal(settings)),
    });
  }

  /** Ships the journal, then trims what the pool no longer keeps; gives when there will be something to trim. */
  async #keepJournal({ journal_days }: PoolSettings): Promise<number | undefined> {
    const { storage } = this.ctx;
    const { ARCHIVE: bucket } = this.env;
    const isSame = this.#sameLife();
    const safe = bucket === undefined ? Number.MAX_SAFE_INTEGER : await ship(storage, bucket, this.#owner, isSame);
    if (journal_days === null) return undefined;
    const keptMs = journal_days * dayMs;
    await trim(storage, Date.now() - keptMs, safe, isSame);
    const oldest = oldestAt(storage);
    if (oldest === undefined) return undefined;
    // What was too much for one alarm goes on in the next.
    return oldest + keptMs <= Date.now() ? Date.now() + minuteMs : Math.max(oldest + keptMs, Date.now() + dayMs);
  }

  #archived(): ArchiveResult {
    const { storage } = this.ctx;
    const seq = this.#pool.peek((pool) => pool.seq);
    const archive = this.env.ARCHIVE !== undefined;
    return { archive, seq, shipped: shipped(storage)?.seq ?? 0, trimmed: trimmedTo(storage) };
  }

  /** Says, whenever it is asked, whether the pool is still the one that it is now. */
  #sameLife(): () => boolean {
    const { life } = this.#pool;
    return () => this.#pool.life === life;
  }

  #oneAtATime<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#keeping.catch(() => undefined).then(run);
    this.#keeping = turn;
    return turn;
  }

  get #webhooks(): WebhookCalls {
    const jurisdiction = this.ctx.id.jurisdiction as Jurisdiction | undefined;
    return this.env.WEBHOOKS.get(webhooksId(this.env, this.#owner.tenant, jurisdiction));
  }

  /** How the tenant calls the pool. */
  get #name(): string {
    return this.#owner.pool;
  }

  get #owner(): Owner {
    const { name = "" } = this.ctx.id;
    const slash = name.indexOf("/");
    return { tenant: name.slice(0, slash), pool: name.slice(slash + 1) };
  }

  #refusalTo({ key_id, expires_at }: Caller): Refusal | undefined {
    if (key_id === null) return undefined;
    if (expires_at !== null && expires_at <= Date.now()) return { code: "key_expired" };
    try {
      return reading("revoked_keys", () => this.#revoked.has(key_id)) ? { code: "key_revoked" } : undefined;
    } catch (error) {
      // The pool refuses everything by itself, but for what mends it.
      if (error instanceof DamagedError && this.#pool.damage !== undefined) return undefined;
      throw error;
    }
  }

  /** Work of a key, when it is its turn; undefined where as much of it waits as may. Bursar's own work waits for none. */
  async #inTurn<T>(
    { key_id }: Caller,
    cost: number,
    work: () => Promise<T>,
    bytes: () => number,
  ): Promise<T | undefined> {
    if (key_id === null) return work();
    return this.#turns.isFull(key_id) ? undefined : this.#turns.take(key_id, cost, work, bytes);
  }

  async #look<T extends object | number>(
    caller: Caller,
    look: (pool: Pool) => T | Refusal,
    cost: number = looks.one,
  ): Promise<Result<T>> {
    const refusal = this.#refusalTo(caller) ?? this.#pool.damage?.refusal;
    if (refusal !== undefined) return { ok: false, refusal };
    const answer = await this.#inTurn(
      caller,
      cost,
      () => this.#read(look),
      () => 0,
    );
    return answer ?? { ok: false, refusal: queueFull.refusal };
  }

  #read<T extends object | number>(look: (pool: Pool) => T | Refusal): Promise<Result<T>> {
    return this.#pool.read((pool): Result<T> => {
      if (pool.settings === null) return { ok: false, refusal: { code: "pool_not_found" } };
      const found = look(pool);
      return isRefusal(found) ? { ok: false, refusal: found } : { ok: true, result: found };
    });
  }

  /** Reads of the journal after `after`, unless that has been trimmed. */
  async #ofJournal<T>(caller: Caller, after: number, read: () => T): Promise<Result<T>> {
    const answer = await this.#onceSettled(caller, () => {
      const trimmed = trimmedTo(this.ctx.storage);
      return after < trimmed ? { trimmed } : { found: read() };
    });
    if (!answer.ok) return answer;
    const { found, trimmed } = answer.result;
    return trimmed === undefined
      ? { ok: true, result: found }
      : { ok: false, refusal: { code: "journal_trimmed", trimmed } };
  }

  async #onceSettled<T>(caller: Caller, read: () => T | Promise<T>): Promise<Result<T>> {
    const exists = await this.#look(caller, (pool) => pool.seq, looks.page);
    if (!exists.ok) return exists;
    await this.#pool.settled();
    return { ok: true, result: await read() };
  }
}

/** An archive that can't be reached is no defect of ours: the caller may ask again. */
async function reachable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RestoreError) throw error;
    throw new NotPersistedError("the archive could not be reached; the same request may be repeated", { cause: error });
  }
}

function isRefusal(found: object | number): found is Refusal {
  return typeof found === "object" && "code" in found;
}
