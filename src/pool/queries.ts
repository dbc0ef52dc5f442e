/**
 * Reads of a pool. Those of its state are answered from memory, as of the last delivery; those of its storage wait until
 * everything delivered before is persisted. Each waits for its key's turn, and a revoked key is refused.
 */
import { report, viewDetail, viewPool, viewReservation } from "../engine/results.ts";
import type { Pool } from "../engine/state.ts";
import type { Caller } from "../protocol/caller.ts";
import type { Audit } from "../protocol/journal.ts";
import type { AnswerOf, QueryName, Question, QuestionOf } from "../protocol/queries.ts";
import type { Refusal, Result } from "../protocol/refusals.ts";
import { audit } from "./audit.ts";
import { page as journalPage } from "./journal.ts";
import type { LivePool } from "./live-pool.ts";
import { periods } from "./period-reports.ts";
import { isForeign } from "./rights.ts";
import { nextRows, shipped } from "./shipping.ts";
import { snapshotPage } from "./snapshot-page.ts";
import type { PoolStorage } from "./storage.ts";
import { trimmedTo } from "./trimming.ts";

/** What reads are answered from. `name` is the pool's name within its tenant. */
export type Source = {
  readonly storage: PoolStorage;
  readonly pool: LivePool;
  readonly name: string;
  readonly isArchived: boolean;
};

/** Which callers may read, and when. */
export type Gate = {
  /** Why the caller's key is refused: revoked or expired. */
  readonly refusalTo: (caller: Caller) => Refusal | undefined;
  /** Runs `work` when it is the key's turn, at a cost in commands; a refusal if the key's queue is full. */
  readonly inTurn: <T>(caller: Caller, cost: number, work: () => Promise<Result<T>>) => Promise<Result<T>>;
  /** Runs work that holds a second state in memory, one at a time. */
  readonly oneAtATime: <T>(run: () => Promise<T>) => Promise<T>;
};

/** The cost of reads, in commands (`turns.ts`): of one thing, of all agents, or of a page of rows. */
const costs = { one: 5, all: 100, page: 250 } as const;

type OfState = "settings" | "report" | "metrics" | "agent" | "reservation";
type OfStorage = "journal" | "rows" | "periods" | "archive" | "snapshot";

const ofState: {
  readonly [Name in OfState]: {
    readonly cost: number;
    readonly look: (pool: Pool, question: QuestionOf<Name>, source: Source, caller: Caller) => AnswerOf<Name> | Refusal;
  };
} = {
  settings: { cost: costs.one, look: (pool) => viewPool(pool) },
  report: { cost: costs.all, look: (pool, _, { name }) => report(pool, name) },
  metrics: {
    cost: costs.all,
    look: (pool, _, { name, pool: live }) => ({
      report: report(pool, name),
      open_reservations: pool.open,
      waiting: live.waiting(),
      refusals: live.refusals(),
    }),
  },
  agent: {
    cost: costs.one,
    look: (pool, { agent: name }) => {
      const agent = pool.agents.get(name);
      return agent === undefined ? { code: "agent_not_found", agent: name } : viewDetail(agent);
    },
  },
  reservation: {
    cost: costs.one,
    look: (pool, { id }, _, caller) => {
      const known = pool.remembered.get(id);
      if (known?.op !== "reserve" || isForeign(pool, caller, id)) return { code: "reservation_not_found", id };
      return viewReservation(known);
    },
  },
};

const ofStorage: {
  readonly [Name in OfStorage]: (
    source: Source,
    question: QuestionOf<Name>,
  ) => AnswerOf<Name> | Refusal | Promise<AnswerOf<Name>>;
} = {
  journal: ({ storage }, { after, limit }) => trimmedAfter(storage, after) ?? journalPage(storage, after, limit),
  rows: ({ storage }, { after }) => trimmedAfter(storage, after) ?? nextRows(storage, after),
  periods: ({ storage }, { agent, before, limit }) => ({ periods: periods(storage, agent, before, limit) }),
  archive: ({ storage, pool, isArchived }) => ({
    archive: isArchived,
    seq: pool.peek(({ seq }) => seq),
    shipped: shipped(storage)?.seq ?? 0,
    trimmed: trimmedTo(storage),
  }),
  snapshot: async ({ storage, pool }, { seq, page }) => {
    let memory = await pool.persistedMemory();
    // A delivery may have come since: what is not stored yet must not be shown.
    while (memory.persistedSeq < memory.pool.seq) memory = await pool.persistedMemory();
    return snapshotPage(storage, memory, seq, page);
  },
};

