/** `bursar pools`: budgets. */
import { Command, InvalidArgumentError, Option } from "commander";
import { type Bursar, BursarError, type PoolOptions } from "../client/index.ts";
import { type Weekday, weekdays } from "../protocol/period.ts";
import type { Report } from "../protocol/pool.ts";
import type { Rates } from "../protocol/price.ts";
import type { Unit } from "../protocol/unit.ts";
import {
  type Amount,
  amount,
  dollars,
  duration,
  inUnit,
  onOff,
  percentages,
  refill as refillOf,
  rollover,
  whole,
} from "./arguments.ts";
import { confirm, yesOption } from "./confirm.ts";
import { exportJournal } from "./export.ts";
import { connect, everyPage, money, show, table, time } from "./output.ts";

export function pools(): Command {
  const command = new Command("pools").description("list, create, show, fund and delete pools");
  for (const add of [
    addLs,
    addCreate,
    addShow,
    addFund,
    addPause,
    addResume,
    addPeriods,
    addResetPeriod,
    addExport,
    addArchive,
    addRestore,
    addRm,
  ])
    add(command);
  return command;
}

function addLs(command: Command): void {
  command
    .command("ls")
    .description("list the tenant's pools")
    .action(async (_: unknown, self: Command) => {
      const bursar = connect(self);
      const list = await everyPage(
        (after) => bursar.pools(after),
        ({ name }) => name,
      );
      show(self, list, () =>
        table(
          ["POOL", "CREATED"],
          list.map(({ name, created_at }) => [name, time(created_at)]),
        ),
      );
    });
}

function addCreate(command: Command): void {
  command
    .command("create <pool>")
    .description("create a pool, or change its settings; what is left out keeps its value")
    .addOption(new Option("--unit <unit>", "what it counts (default: tokens)").choices(["tokens", "microusd"]))
    .option(
      "--budget <amount>",
      "total that agents' allocations come out of: 100000, or $40 of a microusd pool",
      amount,
    )
    .option("--refill <every>", "refill it every day, week or month, or every so many hours: 5h; or none", refillOf)
    .option("--time-zone <zone>", "with --refill: the time zone of its periods: Europe/Berlin (default: UTC)")
    .addOption(
      new Option("--starts-on <weekday>", "with --refill week: where weeks begin (default: monday)").choices(weekdays),
    )
    .option(
      "--rollover <rule>",
      "with --refill: what becomes of the unspent: none (default), unspent, or capped:<amount>",
      rollover,
    )
    .option("--equal-priority-donates <on|off>", "whether agents of equal priority lend to each other", onOff)
    .option("--default-ttl <time>", "lease of reservations that name none: 30s, 5m", duration)
    .option("--warn-at <percentages>", "percentages of a budget to warn at: 50,80,95,100", percentages)
    .option("--fallback-price <input,output>", "dollars per million tokens of models without a price: 3,15", ratesOf)
    .addOption(
      new Option(
        "--unknown-fields <choice>",
        "what the gateway does with fields of a call that it does not know",
      ).choices(["pass", "refuse"]),
    )
    .option("--journal-refusals <on|off>", "whether refusals are journaled", onOff)
    .option("--journal-days <n>", "days of journal to retain (default: for ever)", whole)
    .addOption(new Option("--location-hint <place>", "location hint for the Durable Object, if the pool is new"))
    .action(async (name: string, options: Options, self: Command) => {
      const bursar = connect(self);
      const unit = options.unit ?? (await unitOf(bursar, name));
      const made = await bursar.pool(name, { unit }).configure(settingsOf(options, unit));
      show(
        self,
        made,
        ({ total, unallocated }) =>
          `Pool ${name} counts ${unit}; its total is ${money(total, unit)}, ${money(unallocated, unit)} of it not allocated.`,
      );
    });
}

function addShow(command: Command): void {
  command
    .command("show <pool>")
    .description("what each agent has, has spent and holds")
    .action(async (name: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(name).ledger(), describe);
    });
}

