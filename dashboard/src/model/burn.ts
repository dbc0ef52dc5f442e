/** How fast budget is consumed: by the pool and by each agent, over the last while, by the governor's clock. */
import type { Pool } from "../../../src/engine/state.ts";
import type { JournalEvent } from "../../../src/protocol/events.ts";

/** Long enough to be steady, short enough to be now. */
const spanMs = 60_000;

type Spend = { readonly at: number; readonly agent: string; readonly amount: number };

export class Burn {
  #spends: Spend[] = [];
  #first = 0;

  /** Takes an event before it is applied: what it adds to what `owner` has consumed. */
  add(event: JournalEvent, owner: string | undefined, pool: Pool): void {
    const spend = spendOf(event, owner, pool);
    if (spend !== undefined && spend.amount > 0) this.#spends.push(spend);
  }

  /** Units a second, in the minute before `now`; of one agent, or of all. */
  rate(now: number, agent?: string): number {
    while ((this.#spends[this.#first]?.at ?? now) < now - spanMs) this.#first++;
    if (this.#first > 10_000) {
      this.#spends = this.#spends.slice(this.#first);
      this.#first = 0;
    }
    let sum = 0;
    for (let i = this.#first; i < this.#spends.length; i++) {
      const spend = this.#spends[i];
      if (spend !== undefined && (agent === undefined || spend.agent === agent)) sum += spend.amount;
    }
    return sum / (spanMs / 1_000);
  }
}

function spendOf(event: JournalEvent, owner: string | undefined, pool: Pool): Spend | undefined {
  switch (event.type) {
    case "committed":
      return owner === undefined ? undefined : { at: event.at, agent: owner, amount: event.amount };
    case "recorded":
      return { at: event.at, agent: event.agent, amount: event.amount };
    case "expired": {
      const known = pool.remembered.get(event.id);
      return known?.op === "reserve" ? { at: event.at, agent: known.agent, amount: event.charged } : undefined;
    }
    default:
      return undefined;
  }
}

/** When what is left is gone at this rate, in milliseconds from now; never, if nothing burns. */
export function exhaustedIn(left: number, ratePerSecond: number): number {
  return ratePerSecond <= 0 ? Number.POSITIVE_INFINITY : (Math.max(0, left) / ratePerSecond) * 1_000;
}
