/**
 * The queue of reservations that wait for budget: by priority, then first come, first served. One that can't be granted yet
 * lets others pass. Several calls may wait for one reservation, when a caller reconnects with the same id: the reservation
 * leaves the queue with the last of them.
 */
import type { Outcome } from "../protocol/commands.ts";
import type { ReserveCommand } from "../protocol/reservation.ts";

/** A call that waits: one attempt of a caller. */
export type WaitingCall = {
  /** Names the call, so that it can leave. */
  readonly ticket: string;
  /** The key that it was sent with, and when that expires. */
  readonly keyId: string | null;
  readonly keyExpiresAt: number;
  /** When it times out and is refused. */
  readonly until: number;
};

/** Settles the promise of a call. */
type Resolver = {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (reason: unknown) => void;
};

type PendingCall = WaitingCall & Resolver;

/** A call that has left the queue, and its outcome. */
export type Resolution = { readonly call: Resolver; readonly outcome: Outcome };

export class Waiter {
  readonly command: ReserveCommand;
  priority: number;
  readonly #calls = new Map<string, PendingCall>();

  constructor(command: ReserveCommand, priority: number) {
    this.command = command;
    this.priority = priority;
  }

  get calls(): IterableIterator<WaitingCall> {
    return this.#calls.values();
  }

  /** How many calls wait for it. */
  get size(): number {
    return this.#calls.size;
  }

  add(visit: WaitingCall): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#calls.set(visit.ticket, { ...visit, resolve, reject });
    });
  }

  /** Takes a call away; undefined if it is not here. */
  remove(ticket: string): Resolver | undefined {
    const call = this.#calls.get(ticket);
    this.#calls.delete(ticket);
    return call;
  }

  /** Answers every call. */
  resolve(outcome: Outcome): void {
    for (const call of this.#calls.values()) call.resolve(outcome);
    this.#calls.clear();
  }

  reject(reason: unknown): void {
    for (const call of this.#calls.values()) call.reject(reason);
    this.#calls.clear();
  }
}

/** A reservation that has left the queue, and the outcome of all its calls. */
export type Served = { readonly waiter: Waiter; readonly outcome: Outcome };

export class WaitQueue {
  /** In the order in which they are served. */
  #waiters: Waiter[] = [];
  readonly #byId = new Map<string, Waiter>();
  readonly #byAgent = new Map<string, number>();

  /** How many reservations wait. */
  get size(): number {
    return this.#waiters.length;
  }

  /** How many reservations of this agent's wait. */
  sizeOf(agent: string): number {
    return this.#byAgent.get(agent) ?? 0;
  }

  find(id: string): Waiter | undefined {
    return this.#byId.get(id);
  }

  /** Adds a call for its reservation; a new reservation is queued behind all of the same priority. */
  join(command: ReserveCommand, priority: number, visit: WaitingCall): Promise<Outcome> {
    const known = this.#byId.get(command.id);
    if (known !== undefined) return known.add(visit);
    const waiter = new Waiter(command, priority);
    const behind = this.#waiters.findIndex((other) => other.priority < priority);
    this.#waiters.splice(behind < 0 ? this.#waiters.length : behind, 0, waiter);
    this.#byId.set(command.id, waiter);
    this.#byAgent.set(command.agent, this.sizeOf(command.agent) + 1);
    return waiter.add(visit);
  }

  /** Removes a call, answering it with `outcome`; false if it was not in the queue. */
  leave(id: string, ticket: string, outcome: Outcome): boolean {
    const waiter = this.#byId.get(id);
    const call = waiter?.remove(ticket);
    if (waiter === undefined || call === undefined) return false;
    call.resolve(outcome);
    if (waiter.size === 0) this.#remove([waiter]);
    return true;
  }

  /** Answers the calls for which `outcome` gives one; a reservation leaves the queue with its last call. */
  dismiss(outcome: (visit: WaitingCall, waiter: Waiter) => Outcome | undefined): void {
    for (const { call, outcome: answer } of this.take(outcome)) call.resolve(answer);
  }

  /** As `dismiss`, but the calls are returned for the caller to resolve. */
  take(outcome: (visit: WaitingCall, waiter: Waiter) => Outcome | undefined): Resolution[] {
    const answered: Resolution[] = [];
    const left: Waiter[] = [];
    for (const waiter of this.#waiters) {
      for (const visit of Array.from(waiter.calls)) {
        const answer = outcome(visit, waiter);
        const call = answer === undefined ? undefined : waiter.remove(visit.ticket);
        if (answer === undefined || call === undefined) continue;
        answered.push({ call, outcome: answer });
      }
      if (waiter.size === 0) left.push(waiter);
    }
    this.#remove(left);
    return answered;
  }

  /** When the next call times out, or its key expires; undefined when the queue is empty. */
  get nextUntil(): number | undefined {
    let next = Number.POSITIVE_INFINITY;
    for (const waiter of this.#waiters) {
      for (const { until, keyExpiresAt } of waiter.calls) next = Math.min(next, until, keyExpiresAt);
    }
    return this.#waiters.length === 0 ? undefined : next;
  }

  /** Offers each reservation in order; those that get an outcome leave the queue. The caller resolves their calls. */
  serve(attempt: (waiter: Waiter) => Outcome | undefined): Served[] {
    const served: Served[] = [];
    for (const waiter of this.#waiters) {
      const outcome = attempt(waiter);
      if (outcome !== undefined) served.push({ waiter, outcome });
    }
    this.#remove(served.map(({ waiter }) => waiter));
    return served;
  }

  /** Sorts the queue again after agents' priorities have changed. */
  reorder(priorityOf: (agent: string) => number | undefined): void {
    for (const waiter of this.#waiters) waiter.priority = priorityOf(waiter.command.agent) ?? waiter.priority;
    this.#waiters.sort((a, b) => b.priority - a.priority);
  }

  /** Fails every call. */
  clear(reason: unknown): void {
    const all = this.#waiters;
    this.#remove(all);
    for (const waiter of all) waiter.reject(reason);
  }

  #remove(left: readonly Waiter[]): void {
    if (left.length === 0) return;
    const gone = new Set(left);
    this.#waiters = this.#waiters.filter((waiter) => !gone.has(waiter));
    for (const { command } of left) {
      this.#byId.delete(command.id);
      const others = this.sizeOf(command.agent) - 1;
      if (others > 0) this.#byAgent.set(command.agent, others);
      else this.#byAgent.delete(command.agent);
    }
  }
}