function addFund(command: Command): void {
  command
    .command("fund")
    .argument("<pool>")
    .argument("<amount>", "what is added; below zero, what is taken out: 5000, -5000, $5, $-5", amount)
    .description("grow the budget, or shrink it")
    .action(async (name: string, given: Amount, _: unknown, self: Command) => {
      const bursar = connect(self);
      const { unit } = await bursar.pool(name).ledger();
      const funded = await bursar.pool(name, { unit }).fund(inUnit(given, unit));
      show(
        self,
        funded,
        ({ total, unallocated }) =>
          `The total is ${money(total, unit)} now, ${money(unallocated, unit)} of it not allocated.`,
      );
    });
}

function addPause(command: Command): void {
  command
    .command("pause <pool>")
    .description("pause it: no new reserves, open reservations settle")
    .action(async (name: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(name).pause(), () => `Pool ${name} is paused.`);
    });
}

function addResume(command: Command): void {
  command
    .command("resume <pool>")
    .description("resume it")
    .action(async (name: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(name).resume(), () => `Pool ${name} is resumed.`);
    });
}

function addPeriods(command: Command): void {
  command
    .command("periods <pool>")
    .description("budget and usage of each ended period, newest first")
    .option("--agent <agent>", "an agent's own periods")
    .action(async (name: string, options: { agent?: string }, self: Command) => {
      const { periods } = await connect(self).pool(name).periods(options);
      show(self, periods, () =>
        table(
          ["PERIOD", "FROM", "UNTIL", "BUDGET", "CONSUMED"],
          periods.map(({ number, starts_at, ended_at, budget, consumed }) => [
            number,
            time(starts_at),
            time(ended_at),
            budget,
            consumed,
          ]),
        ),
      );
    });
}

function addResetPeriod(command: Command): void {
  command
    .command("reset-period <pool>")
    .description("start a new period now: the budget is filled again, and nothing is consumed")
    .option(...yesOption)
    .action(async (name: string, _: unknown, self: Command) => {
      await confirm(self, `Start a new period of ${name} now? What its agents have consumed no longer counts.`);
      const begun = await connect(self).pool(name).resetPeriod();
      show(self, begun, ({ period }) => `Period ${period?.number} of ${name} has begun.`);
    });
}

function addExport(command: Command): void {
  command
    .command("export <pool> <file>")
    .description("write the journal to a file that `bursar verify` checks offline")
    .option("--after <event>", "from the row with the event after this one on", whole, 0)
    .action(async (name: string, file: string, { after }: { after: number }, self: Command) => {
      await exportJournal(self, name, file, after);
      show(self, { file }, () => `The journal of ${name} is in ${file}: bursar verify ${file}`);
    });
}

function addArchive(command: Command): void {
  command
    .command("archive <pool>")
    .description("ship the rest of the journal to the archive")
    .action(async (name: string, _: unknown, self: Command) => {
      show(
        self,
        await connect(self).pool(name).archive(),
        ({ shipped, trimmed }) => `Shipped up to event ${shipped}; kept here from event ${trimmed + 1} on.`,
      );
    });
}

function addRestore(command: Command): void {
  command
    .command("restore <pool>")
    .description("restore a deleted pool from the archive")
    .action(async (name: string, _: unknown, self: Command) => {
      const restored = await connect(self).pool(name).restore();
      show(self, restored, ({ seq }) => `Pool ${name} is as it was at event ${seq}.`);
    });
}

function addRm(command: Command): void {
  command
    .command("rm <pool>")
    .description("delete a pool and its journal")
    .option("--force", "even with open reservations, or if it is damaged")
    .option(...yesOption)
    .action(async (name: string, { force = false }: { force?: boolean }, self: Command) => {
      await confirm(self, `Delete the pool ${name} and its journal? Without an archive they can't be restored.`);
      show(self, await connect(self).pool(name).delete({ force }), () => `Pool ${name} is deleted.`);
    });
}

