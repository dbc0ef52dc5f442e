/**
 * Generates command sequences: few names, few ids, and amounts at the edges. What is interesting depends on the state
 * (exactly what is available, and one more), so a generated command is a recipe; `resolve.ts` makes a command of it.
 */
import fc from "fast-check";

/** In no language's order but UTF-16's. */
export const names = ["a", "B", "b1", "Z", "_c", "d.e", "k", "L", "m", "N", "o", "P"] as const;

const edges = [
  "zero",
  "available",
  "reach",
  "transferable",
  "headroom",
  "unallocated",
  "total",
  "granted",
  "max",
  "allocated",
  "consumed",
  "parentAvailable",
  "minReserve",
  "toTotalLimit",
  "toSpendLimit",
] as const;

/** An amount: so much more than something in the pool's state (or than nothing). */
export type Amount = { readonly of: (typeof edges)[number]; readonly plus: number };
/** An agent: one that is there, or any name. */
export type Who = { readonly present: boolean; readonly nth: number };
/** A reservation: one in this state, whichever, or none. */
export type Which = { readonly state: "held" | "expired" | "settled" | "any" | "unknown"; readonly nth: number };
/** An id for a new write: a new one, or one that was used before. */
export type Id = { readonly fresh: boolean; readonly nth: number };
/** How the clock moves before the command: by so much, or to the next lease's end and so much further. */
export type Tick = { readonly to: "now" | "lease"; readonly plus: number };

const smallAmount = fc.record({ of: fc.constant("zero" as const), plus: fc.nat(60) });
const edge = (...of: (typeof edges)[number][]) =>
  fc.record({ of: fc.constantFrom(...of), plus: fc.constantFrom(0, 0, 0, 1, -1, 7) });
const amountNear = (...of: (typeof edges)[number][]) =>
  fc.oneof({ weight: 2, arbitrary: smallAmount }, { weight: 3, arbitrary: edge(...of) });

/** True but once in so many; fast-check prefers the ends of a range and shrinks to 0, so the middle is the exception. */
const mostly = (oneIn: number) => fc.nat(oneIn - 1).map((n) => n !== oneIn >> 1);
const who = fc.record({ present: mostly(25), nth: fc.nat(11) });
const id = fc.record({ fresh: mostly(15), nth: fc.nat(30) });
const which = (...states: Which["state"][]) => fc.record({ state: fc.constantFrom(...states), nth: fc.nat(8) });
const rightUnit = mostly(80);
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 2 });
const rarely = <T>(value: fc.Arbitrary<T>) => fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, value);
const ttl = fc.constantFrom(100, 500, 1_000, 3_000, 60_000, 3_600_000, 86_400_000);
const onExpiry = fc.constantFrom("release" as const, "charge" as const);
const confidence = fc.constantFrom(0, 0.3, 0.5, 0.8, 0.8, 0.9, 1);
const metadata = fc.constantFrom({}, { run: "1" }, { run: "2" }, { run: "1", step: "x" });

const hours = fc.constantFrom(1, 2, 5);
const refill = fc.oneof(
  fc.record({ every: fc.constant("hours" as const), hours }),
  fc.record({ every: fc.constant("hours" as const), hours, rollover: fc.constantFrom("none" as const, "unspent") }),
  fc.record({
    every: fc.constant("hours" as const),
    hours,
    rollover: fc.constant("capped" as const),
    rollover_cap: fc.nat(80),
  }),
  fc.record({ every: fc.constant("day" as const), rollover: fc.constantFrom("none" as const, "unspent") }),
);

const settings = {
  refill: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, refill, fc.constant(null)),
  journal_days: rarely(fc.constantFrom(1, 30, null)),
  warn_at: rarely(fc.constantFrom([], [10], [25, 50, 75], [100])),
  equal_priority_donates: maybe(fc.boolean()),
  default_ttl_ms: maybe(fc.constantFrom(1_000, 5_000, 120_000)),
  journal_refusals: maybe(fc.boolean()),
};

const create = fc.record({
  op: fc.constant("configure" as const),
  unit: maybe(fc.constantFrom("tokens" as const, "microusd" as const)),
  budget: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 9, arbitrary: fc.record({ of: fc.constant("zero" as const), plus: fc.integer({ min: 50, max: 900 }) }) },
    { weight: 1, arbitrary: fc.record({ of: fc.constant("toTotalLimit" as const), plus: fc.constant(0) }) },
  ),
  ...settings,
});

