/**
 * Decides what concerns the pool as a whole: its settings and its budget. A pool's total may never fall below what its
 * agents have, or their allocations would promise budget that is not there.
 */

import { limits } from "../../protocol/limits.ts";
import { rolloverOf, ruleOf } from "../../protocol/period.ts";
import type { ConfigureCommand, FundCommand, PoolSettings } from "../../protocol/pool.ts";
import { periodAt } from "../calendar.ts";
import type { Pool } from "../state.ts";
import { type Decision, firstDifference, kept, nothingToDo, refuse, unitMismatch, usedBefore } from "./decision.ts";
import { periodChange } from "./period-change.ts";

/** The budget thresholds, in percent, of a pool whose settings name none. */
export const warnAtDefault = [50, 80, 95, 100] as const;

/**
 * Creates the pool, or changes its settings; what is left out keeps its value. The unallocated budget moves by the
 * difference between the new `budget` and the one last named. Setting the total to `budget` instead would take back what
 * `fund` has added in between, and a PUT that is repeated would not be idempotent.
 *
 * Refused: `unit_mismatch`, `limit_reached`, and `contract_conflict` where less is unallocated than would be taken away.
 */
export function decideConfigure(pool: Pool, command: ConfigureCommand, now: number): Decision {
  const before = pool.settings;
  // Left out, the unit is the pool's; named, it must be that one.
  const mismatch = before === null || command.unit === undefined ? undefined : unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  const { refill } = command;
  const settings: PoolSettings = {
    // Fixed by the first `configure`: amounts already booked can't be converted to another unit.
    unit: before?.unit ?? command.unit ?? "tokens",
    budget: kept(command.budget, before?.budget),
    equal_priority_donates: command.equal_priority_donates ?? before?.equal_priority_donates ?? true,
    default_ttl_ms: command.default_ttl_ms ?? before?.default_ttl_ms ?? limits.ttlMsDefault,
    journal_refusals: command.journal_refusals ?? before?.journal_refusals ?? false,
    fallback_price: kept(command.fallback_price, before?.fallback_price),
    refill:
      refill == null ? kept(refill, before?.refill) : { ...ruleOf(refill, now, before?.refill), ...rolloverOf(refill) },
    warn_at: command.warn_at ?? before?.warn_at ?? warnAtDefault,
    journal_days: kept(command.journal_days, before?.journal_days),
    unknown_fields: command.unknown_fields ?? before?.unknown_fields ?? "pass",
  };
  if (before === null) {
    // Nothing is allocated yet: all of the budget is unallocated.
    const unallocated = settings.budget ?? 0;
    return wouldPassTotal(pool, unallocated) ?? configured(pool, settings, unallocated, now);
  }

  // With a budget, allocations come out of it; without, contracts issue their own. Allocations carry no mark of which, so a
  // pool that changed sides could neither retire nor return them correctly.
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

  // As with contracts: the same settings are no event, so that a deploy that configures its pools each time costs no row.
  const changed = firstDifference([["settings", before, settings]]) !== undefined;
  return changed ? configured(pool, settings, growth, now) : nothingToDo;
}

/** The event of new settings, with the period that they begin or whose end they move. */
function configured(pool: Pool, settings: PoolSettings, unallocated: number, now: number): Decision {
  const event = { type: "configured", at: now, settings, unallocated } as const;
  if (pool.settings === null) {
    const ends_at = settings.refill === null ? null : periodAt(settings.refill, now).ends_at;
    return { events: [{ ...event, period: { number: 1, starts_at: now, ends_at } }] };
  }
  const period = periodChange(pool.period, pool.settings.refill, settings.refill, now);
  if (period === undefined) return { events: [event] };
  // Without a rule the period lasts until a command ends it. Its number is kept: used again, it would overwrite a report.
  const number = pool.period?.number ?? 1;
  const starts_at = pool.period?.starts_at ?? now;
  return { events: [{ ...event, period: period ?? { number, starts_at, ends_at: null } }] };
}

/**
 * Adds to the pool's budget, or takes from it (below zero): at most what no agent has.
 *
 * Refused: `unit_mismatch`, `id_reused`, `id_too_old`, `limit_reached`, and `contract_conflict` where less is unallocated.
 */
export function decideFund(pool: Pool, command: FundCommand, now: number): Decision {
  const mismatch = unitMismatch(pool, command.unit);
  if (mismatch !== undefined) return mismatch;
  // Funding is relative, so a repeat that was not recognised would fund twice.
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

/** Why the total can't change by `growth`: it shrinks by no more than is unallocated, and grows no further than its limit. */
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

/** Refuses a growth that would lift the pool's total above its limit: sums must stay exact integers. */
export function wouldPassTotal(pool: Pool, growth: number): Decision | undefined {
  return growth > 0 && pool.total + growth > limits.total
    ? refuse({ code: "limit_reached", limit: "total", maximum: limits.total })
    : undefined;
}
