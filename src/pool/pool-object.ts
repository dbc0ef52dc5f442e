/**
 * The Durable Object of a pool: what the platform sees. It wakes the pool, passes deliveries on, and gives back
 * values; a refusal is a value too. Its name is `tenant/pool`. It makes no outgoing call.
 */
import { DurableObject } from "cloudflare:workers";
import { report, viewDetail, viewPool, viewReservation } from "../engine/results.ts";
import type { Pool } from "../engine/state.ts";
import type { Command, ReserveCommand } from "../protocol/commands.ts";
import type { Refusal } from "../protocol/refusals.ts";
import type {
  AgentDetail,
  Answer,
  Audit,
  JournalPage,
  Outcome,
  PoolResult,
  Report,
  ReservationView,
} from "../protocol/results.ts";
import { audit } from "./audit.ts";
import { page } from "./journal.ts";
import { LivePool } from "./live-pool.ts";

export class PoolObject extends DurableObject<unknown> {
  readonly #pool: LivePool;

  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env);
    this.#pool = new LivePool(ctx.storage);
    void ctx.blockConcurrencyWhile(async () => this.#pool.alarmIsAt(await ctx.storage.getAlarm()));
  }

  run(commands: readonly Command[]): Promise<Outcome[]> {
    return this.#pool.run(commands);
  }

  reserve(command: ReserveCommand, waitMs: number): Promise<Outcome> {
    return this.#pool.reserve(command, waitMs);
  }

  settings(): Promise<Answer<PoolResult>> {
    return this.#look((pool) => viewPool(pool));
  }

  report(): Promise<Answer<Report>> {
    const name = this.ctx.id.name ?? "";
    return this.#look((pool) => report(pool, name.slice(name.indexOf("/") + 1)));
  }

  agent(name: string): Promise<Answer<AgentDetail>> {
    return this.#look<AgentDetail>((pool) => {
      const agent = pool.agents.get(name);
      return agent === undefined ? { code: "agent_not_found", agent: name } : viewDetail(agent);
    });
  }

  reservation(id: string): Promise<Answer<ReservationView>> {
    return this.#look<ReservationView>((pool) => {
      const known = pool.remembered.get(id);
      return known?.op === "reserve" ? viewReservation(known) : { code: "reservation_not_found", id };
    });
  }

  journal(after: number, count: number): Promise<Answer<JournalPage>> {
    return this.#onceSettled(() => page(this.ctx.storage, after, count));
  }

  async audit(): Promise<Answer<Audit>> {
    return this.#onceSettled(() => audit(this.ctx.storage, () => this.#pool.settled()));
  }

  /** Deletes the pool and its journal. With open reservations only when `force`d: their calls are still running. */
  async remove(force: boolean): Promise<Answer<{ deleted: true }>> {
    const looked = await this.#look((pool) => pool.open);
    if (!looked.ok) return looked;
    if (looked.result > 0 && !force) {
      const reason = "calls are running under open reservations; let them settle, or delete with force=true";
      return {
        ok: false,
        refusal: { code: "contract_conflict", field: "open_reservations", reason, needed: looked.result },
      };
    }
    await this.#pool.remove();
    return { ok: true, result: { deleted: true } };
  }

  override async alarm(): Promise<void> {
    await this.#pool.alarm();
  }

  #look<T extends object | number>(look: (pool: Pool) => T | Refusal): Promise<Answer<T>> {
    return this.#pool.read((pool): Answer<T> => {
      if (pool.settings === null) return { ok: false, refusal: { code: "pool_not_found" } };
      const found = look(pool);
      return isRefusal(found) ? { ok: false, refusal: found } : { ok: true, result: found };
    });
  }

  async #onceSettled<T>(read: () => T | Promise<T>): Promise<Answer<T>> {
    const exists = await this.#look((pool) => pool.seq);
    if (!exists.ok) return exists;
    await this.#pool.settled();
    return { ok: true, result: await read() };
  }
}

function isRefusal(found: object | number): found is Refusal {
  return typeof found === "object" && "code" in found;
}
