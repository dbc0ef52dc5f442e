/** `npx bursar`: the operator's tool. Exit 0: done; 2: the governor refused; 1: anything else. */
import { Command } from "commander";
import { BursarError } from "../client/index.ts";
import { agents } from "./agents.ts";
import { doctor } from "./doctor.ts";
import { init } from "./init.ts";
import { keys } from "./keys.ts";
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
  if (!(error instanceof BursarError)) {
    console.error(error instanceof Error ? error.message : String(error));
    return 1;
  }
  console.error(program.opts()["json"] === true ? JSON.stringify(error.problem) : `${error.message} (${error.code})`);
  // A no of the governor's, and not a request that was wrong or came from nobody it knows.
  return error.status >= 402 && error.status < 500 ? 2 : 1;
}
