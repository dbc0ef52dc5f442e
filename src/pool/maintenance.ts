/**
 * Background work of a pool: handing notifications over to the tenant's webhooks, and shipping and trimming the journal. All
 * of it runs in the alarm, never in a request. Here is decided when each task is due; what fails is tried at a later alarm.
 */

import { limits } from "../protocol/limits.ts";
import type { PoolSettings } from "../protocol/pool.ts";
import type { Notification, NotificationType } from "../protocol/webhook.ts";
import { gatherExpired, handedOver, hasUnwanted, waitingNotifications, wantedAfterAll } from "./outbox.ts";
import { schemaVersion } from "./schema.ts";
import { segmentLength } from "./shipping.ts";
import type { PoolStorage } from "./storage.ts";

/** How long notifications wait before they are handed over, so that those of a second share one alarm. */
const handOverMs = 1_000;
/** When to try again after a hand-over that failed. */
const handOverAgainMs = 30_000;
/** How long a pool caches which types of notification webhooks want. */
const unwantedMs = 60_000;

/** How long events may be stored in the pool alone, where there is an archive … */
const archiveMs = 3_600_000;
/** … unless they fill a segment, which is shipped at once. */
const archiveSoonMs = 1_000;
/** When to try again after the archive could not be reached. */
const archiveAgainMs = 300_000;

/** The tasks themselves. */
export type Tasks = {
  /** Hands notifications over; returns which types webhooks want. */
  readonly deliverNotifications: (notifications: readonly Notification[]) => Promise<readonly NotificationType[]>;
  /** Ships and trims the journal; returns when it is due again without new events, if it is. */
  readonly archiveJournal: (settings: PoolSettings) => Promise<number | undefined>;
};

export class Maintenance {
  readonly #storage: PoolStorage;
  readonly #clock: () => number;
  readonly #isArchived: boolean;
  /** When notifications are to be handed over; undefined while there are none. */
  #handOverAt: number | undefined;
  /** Which types webhooks wanted when notifications were last handed over, and when that was. */
  #wanted: { readonly types: ReadonlySet<NotificationType>; readonly at: number } | undefined;
  /** When the journal is to be shipped or trimmed; undefined while nothing is due, and after waking. */
  #archiveAt: number | undefined;
  /** Characters of journal written since it was last shipped. */
  #unshipped = 0;
  #generation = 0;

  constructor(storage: PoolStorage, clock: () => number, isArchived: boolean) {
    this.#storage = storage;
    this.#clock = clock;
    this.#isArchived = isArchived;
  }

  /** When the next task is due; infinite while none is. */
  get nextAt(): number {
    return Math.min(this.#handOverAt ?? Number.POSITIVE_INFINITY, this.#archiveAt ?? Number.POSITIVE_INFINITY);
  }

  /** Counts the pools that have had this name since waking: a running task must not continue in the next one. */
  get generation(): number {
    return this.#generation;
  }

  /** Called after waking: true if notifications wait whose alarm may have been lost. */
  start(): boolean {
    if (waitingNotifications(this.#storage, 1).length === 0) return false;
    this.#handOverAt = this.#clock();
    return true;
  }

  /** The pool was deleted or replaced: nothing of it is due any more. */
  forget(): void {
    this.#generation++;
    this.#handOverAt = undefined;
    this.#archiveAt = undefined;
    this.#unshipped = 0;
  }

  /** Whether a notification of this type is stored: a webhook wants it, or it is not known whether one does. */
  isWanted(type: NotificationType): boolean {
    // Warnings are given once in a period, so they are kept for a webhook that is created later.
    if (type !== "reservation.expired") return true;
    const isKnown = this.#wanted !== undefined && Math.abs(this.#clock() - this.#wanted.at) < unwantedMs;
    return !isKnown || this.#wanted?.types.has(type) === true;
  }

  /** Called after each flush, with how many characters of journal and how many notifications it wrote. */
  wrote(settings: PoolSettings | null, characters: number, notifications: number): void {
    const now = this.#clock();
    if (notifications > 0) this.#handOverAt ??= now + handOverMs;
    if (settings === null || !this.#isKept(settings)) return;
    this.#unshipped += characters;
    const at = now + (this.#unshipped >= segmentLength ? archiveSoonMs : archiveMs);
    this.#archiveAt = Math.min(this.#archiveAt ?? at, at);
  }

  /** Runs what is due; notifications at every alarm, since it runs anyway. */
  async run(settings: PoolSettings | null, { deliverNotifications, archiveJournal }: Tasks): Promise<void> {
    // Warnings that no webhook wanted are offered again: one may have been created since.
    if (this.#handOverAt === undefined && hasUnwanted(this.#storage)) this.#handOverAt = this.#clock();
    await this.#handOver(deliverNotifications);
    await this.#archiveJournal(settings, archiveJournal);
  }

  async #handOver(deliverNotifications: Tasks["deliverNotifications"]): Promise<void> {
    const generation = this.#generation;
    while (this.#handOverAt !== undefined) {
      this.#handOverAt = undefined;
      try {
        gatherExpired(this.#storage);
        const notifications = waitingNotifications(this.#storage, limits.notificationsAtOnce);
        const last = notifications.at(-1);
        const types = new Set(await deliverNotifications(notifications));
        if (this.#generation !== generation) return;
        this.#wanted = { types, at: this.#clock() };
        if (last !== undefined) handedOver(this.#storage, last.seq, types);
        wantedAfterAll(this.#storage, types);
        if (waitingNotifications(this.#storage, 1).length > 0) this.#handOverAt = this.#clock();
      } catch {
        if (schemaVersion(this.#storage) > 0) this.#handOverAt = this.#clock() + handOverAgainMs;
        return;
      }
    }
  }

  async #archiveJournal(settings: PoolSettings | null, archiveJournal: Tasks["archiveJournal"]): Promise<void> {
    if (settings === null || !this.#isKept(settings)) {
      // Nothing is archived any more: a time that stayed set would make the alarm run for ever.
      this.#archiveAt = undefined;
      return;
    }
    if (this.#archiveAt !== undefined && this.#archiveAt > this.#clock()) return;
    this.#archiveAt = undefined;
    this.#unshipped = 0;
    try {
      const next = await archiveJournal(settings);
      if (next !== undefined) this.#archiveAt = Math.min(this.#archiveAt ?? next, next);
    } catch {
      // A pool that was deleted meanwhile has no journal.
      if (schemaVersion(this.#storage) > 0) this.#archiveAt = this.#clock() + archiveAgainMs;
    }
  }

  /** Whether the journal of this pool is shipped or trimmed at all. */
  #isKept({ journal_days }: PoolSettings): boolean {
    return this.#isArchived || journal_days !== null;
  }
}
