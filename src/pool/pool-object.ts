/**
 * The Durable Object of a pool: its RPC methods, alarm and WebSocket handlers. It loads the pool, passes deliveries on, and
 * returns values; a refusal is a value, too. Its name is `tenant/pool`. Every call carries its caller. It calls the tenant's
 * webhooks (from its alarm only) and the archive.
 */
import { DurableObject } from "cloudflare:workers";
import { type Objects, webhooksId } from "../objects.ts";
import type { Caller } from "../protocol/caller.ts";
import type { Command, ExecuteOptions, Execution } from "../protocol/commands.ts";
import { type SessionAuth, sessionAuthHeader } from "../protocol/frames.ts";
import type { ArchiveResult, RestoreResult } from "../protocol/journal.ts";
import type { RevokedKey } from "../protocol/key.ts";
import { limits } from "../protocol/limits.ts";
import type { PoolSettings } from "../protocol/pool.ts";
import type { AnswerOf, QueryName, QuestionOf } from "../protocol/queries.ts";
import { noArchive, type Refusal, type Result } from "../protocol/refusals.ts";
import { stackOf } from "../protocol/stack.ts";
import type { Jurisdiction } from "../protocol/tenant.ts";
import type { NotificationInbox } from "../protocol/webhook.ts";
import { DamagedError, reading } from "./damage.ts";
import { NotPersistedError } from "./group-commit.ts";
import { LivePool } from "./live-pool.ts";
import { Queries } from "./queries.ts";
import { RevokedKeys } from "./revoked-keys.ts";
import { migrate, schemaVersion } from "./schema.ts";
import { Sessions } from "./sessions.ts";
import {
  type Bucket,
  checkArchive,
  dropHalfRestored,
  type Owner,
  RestoreError,
  restore,
  restoredBy,
  ship,
} from "./shipping.ts";
import { oldestAt, trim } from "./trimming.ts";
import { Turns } from "./turns.ts";

/** What a pool needs of the Worker's bindings. */
type PoolEnv = { readonly WEBHOOKS: Objects<NotificationInbox>; readonly ARCHIVE?: Bucket };

const queueFull = {
  ok: false,
  refusal: { code: "limit_reached", limit: "queuedPerKey", maximum: limits.queuedPerKey },
} as const satisfies Result<never>;

const minuteMs = 60_000;
const dayMs = 86_400_000;

export class PoolObject extends DurableObject<PoolEnv> {
  readonly #pool: LivePool;
  readonly #revoked: RevokedKeys;
  readonly #sessions: Sessions;
  readonly #queries: Queries;

  /** Fair queuing of keys' work. */
  readonly #turns: Turns;
  /** The last shipping, trimming or audit. One at a time: each may hold a second state in memory. */
  #heavyWork: Promise<unknown> = Promise.resolve();