const configure = fc.record({
  op: fc.constant("configure" as const),
  unit: rarely(fc.constantFrom("tokens" as const, "microusd" as const)),
  budget: maybe(
    fc.oneof(
      { weight: 9, arbitrary: amountNear("unallocated", "total") },
      { weight: 1, arbitrary: edge("toTotalLimit") },
      { weight: 1, arbitrary: fc.constant(null) },
    ),
  ),
  ...settings,
});

/** What a contract may have besides. */
const guards = {
  final_reserve: rarely(fc.record({ of: fc.constant("zero" as const), plus: fc.nat(30) })),
  max_reserves_per_minute: rarely(fc.constantFrom(1, 3, null)),
  refill: rarely(fc.oneof(fc.record({ every: fc.constant("hours" as const), hours }), fc.constant(null))),
};

const register = fc.record({
  op: fc.constant("register" as const),
  who: fc.record({ present: fc.boolean(), nth: fc.nat(11) }),
  rightUnit,
  priority: fc.nat(3),
  max: fc.oneof(
    { weight: 1, arbitrary: fc.record({ of: fc.constant("zero" as const), plus: fc.nat(150) }) },
    { weight: 1, arbitrary: edge("unallocated", "parentAvailable", "max", "available", "consumed") },
  ),
  /** Down to the contract's max, less what is available now: where shrinking ends. */
  shrinks: mostly(10).map((no) => !no),
  min_reserve: maybe(amountNear("available", "max", "minReserve")),
  confidence_threshold: fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, fc.constant(null), confidence),
  ceiling: fc.oneof(
    { weight: 4, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 3, arbitrary: amountNear("allocated", "reach") },
  ),
  ...guards,
  parent: fc.oneof(
    { weight: 6, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: fc.constant(null) },
    { weight: 4, arbitrary: who },
    { weight: 3, arbitrary: fc.constant("deepest" as const) },
  ),
});

/** One of the first agents: it comes when there is still room for it. */
const newcomer = fc.record({
  op: fc.constant("register" as const),
  who: fc.record({ present: fc.constant(false), nth: fc.nat(11) }),
  rightUnit: fc.constant(true),
  priority: fc.nat(3),
  max: fc.record({ of: fc.constant("zero" as const), plus: fc.integer({ min: 1, max: 150 }) }),
  shrinks: fc.constant(false),
  min_reserve: maybe(fc.record({ of: fc.constant("zero" as const), plus: fc.nat(30) })),
  confidence_threshold: maybe(confidence),
  ceiling: maybe(edge("max", "allocated", "reach")),
  ...guards,
  parent: fc.oneof(
    { weight: 5, arbitrary: fc.constant(undefined) },
    { weight: 4, arbitrary: fc.record({ present: fc.constant(true), nth: fc.nat(11) }) },
    { weight: 1, arbitrary: fc.constant("deepest" as const) },
  ),
});

/** Agents below agents, each living on what the one above has. */
const family = fc
  .array(fc.record({ recipe: newcomer, max: edge("parentAvailable"), deeper: mostly(12) }), {
    minLength: 5,
    maxLength: 11,
  })
  .map((members) =>
    members.map(({ recipe, max, deeper }, nth) => ({
      tick: { to: "now" as const, plus: 0 },
      recipe: {
        ...recipe,
        who: { present: false, nth },
        max: nth === 0 ? recipe.max : max,
        parent: nth === 0 ? undefined : deeper ? ("deepest" as const) : { present: true, nth: 0 },
      },
    })),
  );

const again = fc.record({ op: fc.constant("again" as const), who });

const fund = fc.record({
  op: fc.constant("fund" as const),
  id,
  rightUnit,
  takes: fc.boolean(),
  amount: fc.oneof({ weight: 12, arbitrary: amountNear("unallocated") }, edge("toTotalLimit")),
});

const reserve = fc.record({
  op: fc.constant("reserve" as const),
  id,
  who,
  rightUnit,
  amount: amountNear("available", "reach", "headroom", "transferable", "max"),
  at_least: maybe(amountNear("available", "reach", "headroom")),
  ttl_ms: maybe(ttl),
  on_expiry: maybe(onExpiry),
  metadata: maybe(metadata),
  final: rarely(fc.constant(true as const)),
});

const commit = fc.record({
  op: fc.constant("commit" as const),
  which: which("held", "held", "held", "held", "expired", "expired", "expired", "any", "settled", "unknown"),
  rightUnit,
  amount: fc.oneof(
    { weight: 150, arbitrary: edge("granted") },
    { weight: 100, arbitrary: smallAmount },
    { weight: 50, arbitrary: edge("available", "reach") },
    { weight: 1, arbitrary: edge("toSpendLimit") },
  ),
  confidence: maybe(confidence),
});

