/** A live pool: its state (folded by the engine), what has just happened in it, and the state of the connection. */
import { batch, signal } from "@preact/signals";
import { BursarError, type Pool as RemotePool } from "../../../src/client/index.ts";
import type { Pool } from "../../../src/engine/state.ts";
import type { LiveRefusal } from "../../../src/protocol/frames.ts";
import type { JournalEvent } from "../../../src/protocol/journal.ts";
import type { Unit } from "../../../src/protocol/unit.ts";
import { Burn } from "./burn.ts";
import { History, ownerOf } from "./history.ts";
import { snapshotOf } from "./snapshot.ts";
import { whyRefused } from "./words.ts";

/** A pool of more events than this is shown from now on, and not from its beginning: the page would fill up. */
const historyMost = 100_000;
const refusalsKept = 500;
/** Moves that are drawn at once; more would be a blur. */
const movesMost = 60;

/** Budget that has just moved: drawn while it is fresh. */
export type Move = {
  readonly id: number;
  readonly from: string | null;
  readonly to: string;
  readonly amount: number;
  readonly at: number;
};
/** How long that is. */
const freshMs = 3_000;

/** A refusal, and why, by how things stood when it came. */
export type Refused = LiveRefusal & { readonly why: string };

export type Status =
  | { readonly kind: "loading"; readonly share: number }
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly why: string }
  /** The governor refused: the pool was deleted, or the key revoked. */
  | { readonly kind: "ended"; readonly why: string };

export class PoolFeed {
  readonly name: string;
  readonly remote: RemotePool;
  readonly status = signal<Status>({ kind: "loading", share: 0 });
  /** Incremented whenever the state has changed; every view of it reads this. */
  readonly version = signal(0);
  /** The same, but no more than twice a second: for what looks at the whole journal. */
  readonly slowVersion = signal(0);
  /** The latest of them; `refusedCount` is how many there were since the page was opened. */
  readonly refusals = signal<readonly Refused[]>([]);
  refusedCount = 0;
  /** Whether the whole journal has been read once. */
  wasLive = false;
  readonly moves = signal<readonly Move[]>([]);
  history = new History();
  burn = new Burn();
  readonly #stop = new AbortController();
  #isDrawn = true;
  #moves = 0;
  /** How far this browser's clock is ahead of the governor's, as far as events have shown. */
  #ahead: number | undefined;
  /** Events since the last frame. */
  #fresh: JournalEvent[] = [];

  constructor(remote: RemotePool) {
    this.name = remote.name;
    this.remote = remote;
    const timer = setInterval(() => {
      this.slowVersion.value = this.version.peek();
    }, 500);
    this.#stop.signal.addEventListener("abort", () => clearInterval(timer));
    void this.#run();
  }

  get state(): Pool {
    return this.history.head;
  }

  /** The governor's time. */
  now(): number {
    return Date.now() - (this.#ahead ?? 0);
  }

  /** Retries after a refusal. The pool may then be another one of the same name. */
  again(): void {
    if (this.status.value.kind !== "ended") return;
    this.history = new History();
    this.burn = new Burn();
    this.wasLive = false;
    this.status.value = { kind: "lost", why: "trying again" };
    void this.#run();
  }

  get unit(): Unit {
    return this.state.settings?.unit ?? "tokens";
  }

  stop(): void {
    this.#stop.abort();
  }

  async #run(): Promise<void> {
    const { signal: ended } = this.#stop;
    for (let failures = 0; !ended.aborted; failures++) {
      try {
        await this.#load();
        this.wasLive = true;
        this.status.value = { kind: "live" };
        failures = 0;
        const watching = this.remote.watch({
          after: this.history.last,
          signal: ended,
          refused: (refusal) => this.#refused(refusal),
        });
        for await (const event of watching) this.#happened(event);
      } catch (error) {
        if (ended.aborted) return;
        const why = error instanceof Error ? error.message : String(error);
        // A refusal is an answer: retrying would not change it.
        const isNo = error instanceof BursarError && error.status >= 400 && error.status < 500 && error.status !== 429;
        this.status.value = { kind: isNo ? "ended" : "lost", why };
        if (isNo) return;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 500 * 2 ** failures)));
    }
  }

  /** All events from where we are to now; for a pool of very many, the state as it is. */
  async #load(): Promise<void> {
    const { seq } = await this.remote.ledger();
    // Deleted and created again: a new pool, of which nothing is known.
    if (seq < this.history.last) {
      this.history = new History();
      this.burn = new Burn();
    }
    if (this.history.last === 0 && (seq > historyMost || (await this.remote.archived()).trimmed > 0)) {
      this.history = new History(await snapshotOf(this.name));
    }
    const first = this.history.last;
    for (let after = first; after < seq && !this.#stop.signal.aborted; after = this.history.last) {
      const { events } = await this.remote.journal(after, 1_000);
      if (events.length === 0) return;
      for (const event of events) this.#take(event);
      this.status.value = { kind: "loading", share: (this.history.last - first) / (seq - first) };
      this.version.value++;
    }
    this.version.value++;
  }

  #take(event: JournalEvent): void {
    const before = this.state.consumed;
    this.history.add(event);
    const consumed = this.state.consumed - before;
    const owner = ownerOf(event, this.history.owners);
    // A reset forgets what was consumed; nothing comes back by it.
    if (consumed !== 0 && owner !== undefined && event.type !== "reset") this.burn.add(event.at, owner, consumed);
  }

  #happened(event: JournalEvent): void {
    this.#take(event);
    // The least delay that was seen is the difference of the clocks, nearly.
    this.#ahead = Math.min(this.#ahead ?? Number.POSITIVE_INFINITY, Date.now() - event.at);
    const isMove = "transfers" in event && event.transfers.length > 0;
    if (isMove && this.#fresh.length < movesMost) this.#fresh.push(event);
    if (!this.#isDrawn) return;
    // However much happens, it is drawn once a frame; a hidden page has none, and is kept true by a timer.
    this.#isDrawn = false;
    const frame = requestAnimationFrame(() => {
      clearTimeout(timer);
      this.#draw();
    });
    const timer = setTimeout(() => {
      cancelAnimationFrame(frame);
      this.#draw();
    }, 1_000);
  }

  #draw(): void {
    this.#isDrawn = true;
    const fresh = this.#fresh;
    this.#fresh = [];
    batch(() => {
      this.version.value++;
      this.status.value = { kind: "live" };
      const moved = fresh.flatMap((one) => this.#movesOf(one));
      if (moved.length === 0) return;
      this.moves.value = [...this.moves.value, ...moved].slice(-movesMost);
      setTimeout(() => {
        this.moves.value = this.moves.value.filter(({ at }) => Date.now() - at < freshMs);
      }, freshMs);
    });
  }

  #movesOf(event: JournalEvent): Move[] {
    if (!("transfers" in event)) return [];
    const to = ownerOf(event, this.history.owners);
    const at = Date.now();
    return to === undefined
      ? []
      : event.transfers.map(({ from, amount }) => ({ id: this.#moves++, from, to, amount, at }));
  }

  #refused(refusal: LiveRefusal): void {
    this.refusedCount++;
    const why = whyRefused(refusal.code, this.state, refusal.agent);
    this.refusals.value = [{ ...refusal, why }, ...this.refusals.value].slice(0, refusalsKept);
  }
}