  constructor(ctx: DurableObjectState, env: PoolEnv) {
    super(ctx, env);
    this.#pool = new LivePool(ctx.storage, () => Date.now(), env.ARCHIVE !== undefined);
    this.#revoked = new RevokedKeys(ctx.storage);
    this.#turns = new Turns(() => this.#pool.flushed());
    this.#sessions = new Sessions(ctx, this.#pool, this.#turns, {
      execute: async (caller, commands, options) => (await this.#execute(caller, commands, options)).outcomes,
      leave: (id, ticket) => this.#pool.leave(id, ticket),
      refusalTo: (caller) => this.#refusalTo(caller),
    });
    this.#queries = new Queries(
      { storage: ctx.storage, pool: this.#pool, name: this.#name, isArchived: env.ARCHIVE !== undefined },
      {
        refusalTo: (caller) => this.#refusalTo(caller),
        inTurn: (caller, cost, work) => this.#inTurn(caller, cost, work),
        oneAtATime: (run) => this.#oneAtATime(run),
      },
    );
    this.#pool.listen({
      persisted: (events) => this.#sessions.publish(events),
      refused: (refusals) => this.#sessions.publishRefusals(refusals),
    });
    void ctx.blockConcurrencyWhile(async () => {
      try {
        if (schemaVersion(ctx.storage) > 0) {
          migrate(ctx.storage);
          dropHalfRestored(ctx.storage);
        }
        await this.#pool.alarmIsAt(await ctx.storage.getAlarm());
      } catch (error) {
        // A damaged pool must wake all the same, so that it can be audited, restored and deleted.
        console.error(JSON.stringify({ event: "waking_failed", stack: stackOf(error) }));
      }
    });
  }

  /**
   * Runs commands in order, each with its own outcome, once it is the key's turn. A lone reserve that lacks only budget
   * waits in line for it up to `wait_ms`; `ticket` names the call for `leave`.
   */
  async execute(caller: Caller, commands: readonly Command[], options: ExecuteOptions = {}): Promise<Execution> {
    const executed = await this.#inTurn(
      caller,
      commands.length,
      async () => ({ ok: true, result: await this.#execute(caller, commands, options) }),
      () => JSON.stringify(commands).length,
    );
    return executed.ok ? executed.result : { outcomes: commands.map(() => executed) };
  }

  async #execute(caller: Caller, commands: readonly Command[], options: ExecuteOptions): Promise<Execution> {
    const refusal = this.#refusalTo(caller);
    if (refusal !== undefined) {
      return { outcomes: commands.map(() => ({ ok: false, refusal })) };
    }
    return { outcomes: await this.#pool.execute(commands, caller, options) };
  }

  /** The caller of a call that waits in line has hung up: the call leaves the line. */
  leave(id: string, ticket: string): void {
    this.#pool.leave(id, ticket);
  }

  /** Reads the pool (`protocol/queries.ts`). */
  query<Name extends QueryName>(caller: Caller, question: QuestionOf<Name>): Promise<Result<AnswerOf<Name>>> {
    return this.#queries.ask(caller, question);
  }

  /** Ships what is not archived yet, now instead of at the next alarm. */
  async archive(caller: Caller): Promise<Result<ArchiveResult>> {
    const bucket = this.env.ARCHIVE;
    const now = await this.query(caller, { about: "archive" });
    if (!now.ok) return now;
    if (bucket === undefined) return { ok: false, refusal: noArchive };
    await reachable(() =>
      this.#oneAtATime(() => ship(this.ctx.storage, bucket, this.#owner, this.#isSameGeneration())),
    );
    return this.query(caller, { about: "archive" });
  }

  /**
   * Restores the pool from the archive; it must not exist, or be damaged. `revoked` keys are stored before the pool can be
   * used. Idempotent by `request`: a repeat is answered as the first time, since its answer may have been lost.
   */
  async restore(revoked: readonly RevokedKey[], request: string): Promise<Result<RestoreResult>> {
    const bucket = this.env.ARCHIVE;
    if (bucket === undefined) return { ok: false, refusal: noArchive };
    const isDamaged = this.#pool.damage !== undefined;
    const exists = !isDamaged && (await this.#pool.read(({ settings }) => settings !== null));
    if (exists) {
      const seq = restoredBy(this.ctx.storage, request);
      if (seq !== undefined) {
        // Keys may have been revoked since, and a kept pause may not be applied yet: the tenant relies on both.
        await this.revoke(revoked);
        await this.#pool.applyKeptPause();
        return { ok: true, result: { seq } };
      }
      const reason = "there is a pool of this name; delete it before it is restored";
      return { ok: false, refusal: { code: "contract_conflict", field: "pool", reason } };
    }
    try {
      // Damaged data is deleted only once it is known that the archive can replace it.
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

  /**
   * Deletes the pool and its journal. With open reservations only when `force`d, because their calls are still running. Forced,
   * it also deletes a pool that is damaged.
   */
  async remove(caller: Caller, force: boolean): Promise<Result<{ deleted: true }>> {
    if (this.#pool.damage === undefined || !force) {
      const exists = await this.#queries.exists(caller);
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

  /** Refuses these keys from now on: their sessions are closed, and their calls leave the waiting line. */
  async revoke(keys: readonly RevokedKey[]): Promise<void> {
    this.#revoked.add(keys, Date.now());
    this.#pool.dismiss((keyId) => this.#revoked.has(keyId));
    this.#sessions.revoked();
    await this.ctx.storage.sync();
  }

  /** Opens a session. Only the Worker can call this; it passes the authorized caller in a header of its own. */
  override async fetch(request: Request): Promise<Response> {
    const auth: SessionAuth = JSON.parse(request.headers.get(sessionAuthHeader) ?? "null");
    const exists = await this.#queries.exists(auth.caller);
    // Checked once more: only from here on does a revocation find the session and close it.
    const refusal = exists.ok ? this.#refusalTo(auth.caller) : exists.refusal;
    if (refusal !== undefined) return Response.json(refusal, { status: 409 });
    return this.#sessions.accept(auth, request.headers.has("sec-websocket-protocol"));
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
      deliverNotifications: (notifications) => this.#webhooks.accept(this.#name, notifications),
      archiveJournal: (settings) => this.#oneAtATime(() => this.#archiveJournal(settings)),
    });
  }

  /** Ships the journal, then trims what is older than `journal_days`; returns when there will be more to trim. */
  async #archiveJournal({ journal_days }: PoolSettings): Promise<number | undefined> {
    const { storage } = this.ctx;
    const { ARCHIVE: bucket } = this.env;
    const isSame = this.#isSameGeneration();
    const safe = bucket === undefined ? Number.MAX_SAFE_INTEGER : await ship(storage, bucket, this.#owner, isSame);
    if (journal_days === null) return undefined;
    const keptMs = journal_days * dayMs;
    await trim(storage, Date.now() - keptMs, safe, isSame);
    const oldest = oldestAt(storage);
    if (oldest === undefined) return undefined;
    // More than one alarm can trim: continue in the next.
    return oldest + keptMs <= Date.now() ? Date.now() + minuteMs : Math.max(oldest + keptMs, Date.now() + dayMs);
  }

  /** Returns a check whether the pool is still the one that it is now, and was not deleted meanwhile. */
  #isSameGeneration(): () => boolean {
    const { generation } = this.#pool;
    return () => this.#pool.generation === generation;
  }

  #oneAtATime<T>(run: () => Promise<T>): Promise<T> {
    const turn = this.#heavyWork.catch(() => undefined).then(run);
    this.#heavyWork = turn;
    return turn;
  }

  get #webhooks(): NotificationInbox {
    const jurisdiction = this.ctx.id.jurisdiction as Jurisdiction | undefined;
    return this.env.WEBHOOKS.get(webhooksId(this.env, this.#owner.tenant, jurisdiction));
  }

  /** The pool's name within its tenant. */
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
      // A damaged pool refuses everything but its audit, restore and deletion.
      if (error instanceof DamagedError && this.#pool.damage !== undefined) return undefined;
      throw error;
    }
  }

  /** Runs a key's work when it is its turn; a refusal if its queue is full. Bursar's own work does not queue. */
  async #inTurn<T>(
    { key_id }: Caller,
    cost: number,
    work: () => Promise<Result<T>>,
    bytes: () => number = () => 0,
  ): Promise<Result<T>> {
    if (key_id === null) return work();
    return this.#turns.isFull(key_id) ? queueFull : this.#turns.take(key_id, cost, work, bytes);
  }
}

/** Turns an unreachable archive into `unavailable`: it is no bug, and the caller may repeat the request. */
async function reachable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof RestoreError) throw error;
    throw new NotPersistedError("the archive could not be reached; the same request may be repeated", { cause: error });
  }
}
