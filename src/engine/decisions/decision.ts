/**
 * The outcome of deciding a command: events to be persisted, or a refusal. Both are values, and neither has had any effect
 * yet. With the helpers that every decision shares: units, idempotency, and what a partial update keeps.
 */
import type { AnyResult } from "../../protocol/commands.ts";
import type { PoolEvent } from "../../protocol/events.ts";
import type { Refusal } from "../../protocol/refusals.ts";
import type { Unit } from "../../protocol/unit.ts";
import { timeOfId } from "../ids.ts";
import { horizonOf } from "../outcomes.ts";
import type { Booking, Pool, Reservation } from "../state.ts";

export type Decision =
  | {
      readonly events: readonly PoolEvent[];
      /** The id was used before with the same content: nothing happens again, and the first answer is given again. */
      readonly replayed?: true;
      /** Set where the answer can't be read from the state: a dry run. */
      readonly result?: AnyResult;
    }
  | { readonly refusal: Refusal };

export const nothingToDo: Decision = { events: [] };
export const replayed: Decision = { events: [], replayed: true };

export function refuse(refusal: Refusal): Decision {
  return { refusal };
}

/**
 * The refusal of an amount in another unit than the pool's. Amounts are named after their unit (`tokens`, `microusd`) and
 * never converted: 1,000 tokens that are booked as 1,000 millionths of a dollar would be a tenth of a cent.
 */
export function unitMismatch(pool: Pool, unit: Unit): Decision | undefined {
  const own = pool.settings?.unit;
  return own === undefined || own === unit
    ? undefined
    : refuse({ code: "unit_mismatch", pool_unit: own, given_unit: unit });
}

/**
 * The idempotency check: undefined if `agent` (null: the pool itself) has not used `id`. A repeat with the same content (by
 * `firstDifference`) is answered as the first time. The same id with other content is refused, because one of the two would
 * be lost without a word. So is an id whose own time says that its outcome may have been forgotten: running it could book
 * the same call twice.
 */
export function usedBefore(
  pool: Pool,
  id: string,
  agent: string | null,
  firstDifference: (known: Reservation | Booking) => string | undefined,
): Decision | undefined {
  const known = pool.remembered.get(id);
  if (known !== undefined) {
    const field = firstDifference(known);
    return field === undefined ? replayed : refuse({ code: "id_reused", id, field });
  }
  return isAsOldAs(horizonOf(pool, agent), id) ? refuse({ code: "id_too_old", id }) : undefined;
}

/**
 * Whether the time in `id` is `horizon` or before: at least as old as something forgotten (`outcomes.ts`). An id that carries
 * no time (not a UUIDv7) counts as new, so it must not be repeated once its outcome may be forgotten.
 */
export function isAsOldAs(horizon: number, id: string): boolean {
  const time = timeOfId(id);
  return time !== undefined && time <= horizon;
}

/** A partial update: the value that is given, else the one before; null where there never was one. */
export function kept<T>(given: T | null | undefined, known: T | null | undefined): T | null {
  return given === undefined ? (known ?? null) : given;
}

/**
 * The name of the first of `fields` whose two values differ; undefined when all are equal. Compared by content, in any order
 * of keys: the state may come from a snapshot, where no object is the one that was written.
 */
export function firstDifference(
  fields: readonly (readonly [name: string, then: unknown, now: unknown])[],
): string | undefined {
  return fields.find(([, then, now]) => !isEqual(then, now))?.[0];
}

function isEqual(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const left = Object.entries(a);
  const right = new Map(Object.entries(b));
  return left.length === right.size && left.every(([key, value]) => right.has(key) && isEqual(value, right.get(key)));
}
