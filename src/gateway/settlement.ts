/**
 * The end of a governed call: booked once or given back once, whatever happens, and its lease kept alive until then.
 * If this Worker dies, or its pool can't be reached any more, the lease ends and the hold is booked whole: nobody
 * gets a call for free by hanging up.
 */
import { logUnsettled } from "../http/log.ts";
import { ratesAt } from "../pricing/cost.ts";
import type { Provider } from "../pricing/table.ts";
import { inMicrousd, type Tariff } from "../pricing/tariff.ts";
import { bursar } from "../protocol/caller.ts";
import type { Command } from "../protocol/commands.ts";
import { limits } from "../protocol/limits.ts";
import type { BookedUsage } from "../protocol/prices.ts";
import type { NamedAgentView, ReservationResult, SettlementResult } from "../protocol/results.ts";
import type { Usage } from "../providers/usage.ts";
import type { Books } from "./books.ts";

/** What is known of a call's end. */
export type Ending = {
  readonly usage: Usage;
  /** Whether the provider reported it; otherwise it is an estimate, and never booked above the hold. */
  readonly isReported: boolean;
  /** The model that answered, where it said so. */
  readonly model: string | undefined;
  readonly confidence: number | undefined;
};

export type Governed = {
  readonly books: Books;
  readonly provider: Provider;
  readonly tariff: Tariff;
  /** The model that was asked for. */
  readonly model: string;
  readonly reservation: ReservationResult;
  readonly ttlMs: number;
};

export class Settlement {
  readonly #call: Governed;
  readonly #alive: ReturnType<typeof setInterval>;
  #isOver = false;

  constructor(call: Governed) {
    this.#call = call;
    const { reservation, ttlMs } = call;
    // A third of the lease: two extensions may fail before it ends.
    this.#alive = setInterval(() => {
      const extend = { op: "extend", id: reservation.id, ttl_ms: ttlMs, on_expiry: "charge" } as const;
      void this.#run(extend).catch(() => undefined);
    }, ttlMs / 3);
  }

  get granted(): number {
    return this.#call.reservation.granted;
  }

  /** Books what was used; undefined if that was done before, or can't be done now. */
  async book(ending: Ending): Promise<SettlementResult | undefined> {
    if (this.#end()) return undefined;
    const { reservation, tariff } = this.#call;
    const counted = await this.#dearest(tariff, ending);
    const whole = counted.amountOf(ending.usage);
    const amount = Math.min(ending.isReported ? whole : Math.min(whole, this.granted), limits.amount);
    const { unit } = tariff;
    const { confidence } = ending;
    const usage = this.#bookedUsage(counted, ending);
    return this.#settle({ op: "commit", id: reservation.id, amount, unit, confidence, usage });
  }

  /** Gives the hold back: the provider refused the call, or never had it. */
  async giveBack(): Promise<void> {
    if (this.#end()) return;
    await this.#settle({ op: "release", id: this.#call.reservation.id });
  }

  /** At the price of the model that answered, if that is the dearer one: an alias must not make a call cheap. */
  async #dearest(tariff: Tariff, { model, usage }: Ending): Promise<Tariff> {
    const { books, provider } = this.#call;
    if (tariff.price === undefined || model === undefined || model === this.#call.model) return tariff;
    const price = await books.priceOf(provider, model).catch(() => undefined);
    const other = price === undefined ? tariff : inMicrousd(price);
    return other.amountOf(usage) > tariff.amountOf(usage) ? other : tariff;
  }

  #bookedUsage({ price }: Tariff, { usage, isReported, model }: Ending): BookedUsage {
    const { input, output, cacheRead, cacheWrite, reasoning } = usage;
    return {
      provider: this.#call.provider,
      model: (model ?? this.#call.model).slice(0, limits.modelLength),
      input,
      output,
      cache_read: cacheRead,
      cache_write: cacheWrite,
      reasoning,
      ...(isReported ? undefined : { estimated: true }),
      ...(price === undefined ? undefined : { price: { version: price.version, ...ratesAt(price, input) } }),
    };
  }

  async #settle(command: Command): Promise<SettlementResult | undefined> {
    const { id } = this.#call.reservation;
    try {
      const outcome = await this.#run(command);
      if (outcome?.ok === true) return outcome.result as SettlementResult;
      logUnsettled(id, outcome?.refusal.code ?? "no outcome");
    } catch (error) {
      logUnsettled(id, error instanceof Error ? error.name : "unknown");
    }
    return undefined;
  }

  /** As Bursar itself: a key that was revoked meanwhile must not leave what was spent unbooked. */
  async #run(command: Command) {
    const [outcome] = await this.#call.books.ask((pool) => pool.run(bursar, [command]));
    return outcome;
  }

  /** True if it was over before. */
  #end(): boolean {
    const wasOver = this.#isOver;
    this.#isOver = true;
    clearInterval(this.#alive);
    return wasOver;
  }
}

/** Headers that say what a call was granted and what its agent has left. */
export function standingHeaders(
  { unit }: Tariff,
  { id, granted }: ReservationResult,
  agent: NamedAgentView | null,
): Record<string, string> {
  return {
    "x-bursar-reservation": id,
    [`x-bursar-granted-${unit}`]: String(granted),
    ...(agent === null ? undefined : { [`x-bursar-remaining-${unit}`]: String(agent.remaining) }),
  };
}
