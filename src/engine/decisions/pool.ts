/** Decides what concerns the pool as a whole: its settings and its budget. */
import type { ConfigureCommand, FundCommand } from "../../protocol/commands.ts";
import type { PoolSettings } from "../../protocol/events.ts";
import { limits } from "../../protocol/limits.ts";
import { type PoolRefill, rolloverOf, ruleOf } from "../../protocol/refill.ts";
import { periodAt } from "../calendar.ts";
import { type Decision, firstDifference, nothingToDo, refuse, unitMismatch, usedBefore } from "../decision.ts";
import { periodChange } from "../periods.ts";
import type { Pool } from "../state.ts";

/** Percentages at which a pool that names none is warned. */
export const warnAtDefault = [50, 80, 95, 100] as const;

/**
 * The first `configure` creates the pool. Later ones move the unallocated budget by the difference between the new budget and
 * the one last named, so that repeating a PUT changes nothing and funds given in between stay.
 */
export function decideConfigure(pool: Pool, command: ConfigureCommand, now: number): Decision {
  const before = pool.settings;
  if (before === null) {
    const settings: PoolSettings = {
      unit: command.unit ?? "tokens",
      budget: command.budget ?? null,
      equal_priority_donates: command.equal_priority_donates ?? true,
      default_ttl_ms: command.default_ttl_ms ?? limits.ttlMsDefault,
      journal_refusals: command.journal_refusals ?? false,
      ...(command.fallback_price == null ? undefined : { fallback_price: command.fallback_price }),
      ...refillOf(undefined, command, now),
      warn_at: command.warn_at ?? warnAtDefault,
      ...(command.journal_days == null ? undefined : { journal_days: command.journal_days }),
    };
    const unallocated = settings.budget ?? 0;
    return wouldPassTotal(pool, unallocated) ?? configured(pool, settings, unallocated, now);
  }

  if (command.unit !== undefined) {
    const mismatch = unitMismatch(pool, command.unit);
    if (mismatch !== undefined) return mismatch;
  }
  const settings: PoolSettings = {
    unit: before.unit,
    budget: command.budget === undefined ? before.budget : command.budget,
    equal_priority_donates: command.equal_priority_donates ?? before.equal_priority_donates,
    default_ttl_ms: command.default_ttl_ms ?? before.default_ttl_ms,
    journal_refusals: command.journal_refusals ?? before.journal_refusals,
    ...fallbackOf(before, command),
    ...refillOf(before.refill, command, now),
    ...warnAtOf(before, command),
    ...journalDaysOf(before, command),
  };
  if ((settings.budget === null) !== (before.budget === null)) {
    return refuse({
      code: "contract_conflict",
      field: "budget",
      reason: "a pool is created with a budget or without; agents already registered came out of one or the other",
    });
  }
  const growth = (settings.budget ?? 0) - (before.budget ?? 0);
  const refusal = cannotGrow(pool, growth, "budget");
  if (refusal !== undefined) return refusal;

  const changed = firstDifference([["settings", before, settings]]) !== undefined;
  return changed ? configured(pool, settings, growth, now) : nothingToDo;
}

function configured(pool: Pool, settings: PoolSettings, unallocated: number, now: number): Decision {
  const event = { type: "configured", at: now, settings, unallocated } as const;
  if (pool.settings === null) {
    const ends_at = settings.refill === undefined ? null : periodAt(settings.refill, now).ends_at;
    return { events: [{ ...event, period: { number: 1, starts_at: now, ends_at } }] };
  }
  const period = periodChange(pool.period, pool.settings.refill, settings.refill, now);
  if (period === undefined) return { events: [event] };
  // Without a rule the period goes on until a command ends it; its number must not come again.
  const goesOn = period ?? (pool.period === null ? undefined : { ...pool.period, ends_at: null });
  return { events: [goesOn === undefined ? event : { ...event, period: goesOn }] };
}

/** Left out keeps the rule, null takes it away. */
function refillOf(
  known: PoolRefill | undefined,
  { refill }: ConfigureCommand,
  now: number,
): Pick<PoolSettings, "refill"> {
  if (refill === undefined) return known === undefined ? {} : { refill: known };
  return refill === null ? {} : { refill: { ...ruleOf(refill, now, known), ...rolloverOf(refill) } };
}

/** Left out keeps the days, null keeps the journal for ever. */
function journalDaysOf({ journal_days }: PoolSettings, command: ConfigureCommand): Pick<PoolSettings, "journal_days"> {
  const days = command.journal_days === undefined ? journal_days : command.journal_days;
  return days == null ? {} : { journal_days: days };
}

function warnAtOf({ warn_at }: PoolSettings, command: ConfigureCommand): Pick<PoolSettings, "warn_at"> {
  const percentages = command.warn_at ?? warn_at;
  return percentages === undefined ? {} : { warn_at: percentages };
}

/** Left out keeps the price, null takes it away. */
function fallbackOf({ fallback_price }: PoolSettings, command: ConfigureCommand): Pick<PoolSettings, "fallback_price"> {
  const price = command.fallback_price === undefined ? fallback_price : command.fallback_price;
  return price == null ? {} : { fallback_price: price };
}

export function decideFund(pool: Pool, command: FundCommand, now: number): Decision {
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  const used = usedBefore(pool, command.id, null, (known) =>
    firstDifference([
      ["op", known.op, "fund"],
      ["amount", known.op === "fund" && known.amount, command.amount],
    ]),
  );
  if (used !== undefined) return used;
  const refusal = cannotGrow(pool, command.amount, command.unit);
  if (refusal !== undefined) return refusal;

  return { events: [{ type: "funded", at: now, id: command.id, amount: command.amount }] };
}

/** A pool shrinks by what nobody holds, and grows to its limit. */
function cannotGrow(pool: Pool, growth: number, field: string): Decision | undefined {
  if (-growth > pool.unallocated) {
    return refuse({
      code: "contract_conflict",
      field,
      reason: "only the unallocated budget can be taken out of a pool; close agents or lower their contracts first",
      needed: -growth,
      obtainable: pool.unallocated,
    });
  }
  return wouldPassTotal(pool, growth);
}

/** Refuses what would lift the pool's total above its limit. */
export function wouldPassTotal(pool: Pool, growth: number): Decision | undefined {
  return growth > 0 && pool.total + growth > limits.total
    ? refuse({ code: "limit_reached", limit: "total", maximum: limits.total })
    : undefined;
}
