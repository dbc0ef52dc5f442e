/** A pool, as its callers use it. Amounts are in the pool's unit. */
import type { AgentResult, PauseResult } from "../protocol/agent.ts";
import type { ArchiveResult, Audit, JournalEvent, JournalPage, RestoreResult } from "../protocol/journal.ts";
import type { PeriodList, PeriodResult } from "../protocol/period.ts";
import type { FundResult, PoolResult, Report } from "../protocol/pool.ts";
import type { ReservationResult, ReservationView } from "../protocol/reservation.ts";
import type { Unit } from "../protocol/unit.ts";
import type { ReallocationResult, UsageResult } from "../protocol/usage.ts";
import { uuid7 } from "../protocol/uuid.ts";
import { Agent } from "./agent.ts";
import type { Dispatcher } from "./dispatcher.ts";
import { UnreachableError } from "./errors.ts";
import type { GovernOptions } from "./govern.ts";
import { type CommitOptions, Hold } from "./hold.ts";
import type { ContractOptions, PoolOptions, ReserveOptions } from "./options.ts";
import type { Prices } from "./prices.ts";
import type { CallOptions, Transport } from "./transport.ts";
import { type WatchOptions, watch } from "./watch.ts";

/** An agent in `Pool.summary()`. */
export type Entry = { readonly allocated: number; readonly consumed: number; readonly remaining: number };

export class Pool {
  readonly name: string;
  readonly unit: Unit;
  /** What models cost, where this pool's governor is asked. */
  readonly prices: Prices;
  readonly #transport: Transport;
  readonly #dispatcher: Dispatcher;
  readonly #path: string;

  constructor(transport: Transport, dispatcher: Dispatcher, prices: Prices, name: string, unit: Unit) {
    this.name = name;
    this.unit = unit;
    this.prices = prices;
    this.#transport = transport;
    this.#dispatcher = dispatcher;
    this.#path = pathOf(name);
  }

  /** Creates the pool, or changes its settings. Doing it again changes nothing. */
  configure(settings: PoolOptions = {}, options: CallOptions = {}): Promise<PoolResult> {
    return this.#transport.call("PUT", this.#path, { unit: this.unit, ...settings }, options);
  }

  /** Grows (or, below zero, shrinks) the pool's budget. */
  fund(amount: number, options: CallOptions & { readonly id?: string } = {}): Promise<FundResult> {
    const { id = uuid7(), ...call } = options;
    return this.#transport.call("POST", `${this.#path}/funds`, { id, [this.unit]: amount }, call);
  }

  /** Stops all agents from reserving; open reservations settle. */
  pause(options: CallOptions = {}): Promise<PauseResult> {
    return this.#transport.call("POST", `${this.#path}/pause`, {}, options);
  }

  /** Ends a pause of the pool. */
  resume(options: CallOptions = {}): Promise<PauseResult> {
    return this.#transport.call("POST", `${this.#path}/resume`, {}, options);
  }

  /** Starts a new period now: the budget is filled again, and nothing is consumed. */
  resetPeriod(options: CallOptions & { readonly id?: string } = {}): Promise<PeriodResult> {
    const { id = uuid7(), ...call } = options;
    return this.#transport.call("POST", `${this.#path}/reset-period`, { id }, call);
  }