/** The refusal if events after `after` have been trimmed. */
function trimmedAfter(storage: PoolStorage, after: number): Refusal | undefined {
  const trimmed = trimmedTo(storage);
  return after < trimmed ? { code: "journal_trimmed", trimmed } : undefined;
}

export class Queries {
  readonly #source: Source;
  readonly #gate: Gate;
  /** The audit that is running; callers that ask meanwhile share its result. */
  #audit: Promise<Audit> | undefined;

  constructor(source: Source, gate: Gate) {
    this.#source = source;
    this.#gate = gate;
  }

  async ask<Name extends QueryName>(caller: Caller, question: QuestionOf<Name>): Promise<Result<AnswerOf<Name>>> {
    return this.#ask(caller, question as Question);
  }

  #ask(caller: Caller, question: Question): Promise<Result<AnswerOf<QueryName>>> {
    switch (question.about) {
      case "audit":
        return this.#audited(caller);
      case "settings":
      case "report":
      case "metrics":
      case "agent":
      case "reservation":
        return this.#ofState(caller, question);
      default:
        return this.#ofStorage(caller, question);
    }
  }

  #ofState<Name extends OfState>(caller: Caller, question: QuestionOf<Name>): Promise<Result<AnswerOf<Name>>> {
    const { cost, look } = ofState[question.about];
    return this.#look(caller, cost, (pool) => look(pool, question, this.#source, caller));
  }

  async #ofStorage<Name extends OfStorage>(
    caller: Caller,
    question: QuestionOf<Name>,
  ): Promise<Result<AnswerOf<Name>>> {
    const exists = await this.exists(caller, costs.page);
    if (!exists.ok) return exists;
    await this.#source.pool.persistedMemory();
    return resultOf<AnswerOf<Name>>(await ofStorage[question.about](this.#source, question));
  }

  /** The pool's last event, if the pool exists and the caller may read it. */
  exists(caller: Caller, cost: number = costs.one): Promise<Result<number>> {
    return this.#look(caller, cost, ({ seq }) => seq);
  }

  async #audited(caller: Caller): Promise<Result<Audit>> {
    const refusal = this.#gate.refusalTo(caller);
    if (refusal !== undefined) return { ok: false, refusal };
    const { pool, storage } = this.#source;
    // A damaged pool is audited, too: the audit says what is wrong.
    if (pool.damage === undefined) {
      const exists = await this.exists(caller);
      if (!exists.ok) return exists;
    }
    this.#audit ??= this.#gate
      .oneAtATime(() => audit(storage, () => pool.persistedMemory()))
      .finally(() => {
        this.#audit = undefined;
      });
    return { ok: true, result: await this.#audit };
  }

  async #look<T>(caller: Caller, cost: number, look: (pool: Pool) => T | Refusal): Promise<Result<T>> {
    const { pool: live } = this.#source;
    const refusal = this.#gate.refusalTo(caller) ?? live.damage?.refusal;
    if (refusal !== undefined) return { ok: false, refusal };
    return this.#gate.inTurn(caller, cost, () =>
      live.read((pool): Result<T> =>
        pool.settings === null ? { ok: false, refusal: { code: "pool_not_found" } } : resultOf<T>(look(pool)),
      ),
    );
  }
}

function resultOf<T>(found: T | Refusal): Result<T> {
  return isRefusal(found) ? { ok: false, refusal: found } : { ok: true, result: found };
}

function isRefusal(found: unknown): found is Refusal {
  return typeof found === "object" && found !== null && "code" in found;
}