type Options = {
  readonly unit?: Unit;
  readonly budget?: Amount;
  readonly refill?: ReturnType<typeof refillOf>;
  readonly timeZone?: string;
  readonly startsOn?: Weekday;
  readonly rollover?: ReturnType<typeof rollover>;
  readonly equalPriorityDonates?: boolean;
  readonly defaultTtl?: number;
  readonly warnAt?: number[];
  readonly fallbackPrice?: Rates;
  readonly journalRefusals?: boolean;
  readonly unknownFields?: "pass" | "refuse";
  readonly journalDays?: number;
  readonly locationHint?: string;
};

/** The settings that were given; the others keep their values. */
function settingsOf(options: Options, unit: Unit): PoolOptions {
  const { budget } = options;
  const given = {
    unit,
    budget: budget && inUnit(budget, unit),
    refill: refillIn(options, unit),
    equal_priority_donates: options.equalPriorityDonates,
    default_ttl_ms: options.defaultTtl,
    warn_at: options.warnAt,
    fallback_price: options.fallbackPrice,
    journal_refusals: options.journalRefusals,
    unknown_fields: options.unknownFields,
    journal_days: options.journalDays,
    location_hint: options.locationHint,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** The refill rule. An option that would have no effect is an error. */
function refillIn({ refill, timeZone, startsOn, rollover: rule }: Options, unit: Unit): PoolOptions["refill"] {
  const beside = { "--time-zone": timeZone, "--starts-on": startsOn, "--rollover": rule };
  if (refill === undefined || refill === "none") {
    const [lone] = Object.entries(beside).filter(([, value]) => value !== undefined);
    if (lone !== undefined)
      throw new Error(`${lone[0]} is part of a refill: give --refill as well, with all of its parts.`);
    return refill === "none" ? null : undefined;
  }
  if (timeZone !== undefined && refill.every === "hours") throw new Error("Hours have no --time-zone.");
  if (startsOn !== undefined && refill.every !== "week") throw new Error("--starts-on is for --refill week.");
  return {
    ...refill,
    ...(timeZone === undefined ? undefined : { time_zone: timeZone }),
    ...(startsOn === undefined ? undefined : { starts_on: startsOn }),
    ...(rule?.rollover === "capped" ? { rollover: "capped", rollover_cap: inUnit(rule.cap, unit) } : rule),
  };
}

/** The pool's unit; tokens if it does not exist yet. */
async function unitOf(bursar: Bursar, name: string): Promise<Unit> {
  try {
    return (await bursar.pool(name).ledger()).unit;
  } catch (error) {
    if (error instanceof BursarError && error.code === "pool_not_found") return "tokens";
    throw error;
  }
}

/** Dollars per million tokens of input and output: `3,15`. */
function ratesOf(text: string): Rates {
  const [input = "", output = "", more] = text.split(",");
  if (more !== undefined) throw new InvalidArgumentError("It takes two prices: 3,15.");
  return { input: dollars(input), output: dollars(output) };
}

/** A pool as a table, highest priority first. */
export function describe({ pool, unit, total, unallocated, agents, seq }: Report): string {
  const shown = (amount: number): string => money(amount, unit);
  const rows = Object.entries(agents)
    .sort(([, a], [, b]) => b.priority - a.priority)
    .map(([name, agent]) => [
      name,
      agent.priority,
      // Dollars are text; tokens are numbers, which the table aligns.
      ...[agent.allocated, agent.consumed, agent.held, agent.available].map((one) =>
        unit === "tokens" ? one : shown(one),
      ),
      agent.gate === "closed"
        ? `closed at ${agent.confidence}`
        : agent.overage > 0
          ? `overage ${shown(agent.overage)}`
          : "",
    ]);
  const head = `${pool}: ${shown(total)}${unit === "tokens" ? " tokens" : ""}, ${shown(unallocated)} not allocated, seq ${seq}`;
  return `${head}\n\n${table(["AGENT", "PRIORITY", "ALLOCATED", "CONSUMED", "HELD", "AVAILABLE", ""], rows)}`;
}
