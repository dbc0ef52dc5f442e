/**
 * The end of a governed call: booked once or given back once, whatever happens, and its lease kept alive until then.
 * If this Worker dies, or its pool can't be reached any more, the lease ends and the hold is booked whole: no caller
 * gets a call for free by hanging up.
 */
import { logUnsettled } from "../http/log.ts";
import { bookedUsage } from "../pricing/booked.ts";
import { inMicrousd } from "../pricing/microusd.ts";
import type { Provider } from "../pricing/table.ts";
import type { Tariff } from "../pricing/tariff.ts";
import type { NamedAgentView } from "../protocol/agent.ts";
import { systemCaller } from "../protocol/caller.ts";
import type { Command } from "../protocol/commands.ts";
import { limits } from "../protocol/limits.ts";
import type { ReservationResult, SettlementResult } from "../protocol/reservation.ts";
import type { Usage } from "../providers/shape.ts";
import { type Books, isOwn } from "./books.ts";
import type { CallTrace } from "./trace.ts";

/** What is known of a call's end. */
export type Ending = {
  readonly usage: Usage;
  /** Whether the provider reported it; otherwise it is an estimate, and never booked above the hold, … */
  readonly isReported: boolean;
  /** … except for what the provider did report before the answer broke off. */
  readonly atLeast: Usage | undefined;
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
  readonly trace: CallTrace;
};

/** Pauses before a settlement is tried again, while the platform lets a request run on. */
const pausesMs = [200, 500, 1_000, 2_000, 4_000, 8_000];

export class Settlement {
  readonly #call: Governed;
  readonly #waitUntil: (promise: Promise<unknown>) => void;
  readonly #alive: ReturnType<typeof setInterval>;
  #isOver = false;

  constructor(call: Governed, waitUntil: (promise: Promise<unknown>) => void) {
    this.#call = call;
    this.#waitUntil = waitUntil;
    const { reservation, ttlMs } = call;
    // A third of the lease: two extensions may fail before it ends.
    this.#alive = setInterval(() => {
      const extend = { op: "extend", id: reservation.id, ttl_ms: ttlMs, on_expiry: "charge" } as const;
      void this.#run(extend).catch(() => undefined);
    }, ttlMs / 3);
  }

  /** Books what was used, of a call that may have failed all the same (`failure`: a problem's code); undefined if that was done before, or can't be done at once. */
  async book(ending: Ending, failure?: string): Promise<SettlementResult | undefined> {
    if (this.#end()) return undefined;
    const { reservation, tariff: reserved, provider, model: asked, trace } = this.#call;
    const { usage, confidence, isReported, model = asked } = ending;
    const tariff = await this.#dearest(reserved, ending);
    const booked = bookedUsage(usage, tariff, { provider, model, isReported });
    const amount = amountOf(ending, tariff, reservation.granted);
    const { unit } = tariff;
    const settled = await this.#settle({ op: "commit", id: reservation.id, amount, unit, confidence, usage: booked });
    trace.used(usage, model, isReported);
    trace.end(settled && { amount: settled.consumed, unit }, failure ?? (settled ? undefined : "unsettled"));
    return settled;
  }

  /** Gives the hold back: the provider refused the call, or never had it. `why` is a problem's code, or a status. */
  async giveBack(why: string): Promise<void> {
    if (this.#end()) return;
    await this.#settle({ op: "release", id: this.#call.reservation.id });
    this.#call.trace.end(undefined, why);
  }

  /** At the price of the model that answered, if that is the dearer one: an alias must not make a call cheap. */
  async #dearest(tariff: Tariff, { model, usage }: Ending): Promise<Tariff> {
    const { books, provider } = this.#call;
    const { price } = tariff;
    if (price === undefined || model === undefined || model === this.#call.model) return tariff;
    // A tenant that set a price for a name set it for what answers by that name, unless it priced that, too.
    const other = await books.priceOf(provider, model, isOwn(price)).catch(() => undefined);
    const otherwise = other === undefined ? tariff : inMicrousd(other);
    return otherwise.amountOf(usage) > tariff.amountOf(usage) ? otherwise : tariff;
  }

  /** Settles now, if the pool can be reached; if not, again and again while it may, and its lease is kept alive. */
  async #settle(command: Command): Promise<SettlementResult | undefined> {
    try {
      return await this.#once(command);
    } catch {
      this.#waitUntil(this.#again(command));
      return undefined;
    }
  }

  async #again(command: Command): Promise<void> {
    for (const ms of pausesMs) {
      await new Promise((resolve) => setTimeout(resolve, ms));
      try {
        await this.#once(command);
        return;
      } catch {
        // The next pause is longer.
      }
    }
    clearInterval(this.#alive);
    logUnsettled(this.#call.reservation.id, "the pool can't be reached");
  }

  async #once(command: Command): Promise<SettlementResult | undefined> {
    const outcome = await this.#run(command);
    const { reservation, tariff } = this.#call;
    if (outcome?.ok === true) {
      const result = outcome.result as SettlementResult;
      if (command.op === "release" && result.state === "expired") {
        // Its lease had ended, and was charged: a commit of nothing corrects it.
        return this.#once({ op: "commit", id: reservation.id, amount: 0, unit: tariff.unit });
      }
      clearInterval(this.#alive);
      return result;
    }
    clearInterval(this.#alive);
    logUnsettled(reservation.id, outcome?.refusal.code ?? "no outcome");
    return undefined;
  }

  /** As Bursar itself: a key that was revoked meanwhile must not leave what was spent unbooked. */
  async #run(command: Command) {
    const { outcomes } = await this.#call.books.ask((pool) => pool.execute(systemCaller, [command]));
    const [outcome] = outcomes;
    return outcome;
  }

  /** True if it was over before. */
  #end(): boolean {
    const wasOver = this.#isOver;
    this.#isOver = true;
    return wasOver;
  }
}

/**
 * A report is booked whatever it is; an estimate up to the hold, but never below what was reported of it. A provider that
 * delivered twice the hold kept no limit: there the hold is none for the estimate either.
 */
function amountOf({ usage, isReported, atLeast }: Ending, tariff: Tariff, granted: number): number {
  const whole = tariff.amountOf(usage);
  const held = whole > 2 * granted ? whole : Math.min(whole, granted);
  const estimate = Math.max(held, atLeast === undefined ? 0 : tariff.amountOf(atLeast));
  return Math.min(isReported ? whole : estimate, limits.amount);
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
