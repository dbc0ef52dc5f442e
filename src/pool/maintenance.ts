/**
 * What a pool does besides deciding: its notices are handed over to the tenant's webhooks, and its journal is shipped
 * and trimmed. All of it by the alarm, never on a caller's way. Kept here is when which of them is needed; what can't be
 * done now is left for the next alarm.
 */

import { limits } from "../protocol/limits.ts";
import type { PoolSettings } from "../protocol/pool.ts";
import type { Notice, NoticeType } from "../protocol/webhook.ts";
import { gatherExpired, handedOver, hasUnwanted, waitingNotices, wantedAfterAll } from "./outbox.ts";
import { schemaVersion } from "./schema.ts";
import { segmentLength } from "./shipping.ts";
import type { PoolStorage } from "./storage.ts";

/** Notices wait so long before they are handed over: what happens meanwhile goes along, for one alarm. */
const handOverMs = 1_000;
/** If they were not taken over: when to try again. */
const handOverAgainMs = 30_000;
/** For how long a pool believes that no webhook wants a type of notice. */
const unwantedMs = 60_000;

/** How long what happens may stay here alone, where there is an archive … */
const keepMs = 3_600_000;
/** … unless it is as much as a segment: then it is shipped at once. */
const keepSoonMs = 1_000;
/** If the archive was out of reach: when to try again. */
const keepAgainMs = 300_000;

/** How the tasks are done. */
export type Tasks = {
  /** Stores notices elsewhere, and says which types webhooks want. */
  readonly tell: (notices: readonly Notice[]) => Promise<readonly NoticeType[]>;
  /** Ships and trims the journal; gives when that is needed again though nothing happens, if it is. */
  readonly keep: (settings: PoolSettings) => Promise<number | undefined>;
};

export class Maintenance {
  readonly #storage: PoolStorage;
  readonly #clock: () => number;
  readonly #isArchived: boolean;
  /** When notices are to be handed over; undefined while there are none. */
  #handOverAt: number | undefined;
  /** Which types webhooks wanted when notices were last handed over, and when that was. */
  #wanted: { readonly types: ReadonlySet<NoticeType>; readonly at: number } | undefined;
  /** When the journal is to be shipped or trimmed; undefined while nothing calls for it, or after waking. */
  #keepAt: number | undefined;
  /** Characters that were written since it was shipped last. */
  #unshipped = 0;
  #life = 0;

  constructor(storage: PoolStorage, clock: () => number, isArchived: boolean) {
    this.#storage = storage;
    this.#clock = clock;
    this.#isArchived = isArchived;
  }

  /** When an errand is due; infinite while none is. */
  get nextAt(): number {
    return Math.min(this.#handOverAt ?? Number.POSITIVE_INFINITY, this.#keepAt ?? Number.POSITIVE_INFINITY);
  }

  /** Which of the pools that have had this name since waking it is: a running task must not go on in the next one. */
  get life(): number {
    return this.#life;
  }

  /** After waking: whether notices wait whose alarm may have been lost. */
  wake(): boolean {
    if (waitingNotices(this.#storage, 1).length === 0) return false;
    this.#handOverAt = this.#clock();
    return true;
  }

  /** The pool is gone, or another has its name. */
  forget(): void {
    this.#life++;
    this.#handOverAt = undefined;
    this.#keepAt = undefined;
    this.#unshipped = 0;
  }

  /** Whether a notice of this type is worth a row: a webhook wants it, or that was not asked lately. */
  isWanted(type: NoticeType): boolean {
    // Whatever is said once in a period is kept for a webhook that is made later.
    if (type !== "reservation.expired") return true;
    const isKnown = this.#wanted !== undefined && Math.abs(this.#clock() - this.#wanted.at) < unwantedMs;
    return !isKnown || this.#wanted?.types.has(type) === true;
  }

  /** So many characters of journal, and so many notices, have just been written. */
  wrote(settings: PoolSettings | null, characters: number, notices: number): void {
    const now = this.#clock();
    if (notices > 0) this.#handOverAt ??= now + handOverMs;
    if (settings === null || !this.#isKept(settings)) return;
    this.#unshipped += characters;
    const at = now + (this.#unshipped >= segmentLength ? keepSoonMs : keepMs);
    this.#keepAt = Math.min(this.#keepAt ?? at, at);
  }

  /** Runs what is due; notices at every alarm, for an alarm that runs costs nothing more. */
  async run(settings: PoolSettings | null, { tell, keep }: Tasks): Promise<void> {
    // Warnings that no webhook wanted are offered again, at an alarm that runs anyway.
    if (this.#handOverAt === undefined && hasUnwanted(this.#storage)) this.#handOverAt = this.#clock();
    await this.#handOver(tell);
    await this.#keepJournal(settings, keep);
  }

  async #handOver(tell: Tasks["tell"]): Promise<void> {
    const life = this.#life;
    while (this.#handOverAt !== undefined) {
      this.#handOverAt = undefined;
      try {
        gatherExpired(this.#storage);
        const notices = waitingNotices(this.#storage, limits.noticesAtOnce);
        const last = notices.at(-1);
        const types = new Set(await tell(notices));
        if (this.#life !== life) return;
        this.#wanted = { types, at: this.#clock() };
        if (last !== undefined) handedOver(this.#storage, last.seq, types);
        wantedAfterAll(this.#storage, types);
        if (waitingNotices(this.#storage, 1).length > 0) this.#handOverAt = this.#clock();
      } catch {
        if (schemaVersion(this.#storage) > 0) this.#handOverAt = this.#clock() + handOverAgainMs;
        return;
      }
    }
  }

  async #keepJournal(settings: PoolSettings | null, keep: Tasks["keep"]): Promise<void> {
    if (settings === null || !this.#isKept(settings)) {
      // Nothing is kept any more: a moment that is left standing would set the alarm for ever.
      this.#keepAt = undefined;
      return;
    }
    if (this.#keepAt !== undefined && this.#keepAt > this.#clock()) return;
    this.#keepAt = undefined;
    this.#unshipped = 0;
    try {
      const next = await keep(settings);
      if (next !== undefined) this.#keepAt = Math.min(this.#keepAt ?? next, next);
    } catch {
      // A pool that was deleted meanwhile has nothing to keep.
      if (schemaVersion(this.#storage) > 0) this.#keepAt = this.#clock() + keepAgainMs;
    }
  }

  /** Whether the journal is shipped or trimmed at all. */
  #isKept({ journal_days }: PoolSettings): boolean {
    return this.#isArchived || journal_days !== null;
  }
}