  /** Reports of the pool's periods that are over (or of an `agent`'s own), newest first; `before` pages on. */
  periods(
    options: CallOptions & { readonly agent?: string; readonly before?: number; readonly limit?: number } = {},
  ): Promise<PeriodList> {
    const { agent, before, limit, ...call } = options;
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries({ agent, before, limit })) {
      if (value !== undefined) query.set(name, String(value));
    }
    return this.#transport.call("GET", `${this.#path}/periods?${query.toString()}`, undefined, call);
  }

  /** Registers an agent, or changes its contract. Never touches what it has spent. */
  register(agent: string, contract: ContractOptions, options: CallOptions = {}): Promise<AgentResult> {
    return this.#transport.call("PUT", `${this.#path}/agents/${encodeURIComponent(agent)}`, contract, options);
  }

  /** An agent of this pool, to spend as, or to manage. Makes no request: the agent need not be there yet. */
  agent(name: string): Agent {
    return new Agent(this, this.#transport, `${this.#path}/agents/${encodeURIComponent(name)}`, name);
  }

  /** Reserves budget before a call. Throws `BudgetExceededError` when the governor says no. */
  async reserve(agent: string, amount: number, options: ReserveOptions = {}): Promise<Hold> {
    const { id = uuid7(), signal, wait_ms, on_unreachable = "refuse", ...fields } = options;
    const command = { op: "reserve", id, agent, [this.unit]: amount, ...fields };
    try {
      const result = await this.#dispatcher.run<ReservationResult>(command, { signal, wait_ms });
      return new Hold(this.#dispatcher, this.unit, agent, result, options.ttl_ms);
    } catch (error) {
      if (on_unreachable === "refuse" || !(error instanceof UnreachableError)) throw error;
      const ungoverned = { id, granted: amount, transfers: [], expires_at: Date.now() };
      return new Hold(this.#dispatcher, this.unit, agent, ungoverned, options.ttl_ms, false);
    }
  }

  /** A reservation, open or settled. */
  reservation(id: string, options: CallOptions = {}): Promise<ReservationView> {
    return this.#transport.call("GET", `${this.#path}/reservations/${encodeURIComponent(id)}`, undefined, options);
  }

  /** Books exact usage without a reservation. Never refused for budget: the tokens are spent. */
  record(agent: string, amount: number, options: CommitOptions & { readonly id?: string } = {}): Promise<UsageResult> {
    const { id = uuid7(), confidence, usage, ...call } = options;
    return this.#dispatcher.run({ op: "record", id, agent, [this.unit]: amount, confidence, usage }, call);
  }

  /** Moves spare budget to an agent ahead of need; with `dry_run` it only says what would move, and why. */
  reallocate(
    agent: string,
    amount: number,
    options: CallOptions & { readonly id?: string; readonly dry_run?: boolean } = {},
  ): Promise<ReallocationResult> {
    const { id = uuid7(), dry_run = false, ...call } = options;
    return this.#dispatcher.run({ op: "reallocate", id, agent, [this.unit]: amount, dry_run }, call);
  }

  /** What each agent was allocated, has consumed, and has left: the short of `ledger()`. */
  async summary(options: CallOptions = {}): Promise<Record<string, Entry>> {
    const { agents } = await this.ledger(options);
    return Object.fromEntries(
      Object.entries(agents).map(([name, { allocated, consumed, remaining }]) => [
        name,
        { allocated, consumed, remaining },
      ]),
    );
  }

  /** Everything about the pool and its agents at one moment. */
  ledger(options: CallOptions = {}): Promise<Report> {
    return this.#transport.call("GET", `${this.#path}/report`, undefined, options);
  }

  /** A page of the pool's events after `after`; ask again with `next` for what follows. */
  journal(after = 0, limit = 1_000, options: CallOptions = {}): Promise<JournalPage> {
    return this.#transport.call("GET", `${this.#path}/journal?after=${after}&limit=${limit}`, undefined, options);
  }

  /**
   * Events as they happen, from any point of the journal, each once and in order, over lost connections.
   *
   * ```ts
   * for await (const event of pool.watch({ after: 0 })) console.log(event.seq, event.type);
   * ```
   */
  watch(options: WatchOptions = {}): AsyncGenerator<JournalEvent, void, void> {
    const { key, connect, retries = 3, timeout_ms = 10_000 } = this.#transport.options;
    const url = `${this.#transport.base}${this.#path}/session`;
    return watch({ url, key, connect, retries, timeout_ms }, options);
  }

  /** Folds the journal again and compares it with memory and every invariant. */
  audit(options: CallOptions = {}): Promise<Audit> {
    return this.#transport.call("GET", `${this.#path}/audit`, undefined, options);
  }

  /** What of the journal is here, and what is in the archive. */
  archived(options: CallOptions = {}): Promise<ArchiveResult> {
    return this.#transport.call("GET", `${this.#path}/archive`, undefined, options);
  }

  /** Ships what of the journal is not in the archive yet. It is shipped by itself within an hour. */
  archive(options: CallOptions = {}): Promise<ArchiveResult> {
    return this.#transport.call("POST", `${this.#path}/archive`, {}, options);
  }

  /** Makes a deleted pool again out of the archive, up to the last event that was shipped. */
  restore(options: CallOptions = {}): Promise<RestoreResult> {
    return this.#transport.once("POST", `${this.#path}/restore`, {}, options);
  }

  /** Deletes the pool and its journal. With open reservations only if `force`d. */
  delete(options: CallOptions & { readonly force?: boolean } = {}): Promise<{ deleted: true }> {
    const { force = false, ...call } = options;
    return this.#transport.once("DELETE", `${this.#path}?force=${force}`, undefined, call);
  }

  /**
   * `call`, governed: reserved before it runs, booked after.
   *
   * ```ts
   * const research = pool.govern("researcher", (prompt: string) => model(prompt));
   * await research("find the latest figures on X");
   * ```
   */
  govern<Args extends readonly unknown[], Result>(
    agent: string,
    call: (...args: Args) => Result | Promise<Result>,
    options: GovernOptions<Args, Result> = {},
  ): (...args: Args) => Promise<Result> {
    // Loaded when a function is governed: most programs do not, and it reads the answers of every SDK.
    let governed: Promise<(...args: Args) => Promise<Result>> | undefined;
    return async (...args) => {
      governed ??= import("./govern.ts").then(({ govern }) => govern(this, agent, call, options));
      // A page that could not load it may try again.
      governed.catch(() => (governed = undefined));
      return (await governed)(...args);
    };
  }
}

export function pathOf(pool: string): string {
  return `/v1/pools/${encodeURIComponent(pool)}`;
}
