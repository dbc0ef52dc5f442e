/** `bursar agents`: the agents of a pool and their contracts. */
import { Command } from "commander";
import type { ContractOptions } from "../client/index.ts";
import type { AgentDetail } from "../protocol/agent.ts";
import type { Unit } from "../protocol/unit.ts";
import { type Amount, amount, fraction, inUnit, refill as refillOf, whole } from "./arguments.ts";
import { confirm, yesOption } from "./confirm.ts";
import { connect, money, show } from "./output.ts";
import { describe } from "./pools.ts";

type Options = {
  readonly priority: number;
  readonly max: Amount;
  readonly minReserve?: Amount;
  readonly threshold?: number;
  readonly confidencePath?: string;
  readonly ceiling?: Amount;
  readonly parent?: string;
  readonly finalReserve?: Amount;
  readonly maxPerMinute?: number;
  readonly refill?: ReturnType<typeof refillOf>;
};

export function agents(): Command {
  const command = new Command("agents").description(
    "list, show, register, reset, close, reopen and pause a pool's agents",
  );
  for (const add of [addLs, addSet, addShow, addReset, addClose, addReopen, addPause, addResume]) add(command);
  return command;
}

function addLs(command: Command): void {
  command
    .command("ls <pool>")
    .description("list a pool's agents")
    .action(async (pool: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).ledger(), describe);
    });
}

function addSet(command: Command): void {
  command
    .command("set <pool> <agent>")
    .description("register an agent, or change its contract; never touches what it has spent")
    .requiredOption("--priority <n>", "0 to 1,000; higher is more important", whole)
    .requiredOption("--max <amount>", "what it starts with: 20000, or $5 of a microusd pool", amount)
    .option("--min-reserve <amount>", "what it keeps when other agents borrow (default: a tenth)", amount)
    .option("--threshold <confidence>", "its gate closes at this confidence, 0 to 1", fraction)
    .option("--confidence-path <path>", "where the gateway finds the confidence of an answer: /confidence")
    .option("--ceiling <amount>", "the most it can get: transfers never lift its allocation above this", amount)
    .option("--parent <agent>", "the agent whose budget it draws from")
    .option("--final-reserve <amount>", "kept for its last call, a reserve with final: true", amount)
    .option("--max-per-minute <n>", "its rate limit, against loops: reserves in a minute", whole)
    .option(
      "--refill <every>",
      "fill its allocation again every day, week, month, or so many hours: 5h; or none",
      refillOf,
    )
    .action(async (pool: string, agent: string, options: Options, self: Command) => {
      const bursar = connect(self);
      const { unit } = await bursar.pool(pool).ledger();
      const { priority, max, threshold, parent, maxPerMinute, refill } = options;
      const of = (given: Amount | undefined): number | undefined => given && inUnit(given, unit);
      const contract = {
        priority,
        [unit === "tokens" ? "max_tokens" : "max_microusd"]: of(max),
        min_reserve: of(options.minReserve),
        confidence_threshold: threshold,
        confidence_path: options.confidencePath,
        ceiling: of(options.ceiling),
        parent,
        final_reserve: of(options.finalReserve),
        max_reserves_per_minute: maxPerMinute,
        refill: refill === "none" ? null : refill,
      };
      const named = Object.fromEntries(Object.entries(contract).filter(([, value]) => value !== undefined));
      const registered = await bursar.pool(pool).register(agent, named as ContractOptions);
      show(self, registered, ({ agent: { allocated } }) => `${agent} is allocated ${money(allocated, unit)}.`);
    });
}

function addShow(command: Command): void {
  command
    .command("show <pool> <agent>")
    .description("an agent's contract, and what it has, has spent and holds")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      const bursar = connect(self);
      const { unit } = await bursar.pool(pool).ledger();
      show(self, await bursar.pool(pool).agent(agent).view(), (detail) => detailOf(detail, unit));
    });
}

function addReset(command: Command): void {
  command
    .command("reset <pool> <agent>")
    .description("reset it: nothing consumed, its contract's allocation again, its gate open")
    .option(...yesOption)
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      await confirm(self, `Reset ${agent}? What it has consumed no longer counts.`);
      show(self, await connect(self).pool(pool).agent(agent).reset(), () => `${agent} was reset.`);
    });
}

function addClose(command: Command): void {
  command
    .command("close <pool> <agent>")
    .description("close it: no new reserves, and it leaves when its reservations are settled")
    .option(...yesOption)
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      await confirm(self, `Close ${agent} and its sub-agents? They can't reserve any more.`);
      show(self, await connect(self).pool(pool).agent(agent).close(), ({ state }) => `${agent} is ${state}.`);
    });
}

function addReopen(command: Command): void {
  command
    .command("reopen <pool> <agent>")
    .description("open its confidence gate for a new task")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).agent(agent).reopen(), () => `${agent} may spend again.`);
    });
}

function addPause(command: Command): void {
  command
    .command("pause <pool> <agent>")
    .description("pause it and its sub-agents: no new reserves, open ones settle")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).agent(agent).pause(), () => `${agent} is paused.`);
    });
}

function addResume(command: Command): void {
  command
    .command("resume <pool> <agent>")
    .description("resume it")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).agent(agent).resume(), () => `${agent} is resumed.`);
    });
}

/** An agent as lines of a name and a value. */
function detailOf(detail: AgentDetail, unit: Unit): string {
  const { contract } = detail;
  const shown = (amount: number | null): string => (amount === null ? "–" : money(amount, unit));
  const state = detail.closing ? "closing" : detail.paused ? "paused" : "works";
  const lines = [
    ["agent", detail.name],
    ["state", state],
    ["priority", String(contract.priority)],
    ["max", shown(contract.max)],
    ["ceiling", shown(contract.ceiling)],
    ["min reserve", shown(contract.min_reserve)],
    ["final reserve", shown(contract.final_reserve)],
    ["parent", contract.parent ?? "–"],
    ["gate", detail.gate === "closed" ? `closed at ${detail.confidence}` : "open"],
    ["threshold", contract.confidence_threshold === null ? "–" : String(contract.confidence_threshold)],
    ["allocated", shown(detail.allocated)],
    ["consumed", shown(detail.consumed)],
    ["held", `${shown(detail.held)} in ${detail.open_reservations} open reservations`],
    ["available", shown(detail.available)],
    ["sub-agents", String(detail.sub_agents)],
  ];
  return lines.map(([name = "", value = ""]) => `${name.padEnd(14)} ${value}`).join("\n");
}