const record = fc.record({
  op: fc.constant("record" as const),
  id,
  who,
  rightUnit,
  amount: fc.oneof(
    { weight: 300, arbitrary: smallAmount },
    { weight: 100, arbitrary: edge("available", "reach", "unallocated") },
    { weight: 1, arbitrary: edge("toSpendLimit") },
  ),
  confidence: maybe(confidence),
  metadata: maybe(metadata),
});

const release = fc.record({
  op: fc.constant("release" as const),
  which: which("held", "held", "held", "expired", "settled", "any", "unknown"),
});

const extend = fc.record({
  op: fc.constant("extend" as const),
  which: which("held", "held", "held", "held", "expired", "settled", "unknown"),
  ttl_ms: ttl,
  on_expiry: maybe(onExpiry),
});

const reallocate = fc.record({
  op: fc.constant("reallocate" as const),
  id,
  who,
  rightUnit,
  amount: amountNear("transferable", "unallocated", "available"),
  dry_run: maybe(fc.boolean()),
});

const close = fc.record({ op: fc.constant("close" as const), who });
const reopen = fc.record({ op: fc.constant("reopen" as const), id, who });
/** Seldom the whole pool, and then not for long: nothing else would happen. */
const pause = fc.record({ op: fc.constant("pause" as const), who, pool: mostly(8).map((not) => !not) });
const resume = fc.record({ op: fc.constant("resume" as const), who, pool: fc.boolean() });
const reset = fc.record({ op: fc.constant("reset" as const), id, who });
const resetPeriod = fc.record({ op: fc.constant("reset_period" as const), id });

/** A command of before, as it was or with one field changed. */
const repeat = fc.record({
  op: fc.constant("repeat" as const),
  back: fc.nat(12),
  but: fc.constantFrom(
    ...(["same", "same", "same", "amount", "agent", "confidence", "lease", "labels", "spelled out"] as const),
  ),
  other: who,
});

const any = fc.oneof(
  { weight: 34, arbitrary: reserve },
  { weight: 20, arbitrary: commit },
  { weight: 8, arbitrary: register },
  { weight: 5, arbitrary: record },
  { weight: 7, arbitrary: repeat },
  { weight: 5, arbitrary: release },
  { weight: 5, arbitrary: reallocate },
  { weight: 4, arbitrary: extend },
  { weight: 4, arbitrary: close },
  { weight: 5, arbitrary: reset },
  { weight: 1, arbitrary: resetPeriod },
  { weight: 3, arbitrary: fund },
  { weight: 2, arbitrary: reopen },
  { weight: 1, arbitrary: pause },
  { weight: 5, arbitrary: resume },
  { weight: 2, arbitrary: configure },
  { weight: 1, arbitrary: again },
);

const tick: fc.Arbitrary<Tick> = fc.oneof(
  { weight: 20, arbitrary: fc.constant({ to: "now" as const, plus: 0 }) },
  { weight: 6, arbitrary: fc.record({ to: fc.constant("now" as const), plus: fc.nat(3_000) }) },
  { weight: 1, arbitrary: fc.record({ to: fc.constant("now" as const), plus: fc.integer({ min: -5_000, max: -1 }) }) },
  { weight: 1, arbitrary: fc.constant({ to: "now" as const, plus: 200_000 }) },
  {
    weight: 1,
    arbitrary: fc.record({
      to: fc.constant("now" as const),
      plus: fc.constantFrom(-60_000, -60_001, -200_000, -18_000_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ to: fc.constant("lease" as const), plus: fc.constantFrom(-1, 0, 1) }) },
);

const first = fc.record({ tick: fc.constant({ to: "now" as const, plus: 0 }), recipe: create });
const steps = (recipe: fc.Arbitrary<Recipe>, minLength: number, maxLength: number) =>
  fc.array(fc.record({ tick, recipe }), { minLength, maxLength, size: "max" });

export type Recipe =
  | (typeof any extends fc.Arbitrary<infer T> ? T : never)
  | (typeof create extends fc.Arbitrary<infer T> ? T : never);
export type RecipeOf<Op extends Recipe["op"]> = Extract<Recipe, { readonly op: Op }>;
export type Step = { readonly tick: Tick; readonly recipe: Recipe };

const agents = fc.oneof({ weight: 3, arbitrary: steps(newcomer, 2, 9) }, { weight: 1, arbitrary: family });

/** A sequence: mostly a pool, then some agents, then anything. */
export const sequence: fc.Arbitrary<Step[]> = fc
  .tuple(mostly(40), first, agents, steps(any, 1, 160))
  .map(([exists, pool, agents, rest]) => [...(exists ? [pool] : []), ...agents, ...rest]);
