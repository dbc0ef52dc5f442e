/**
 * What a pool does besides deciding: its notifications are handed over to the tenant's webhooks, and its journal is shipped
 * and trimmed. All of it by the alarm, never on a caller's way. Kept here is when which of them is needed; what can't be
 * done now is left for the next alarm.
 */

import { limits } from "../protocol/limits.ts";
import type { PoolSettings } from "../protocol/pool.ts";
import type { Notification, NotificationType } from "../protocol/webhook.ts";
import { gatherExpired, handedOver, hasUnwanted, waitingNotifications, wantedAfterAll } from "./outbox.ts";
import { schemaVersion } from "./schema.ts";
import { segmentLength } from "./shipping.ts";
import type { PoolStorage } from "./storage.ts";

/** Notifications wait so long before they are handed over: what happens meanwhile goes along, for one alarm. */
const handOverMs = 1_000;
/** If they were not taken over: when to try again. */
const handOverAgainMs = 30_000;
/** For how long a pool believes that no webhook wants a type of notification. */
const unwantedMs = 60_000;

/** How long what happens may stay here alone, where there is an archive … */
const archiveMs = 3_600_000;
/** … unless it is as much as a segment: then it is shipped at once. */
const archiveSoonMs = 1_000;
/** If the archive was out of reach: when to try again. */
const archiveAgainMs = 300_000;

/** How the tasks are done. */
export type Tasks = {
  /** Stores notifications elsewhere, and says which types webhooks want. */
  readonly deliverNotifications: (notifications: readonly Notification[]) => Promise<readonly NotificationType[]>;
  /** Ships and trims the journal; gives when that is needed again though nothing happens, if it is. */
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
  /** When the journal is to be shipped or trimmed; undefined while nothing calls for it, or after waking. */
  #archiveAt: number | undefined;
  /** Characters that were written since it was shipped last. */
  #unshipped = 0;
  #generation = 0;

  constructor(storage: PoolStorage, clock: () => number, isArchived: boolean) {
    this.#storage = storage;
    this.#clock = clock;
    this.#isArchived = isArchived;
  }

  /** When an errand is due; infinite while none is. */
  get nextAt(): number {
    return Math.min(this.#handOverAt ?? Number.POSITIVE_INFINITY, this.#archiveAt ?? Number.POSITIVE_INFINITY);
  }

  /** Which of the pools that have had this name since waking it is: a running task must not go on in the next one. */
  get generation(): number {
    return this.#generation;
  }

  /** After waking: whether notifications wait whose alarm may have been lost. */
  start(): boolean {
    if (waitingNotifications(this.#storage, 1).length === 0) return false;
    this.#handOverAt = this.#clock();
    return true;
  }

  /** The pool is gone, or another has its name. */
  forget(): void {
    this.#generation++;
    this.#handOverAt = undefined;
    this.#archiveAt = undefined;
    this.#unshipped = 0;
  }

  /** Whether a notification of this type is worth a row: a webhook wants it, or that was not asked lately. */
  isWanted(type: NotificationType): boolean {
    // Whatever is said once in a period is kept for a webhook that is made later.
    if (type !== "reservation.expired") return true;
    const isKnown = this.#wanted !== undefined && Math.abs(this.#clock() - this.#wanted.at) < unwantedMs;
    return !isKnown || this.#wanted?.types.has(type) === true;
  }

  /** So many characters of journal, and so many notifications, have just been written. */
  wrote(settings: PoolSettings | null, characters: number, notifications: number): void {
    const now = this.#clock();
    if (notifications > 0) this.#handOverAt ??= now + handOverMs;
    if (settings === null || !this.#isKept(settings)) return;
    this.#unshipped += characters;
    const at = now + (this.#unshipped >= segmentLength ? archiveSoonMs : archiveMs);
    this.#archiveAt = Math.min(this.#archiveAt ?? at, at);
  }

  /** Runs what is due; notifications at every alarm, for an alarm that runs costs nothing more. */
  async run(settings: PoolSettings | null, { deliverNotifications, archiveJournal }: Tasks): Promise<void> {
    // Warnings that no webhook wanted are offered again, at an alarm that runs anyway.
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
      // Nothing is kept any more: a moment that is left standing would set the alarm for ever.
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
      // A pool that was deleted meanwhile has nothing to keep.
      if (schemaVersion(this.#storage) > 0) this.#archiveAt = this.#clock() + archiveAgainMs;
    }
  }

  /** Whether the journal is shipped or trimmed at all. */
  #isKept({ journal_days }: PoolSettings): boolean {
    return this.#isArchived || journal_days !== null;
  }
}
