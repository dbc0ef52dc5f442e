/** `configure` and `fund`. */

import { limits } from "../../../src/protocol/limits.ts";
import type { PoolSettings } from "../../../src/protocol/pool.ts";
import { totalOf, unallocatedOf } from "./books.ts";
import { ruleIn } from "./contracts.ts";
import { endAfter } from "./periods.ts";
import { remember } from "./remembered.ts";
import { rearm, warn } from "./warnings.ts";
import { type Answer, again, book, type CommandOf, happened, refuse, type World } from "./world.ts";

const defaults: PoolSettings = {
  unit: "tokens",
  budget: null,
  equal_priority_donates: true,
  default_ttl_ms: 120_000,
  journal_refusals: false,
  fallback_price: null,
  refill: null,
  warn_at: [50, 80, 95, 100],
  journal_days: null,
  unknown_fields: "pass",
};

export function configure(world: World, command: CommandOf<"configure">, now: number): Answer {
  const old = world.settings ?? defaults;
  const settings: PoolSettings = {
    unit: command.unit ?? old.unit,
    budget: command.budget === undefined ? old.budget : command.budget,
    equal_priority_donates: command.equal_priority_donates ?? old.equal_priority_donates,
    default_ttl_ms: command.default_ttl_ms ?? old.default_ttl_ms,
    journal_refusals: command.journal_refusals ?? old.journal_refusals,
    fallback_price: command.fallback_price === undefined ? old.fallback_price : command.fallback_price,
    refill: refillIn(old.refill, command, now),
    warn_at: command.warn_at ?? old.warn_at,
    journal_days: command.journal_days === undefined ? old.journal_days : command.journal_days,
    unknown_fields: command.unknown_fields ?? old.unknown_fields,
  };
  const isNew = world.settings === null;
  const growth = (settings.budget ?? 0) - (isNew ? 0 : (old.budget ?? 0));
  if (!isNew) {
    if (settings.unit !== old.unit) {
      return refuse("unit_mismatch", { pool_unit: old.unit, given_unit: settings.unit });
    }
    if ((settings.budget === null) !== (old.budget === null)) return refuse("contract_conflict", { field: "budget" });
    if (growth < -unallocatedOf(world)) return refuse("contract_conflict", { field: "budget" });
  }
  if (totalOf(world) + growth > limits.total) return refuse("limit_reached", { limit: "total" });
  world.settings = settings;
  book(world, "unallocated", growth, 0);
  const isChanged = isNew || JSON.stringify(settings) !== JSON.stringify(old);
  if (isNew || JSON.stringify(settings.refill) !== JSON.stringify(old.refill)) {
    const { number, starts_at } = world.period ?? { number: 1, starts_at: now };
    world.period = {
      number,
      starts_at,
      ends_at: settings.refill === null ? null : endAfter(settings.refill, Math.max(now, starts_at)),
    };
  }
  if (isChanged) {
    rearm(world, null);
    warn(world, null, now);
  }
  const says = { ...settings, unallocated: unallocatedOf(world), total: totalOf(world) };
  return isChanged ? happened(says) : again(says);
}

function refillIn(
  known: PoolSettings["refill"],
  { refill }: CommandOf<"configure">,
  now: number,
): PoolSettings["refill"] {
  if (refill === undefined) return known;
  if (refill === null) return null;
  const rollover =
    refill.rollover === "capped"
      ? { rollover: "capped" as const, rollover_cap: refill.rollover_cap ?? 0 }
      : { rollover: refill.rollover ?? ("none" as const) };
  if (refill.every === "day") return { every: "day", time_zone: "UTC", ...rollover };
  return { ...ruleIn(refill, known, now), ...rollover };
}

export function fund(world: World, command: CommandOf<"fund">, now: number): Answer {
  const { id, amount } = command;
  if (amount < -unallocatedOf(world)) return refuse("contract_conflict");
  if (totalOf(world) + amount > limits.total) return refuse("limit_reached", { limit: "total" });
  book(world, "unallocated", amount, 0);
  rearm(world, null);
  warn(world, null, now);
  const says = { id, amount };
  remember(world, command, says);
  return happened({ ...says, unallocated: unallocatedOf(world), total: totalOf(world) });
}
