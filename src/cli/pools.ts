/** `bursar pools`: budgets. */
import { Command, Option } from "commander";
import type { PoolSettings } from "../client/index.ts";
import { type Weekday, weekdays } from "../protocol/refill.ts";
import type { Report } from "../protocol/results.ts";
import { refill as refillOf, whole } from "./arguments.ts";
import { exportJournal } from "./export.ts";
import { connect, show, table, time } from "./output.ts";

export function pools(): Command {
  const command = new Command("pools").description("list, create, show, fund and delete pools");
  command
    .command("ls")
    .description("list the tenant's pools")
    .action(async (_: unknown, self: Command) => {
      const list = await connect(self).pools();
      show(self, list, () =>
        table(
          ["POOL", "CREATED"],
          list.map(({ name, created_at }) => [name, time(created_at)]),
        ),
      );
    });
  command
    .command("create <pool>")
    .description("create a pool, or change its settings")
    .addOption(new Option("--unit <unit>", "what it counts").choices(["tokens", "microusd"]).default("tokens"))
    .option("--budget <amount>", "total that agents' allocations come out of", whole)
    .option("--refill <every>", "fill it again every day, week, month, or so many hours: 5h", refillOf)
    .option("--time-zone <zone>", "whose days, weeks and months: Europe/Berlin (default: UTC)")
    .addOption(new Option("--starts-on <weekday>", "where weeks begin (default: monday)").choices(weekdays))
    .addOption(
      new Option("--rollover <rule>", "what becomes of the unspent").choices(["none", "unspent"]).default("none"),
    )
    .option("--journal-days <n>", "keep its journal so long here (default: for ever)", whole)
    .addOption(new Option("--location-hint <place>", "where its object should be born, if it is new"))
    .action(async (name: string, options: Options, self: Command) => {
      const { unit, budget, refill, timeZone: time_zone, startsOn: starts_on, locationHint: location_hint } = options;
      const zone = time_zone === undefined || refill?.every === "hours" ? undefined : { time_zone };
      const start = starts_on === undefined || refill?.every !== "week" ? undefined : { starts_on };
      const settings: PoolSettings = {
        unit,
        ...(refill && { refill: { ...refill, ...zone, ...start, rollover: options.rollover } }),
        ...(budget === undefined ? undefined : { budget }),
        ...(options.journalDays === undefined ? undefined : { journal_days: options.journalDays }),
        ...(location_hint === undefined ? undefined : { location_hint }),
      };
      const made = await connect(self).pool(name, { unit }).configure(settings);
      show(self, made, ({ total }) => `Pool ${name} counts ${unit}; its total is ${total.toLocaleString("en-US")}.`);
    });
  command
    .command("show <pool>")
    .description("what every agent has, has spent and holds")
    .action(async (name: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(name).ledger(), describe);
    });
  command
    .command("fund")
    .argument("<pool>")
    .argument("<amount>", "what is added; below zero, what is taken out", whole)
    .description("grow the budget, or shrink it")
    .action(async (name: string, amount: number, _: unknown, self: Command) => {
      const bursar = connect(self);
      const { unit } = await bursar.pool(name).ledger();
      const funded = await bursar.pool(name, { unit }).fund(amount);
      show(
        self,
        funded,
        ({ total, float }) =>
          `The total is ${total.toLocaleString("en-US")} now, ${float.toLocaleString("en-US")} of it float.`,
      );
    });
  command
    .command("pause <pool>")
    .description("stop everybody from reserving; open reservations settle")
    .action(async (name: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(name).pause(), () => `Pool ${name} is paused.`);
    });
  command
    .command("resume <pool>")
    .description("end its pause")
    .action(async (name: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(name).resume(), () => `Pool ${name} goes on.`);
    });
  command
    .command("periods <pool>")
    .description("what each period that is over had and used, newest first")
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
  command
    .command("reset-period <pool>")
    .description("start a new period now: the budget is filled again, and nothing is consumed")
    .action(async (name: string, _: unknown, self: Command) => {
      const begun = await connect(self).pool(name).resetPeriod();
      show(self, begun, ({ period }) => `Period ${period?.number} of ${name} has begun.`);
    });
  command
    .command("export <pool> <file>")
    .description("write the journal to a file that `bursar verify` checks offline")
    .option("--after <event>", "from the row with the event after this one on", whole, 0)
    .action(async (name: string, file: string, { after }: { after: number }, self: Command) => {
      await exportJournal(self, name, file, after);
      show(self, { file }, () => `The journal of ${name} is in ${file}: bursar verify ${file}`);
    });
  command
    .command("archive <pool>")
    .description("ship what of the journal is not in the archive yet")
    .action(async (name: string, _: unknown, self: Command) => {
      show(
        self,
        await connect(self).pool(name).archive(),
        ({ shipped, trimmed }) => `Shipped up to event ${shipped}; kept here from event ${trimmed + 1} on.`,
      );
    });
  command
    .command("restore <pool>")
    .description("make a deleted pool again out of the archive")
    .action(async (name: string, _: unknown, self: Command) => {
      const restored = await connect(self).pool(name).restore();
      show(self, restored, ({ seq }) => `Pool ${name} is as it was at event ${seq}.`);
    });
  command
    .command("rm <pool>")
    .description("delete a pool and its journal")
    .option("--force", "even while reservations are open")
    .action(async (name: string, { force = false }: { force?: boolean }, self: Command) => {
      show(self, await connect(self).pool(name).delete({ force }), () => `Pool ${name} is deleted.`);
    });
  return command;
}

type Options = {
  readonly unit: "tokens" | "microusd";
  readonly budget?: number;
  readonly refill?: ReturnType<typeof refillOf>;
  readonly timeZone?: string;
  readonly startsOn?: Weekday;
  readonly rollover: "none" | "unspent";
  readonly journalDays?: number;
  readonly locationHint?: string;
};

/** A pool as a table, most important agent first. */
export function describe({ pool, unit, total, float, agents, seq }: Report): string {
  const rows = Object.entries(agents)
    .sort(([, a], [, b]) => b.priority - a.priority)
    .map(([name, agent]) => [
      name,
      agent.priority,
      agent.allocated,
      agent.consumed,
      agent.held,
      agent.available,
      agent.gate === "closed" ? `closed at ${agent.confidence}` : agent.overage > 0 ? `overage ${agent.overage}` : "",
    ]);
  const head = `${pool}: ${total.toLocaleString("en-US")} ${unit}, float ${float.toLocaleString("en-US")}, seq ${seq}`;
  return `${head}\n\n${table(["AGENT", "PRIORITY", "ALLOCATED", "CONSUMED", "HELD", "AVAILABLE", ""], rows)}`;
}
