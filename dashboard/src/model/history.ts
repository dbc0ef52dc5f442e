/**
 * A pool's past: its events, and checkpoints of the state between them, so that the state at any event takes a short fold (by
 * the governor's own engine). The oldest events are dropped when the page has been open for long.
 */
import { evolve } from "../../../src/engine/evolve.ts";
import { fromImage, type PoolImage, toImage } from "../../../src/engine/image.ts";
import { emptyPool, type Pool } from "../../../src/engine/state.ts";
import type { JournalEvent } from "../../../src/protocol/journal.ts";

/**
 * Events between two states that are kept: a state remembers up to 40,000 outcomes, some megabytes, and a fold of so
 * many events takes some ten milliseconds.
 */
const stride = 25_000;
/** Events that are kept: some hundred bytes each. */
const most = 150_000;
/** How many events are dropped at once, when there are more. */
const share = 50_000;

export class History {
  /** Events in order; the first has the number `base + 1`. */
  #events: JournalEvent[] = [];
  /** What the pool had consumed after each of them. */
  #consumed: number[] = [];
  /** The agent of each reservation. */
  #owners = new Map<string, string>();
  #base: number;
  #kept: PoolImage[];
  readonly #head: Pool;
  /** The state that was last asked for: a view of one moment asks for it often. */
  #last: { readonly seq: number; readonly pool: Pool } | undefined;

  constructor(image?: PoolImage) {
    const start = image ?? toImage(emptyPool());
    this.#base = start.head.seq;
    this.#kept = [structuredClone(start)];
    this.#head = fromImage(structuredClone(start));
    for (const known of this.#head.remembered.values()) {
      if (known.op === "reserve") this.#owners.set(known.id, known.agent);
    }
  }

  get events(): readonly JournalEvent[] {
    return this.#events;
  }

  get consumed(): readonly number[] {
    return this.#consumed;
  }

  get owners(): ReadonlyMap<string, string> {
    return this.#owners;
  }

  /** The state is known from here on. */
  get base(): number {
    return this.#base;
  }

  /** The state after the last event. Not to be changed. */
  get head(): Pool {
    return this.#head;
  }

  get last(): number {
    return this.#base + this.#events.length;
  }

  event(seq: number): JournalEvent | undefined {
    return this.#events[seq - this.#base - 1];
  }

  add(event: JournalEvent): void {
    if (event.seq !== this.last + 1) return;
    evolve(this.#head, event);
    this.#events.push(event);
    this.#consumed.push(this.#head.consumed);
    if (event.type === "reserved") this.#owners.set(event.id, event.agent);
    if (this.#events.length % stride === 0) this.#kept.push(structuredClone(toImage(this.#head)));
    if (this.#events.length > most) this.#letGo();
  }

  /** The state after event `seq`. Not to be changed. */
  at(seq: number): Pool {
    const wanted = Math.max(this.#base, Math.min(seq, this.last));
    if (this.#last?.seq !== wanted) this.#last = { seq: wanted, pool: this.#foldTo(wanted) };
    return this.#last.pool;
  }

  #foldTo(wanted: number): Pool {
    const index = Math.floor((wanted - this.#base) / stride);
    const kept = this.#kept[index] ?? this.#kept[0];
    if (kept === undefined) throw new Error("no state is kept");
    const pool = fromImage(structuredClone(kept));
    for (let i = index * stride; i < wanted - this.#base; i++) {
      const event = this.#events[i];
      if (event !== undefined) evolve(pool, event);
    }
    return pool;
  }

  #letGo(): void {
    for (const event of this.#events.slice(0, share)) {
      if (event.type === "reserved" && !this.#head.remembered.has(event.id)) this.#owners.delete(event.id);
    }
    this.#events = this.#events.slice(share);
    this.#consumed = this.#consumed.slice(share);
    this.#kept = this.#kept.slice(share / stride);
    this.#base += share;
  }
}

/** The agent of an event, or of the reservation that it is about. */
export function ownerOf(event: JournalEvent, owners: ReadonlyMap<string, string>): string | undefined {
  if ("agent" in event) return event.agent ?? undefined;
  return "id" in event ? owners.get(event.id) : undefined;
}
