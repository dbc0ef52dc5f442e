/** Burn rates: how fast the pool and each agent consume budget, by the governor's clock. */

/** Long enough to be steady, short enough to be now. */
const spanMs = 60_000;

type Spend = { readonly at: number; readonly agent: string; readonly amount: number };

export class Burn {
  #spends: Spend[] = [];
  #first = 0;

  /** What `agent` consumed at `at`; below zero where a late commit corrects a charge. */
  add(at: number, agent: string, amount: number): void {
    this.#letGo(at);
    this.#spends.push({ at, agent, amount });
  }

  /** Units a second, in the minute before `now`; of one agent, or of all. */
  rate(now: number, agent?: string): number {
    this.#letGo(now);
    let sum = 0;
    for (let i = this.#first; i < this.#spends.length; i++) {
      const spend = this.#spends[i];
      if (spend !== undefined && (agent === undefined || spend.agent === agent)) sum += spend.amount;
    }
    return Math.max(0, sum) / (spanMs / 1_000);
  }

  #letGo(now: number): void {
    while ((this.#spends[this.#first]?.at ?? now) < now - spanMs) this.#first++;
    if (this.#first > 10_000) {
      this.#spends = this.#spends.slice(this.#first);
      this.#first = 0;
    }
  }
}

/** The time to exhaustion at this rate, in milliseconds; infinite if nothing is consumed. */
export function exhaustedIn(left: number, ratePerSecond: number): number {
  return ratePerSecond <= 0 ? Number.POSITIVE_INFINITY : (Math.max(0, left) / ratePerSecond) * 1_000;
}
