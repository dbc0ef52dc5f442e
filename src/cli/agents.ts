/** `bursar agents`: who spends in a pool, under which contract. */
import { Command } from "commander";
import type { Contract } from "../client/index.ts";
import { fraction, refill as refillOf, whole } from "./arguments.ts";
import { connect, show } from "./output.ts";
import { describe } from "./pools.ts";

type Options = {
  readonly priority: number;
  readonly max: number;
  readonly minReserve?: number;
  readonly threshold?: number;
  readonly ceiling?: number;
  readonly parent?: string;
  readonly finalReserve?: number;
  readonly maxPerMinute?: number;
  readonly refill?: ReturnType<typeof refillOf>;
};

export function agents(): Command {
  const command = new Command("agents").description("list, register, close, reopen and pause a pool's agents");
  command
    .command("ls <pool>")
    .description("list a pool's agents")
    .action(async (pool: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).ledger(), describe);
    });
  command
    .command("set <pool> <agent>")
    .description("register an agent, or change its contract; never touches what it has spent")
    .requiredOption("--priority <n>", "0 to 1,000; higher is more important", whole)
    .requiredOption("--max <amount>", "its allocation, in the pool's unit", whole)
    .option("--min-reserve <amount>", "what it keeps when others need budget (default: a tenth)", whole)
    .option("--threshold <confidence>", "its gate closes at this confidence, 0 to 1", fraction)
    .option("--ceiling <amount>", "transfers never lift its allocation above this", whole)
    .option("--parent <agent>", "the agent whose budget it draws from")
    .option("--final-reserve <amount>", "the last of it, kept for a reserve with final: true", whole)
    .option("--max-per-minute <n>", "a guard against loops: reserves in a minute", whole)
    .option("--refill <every>", "fill its allocation again every day, week, month, or so many hours: 5h", refillOf)
    .action(async (pool: string, agent: string, options: Options, self: Command) => {
      const bursar = connect(self);
      const { unit } = await bursar.pool(pool).ledger();
      const { priority, max, minReserve, threshold, ceiling, parent, finalReserve, maxPerMinute, refill } = options;
      const contract: Contract = {
        priority,
        ...(unit === "tokens" ? { max_tokens: max } : { max_microusd: max }),
        ...(minReserve === undefined ? undefined : { min_reserve: minReserve }),
        ...(threshold === undefined ? undefined : { confidence_threshold: threshold }),
        ...(ceiling === undefined ? undefined : { ceiling }),
        ...(parent === undefined ? undefined : { parent }),
        ...(finalReserve === undefined ? undefined : { final_reserve: finalReserve }),
        ...(maxPerMinute === undefined ? undefined : { max_reserves_per_minute: maxPerMinute }),
        ...(refill === undefined ? undefined : { refill }),
      };
      const registered = await bursar.pool(pool).register(agent, contract);
      show(
        self,
        registered,
        ({ agent: { allocated } }) => `${agent} is allocated ${allocated.toLocaleString("en-US")}.`,
      );
    });
  command
    .command("close <pool> <agent>")
    .description("no more work for it; it leaves when its reservations are settled")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).agent(agent).close(), ({ state }) => `${agent} is ${state}.`);
    });
  command
    .command("reopen <pool> <agent>")
    .description("open its confidence gate: a new task")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).agent(agent).reopen(), () => `${agent} may spend again.`);
    });
  command
    .command("pause <pool> <agent>")
    .description("stop it, and those below it, from reserving; what is open settles")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).agent(agent).pause(), () => `${agent} is paused.`);
    });
  command
    .command("resume <pool> <agent>")
    .description("end its pause")
    .action(async (pool: string, agent: string, _: unknown, self: Command) => {
      show(self, await connect(self).pool(pool).agent(agent).resume(), () => `${agent} may go on.`);
    });
  return command;
}
