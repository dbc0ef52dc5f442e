/** What a command comes to: events to be persisted, or a refusal. Both are values; neither has had any effect yet. */
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
      /** The id was used before with the same content: nothing happens again, the answer is the one of then. */
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

/** Amounts are named after the pool's unit; the other name is another unit, and no number is ever converted. */
export function unitMismatch(pool: Pool, unit: Unit): Decision | undefined {
  const own = pool.settings?.unit;
  return own === undefined || own === unit
    ? undefined
    : refuse({ code: "unit_mismatch", pool_unit: own, given_unit: unit });
}

/**
 * Whether `agent` (null: the pool itself) has used `id`: undefined if it is new. The same content (by
 * `firstDifference`) is answered as it was then; other content is refused, and so is an id whose own time says that its
 * outcome may have been forgotten.
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

/** Whether the time in `id` is `horizon` or before: at least as old as something forgotten (see `remember.ts`). */
export function isAsOldAs(horizon: number, id: string): boolean {
  const time = timeOfId(id);
  return time !== undefined && time <= horizon;
}

/** A setting that is given; where it is left out, as it was; null where it never was. */
export function kept<T>(given: T | null | undefined, known: T | null | undefined): T | null {
  return given === undefined ? (known ?? null) : given;
}

/** The first of `fields` whose value differs, compared as JSON; `undefined` when all are equal. */
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
