/** `npx bursar`: the operator's tool. What its exit codes mean stands in `--help` and in docs/operations.md. */
import { Command } from "commander";
import { BursarError, UnreachableError } from "../client/index.ts";
import { agents } from "./agents.ts";
import { doctor } from "./doctor.ts";
import { init } from "./init.ts";
import { keys } from "./keys.ts";
import { NoKeyError } from "./output.ts";
import { pools } from "./pools.ts";
import { prices } from "./prices.ts";
import { tenants } from "./tenants.ts";
import { top } from "./top.ts";
import { verify } from "./verify.ts";
import { webhooks } from "./webhooks.ts";

declare const BURSAR_VERSION: string;

const program = new Command("bursar")
  .description("Governs budgets of LLM tokens. Set BURSAR_URL and BURSAR_KEY, or give --url and --key.")
  .version(BURSAR_VERSION)
  .option("--url <url>", "where the governor runs (default: BURSAR_URL)")
  .option("--key <key>", "an admin key; for tenants, the operator's token (default: BURSAR_KEY)")
  .option("--json", "answers as JSON, for programs")
  .addHelpText(
    "after",
    `
Exit codes:
  0  done
  1  the command is wrong, or was not confirmed; nothing was done
  2  the governor refused: the budget, the state or a limit says no
  3  the governor can't be reached, or can't answer
  4  the key is missing, not valid, or may not do this`,
  )
  .showHelpAfterError("(add --help for what it takes)")
  .exitOverride((error) => {
    process.exit(error.exitCode === 0 ? 0 : 1);
  });

for (const command of [init, tenants, keys, pools, agents, webhooks, prices, verify, top, doctor])
  program.addCommand(command());

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = complain(error);
}

/** Says what went wrong, on the error channel; gives the exit code. */
function complain(error: unknown): number {
  if (error instanceof UnreachableError) {
    console.error(error.message);
    return 3;
  }
  if (!(error instanceof BursarError)) {
    console.error(error instanceof Error ? error.message : String(error));
    return error instanceof NoKeyError ? 4 : 1;
  }
  console.error(program.opts()["json"] === true ? JSON.stringify(error.problem) : `${error.message} (${error.code})`);
  if (error.status >= 500) return 3;
  if (error.status === 401 || error.status === 403) return 4;
  return error.status === 400 ? 1 : 2;
}
