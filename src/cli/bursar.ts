/** `npx bursar`: the operator's tool. Its exit codes are listed by `--help` and in docs/reference/cli.md. */
import { Command } from "commander";
import { BursarError } from "../client/index.ts";
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

// A reader such as `head` closes the pipe when it has enough.
process.stdout.on("error", (error: NodeJS.ErrnoException) => process.exit(error.code === "EPIPE" ? 0 : 1));

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = complain(error);
}

/** Prints what went wrong to standard error; returns the exit code. */
function complain(error: unknown): number {
  const isJson = program.opts()["json"] === true;
  if (!(error instanceof BursarError)) {
    const detail = error instanceof Error ? error.message : String(error);
    console.error(isJson ? JSON.stringify({ detail }) : detail);
    return error instanceof NoKeyError ? 4 : 1;
  }
  const help =
    error.status === 401 ? " Set BURSAR_KEY, or give --key: a key that this governor made and that still works." : "";
  console.error(isJson ? JSON.stringify(error.problem) : `${error.message} (${error.code})${help}`);
  // 0: there was no answer at all.
  if (error.status === 0 || error.status >= 500) return 3;
  if (error.status === 401 || error.status === 403) return 4;
  return error.status === 400 ? 1 : 2;
}
