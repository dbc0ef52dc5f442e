/** Asks for confirmation before something is destroyed; `--yes` confirms without asking. */
import { createInterface } from "node:readline/promises";
import type { Command } from "commander";

export const yesOption = ["--yes", "do not ask"] as const;

/** There is no terminal to ask, or the answer was no; nothing was done. */
export class NotConfirmed extends Error {}

/** Resolves once the caller has said yes; `what` is the whole question. */
export async function confirm(command: Command, what: string): Promise<void> {
  if (command.opts()["yes"] === true) return;
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new NotConfirmed(`${what} Nothing was done: repeat the command with --yes.`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question(`${what} [y/N] `);
    if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmed("Nothing was done.");
  } finally {
    terminal.close();
  }
}
