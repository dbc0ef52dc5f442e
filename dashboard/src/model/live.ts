/** One pool, as it is now: its state out of the engine, what has just happened in it, and whether we still hear of it. */
import { batch, signal } from "@preact/signals";
import { BursarError, type Pool as RemotePool } from "../../../src/client/index.ts";
import type { Pool } from "../../../src/engine/state.ts";
import type { Unit } from "../../../src/protocol/commands.ts";
import type { JournalEvent } from "../../../src/protocol/events.ts";
import type { LiveRefusal } from "../../../src/protocol/frames.ts";
import { Burn } from "./burn.ts";
import { History } from "./history.ts";
import { snapshotOf } from "./snapshot.ts";

/** A pool of more events than this is shown from now on, and not from its beginning: the page would fill up. */
const historyMost = 200_000;
const refusalsKept = 500;

/** Budget that has just moved: drawn while it is fresh. */
export type Move = { readonly from: string | null; readonly to: string; readonly amount: number; readonly at: number };

export type Status =
  | { readonly kind: "loading"; readonly share: number }
  | { readonly kind: "live" }
  | { readonly kind: "lost"; readonly why: string };

export class LivePool {
  readonly name: string;
  readonly remote: RemotePool;
  readonly status = signal<Status>({ kind: "loading", share: 0 });
  /** Counts up whenever the state has changed; read by whatever shows it. */
  readonly version = signal(0);
  /** The same, but no more than twice a second: for what looks at the whole journal. */
  readonly slowVersion = signal(0);
  readonly refusals = signal<readonly LiveRefusal[]>([]);
  readonly moves = signal<readonly Move[]>([]);
  history = new History();
  burn = new Burn();
  readonly #stop = new AbortController();
  #isDrawn = true;
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
        this.status.value = { kind: "lost", why };
        // A no is an answer: asking again would not change it.
        if (error instanceof BursarError && error.status >= 400 && error.status < 500 && error.status !== 429) return;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.min(10_000, 500 * 2 ** failures)));
    }
  }

  /** All events from where we are to now; for a pool of very many, the state as it is. */
  async #load(): Promise<void> {
    const { seq } = await this.remote.ledger();
    if (this.history.last === 0 && seq > historyMost) this.history = new History(await snapshotOf(this.name));
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
    const owner = event.type === "committed" ? this.history.owners.get(event.id) : undefined;
    this.burn.add(event, owner, this.state);
    this.history.add(event);
  }

  #happened(event: JournalEvent): void {
    this.#take(event);
    this.#fresh.push(event);
    if (!this.#isDrawn) return;
    // However much happens, it is drawn once a frame.
    this.#isDrawn = false;
    requestAnimationFrame(() => {
      this.#isDrawn = true;
      const fresh = this.#fresh;
      this.#fresh = [];
      batch(() => {
        this.version.value++;
        this.status.value = { kind: "live" };
        const now = Date.now();
        const moved = fresh.flatMap((one) => movesOf(one, this.history.owners, now));
        const recent = this.moves.value.filter(({ at }) => now - at < 3_000);
        if (moved.length > 0 || recent.length !== this.moves.value.length) {
          this.moves.value = [...recent, ...moved].slice(-60);
        }
      });
    });
  }

  #refused(refusal: LiveRefusal): void {
    this.refusals.value = [refusal, ...this.refusals.value].slice(0, refusalsKept);
  }
}

function movesOf(event: JournalEvent, owners: ReadonlyMap<string, string>, at: number): Move[] {
  if (!("transfers" in event)) return [];
  const to = event.type === "committed" ? owners.get(event.id) : event.agent;
  return to === undefined ? [] : event.transfers.map(({ from, amount }) => ({ from, to, amount, at }));
}
