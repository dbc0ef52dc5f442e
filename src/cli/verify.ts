/** `bursar verify`: checks exported or archived journals, offline, with the governor's own engine. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import { type Verdict, verify as verifySegments } from "../archive/verify.ts";
import { report } from "../engine/results.ts";
import { show } from "./output.ts";
import { describe } from "./pools.ts";

export function verify(): Command {
  return new Command("verify")
    .description("check segments of a journal offline: the hash chain, and that the events fold to a valid state")
    .argument("<file...>", "what `bursar pools export` wrote, or the archive holds")
    .action((files: string[], _: unknown, self: Command) => {
      const verdict = verifySegments(files.map((file) => [file, readFileSync(file, "utf8")] as const));
      if (!verdict.ok) process.exitCode = 2;
      const { state, ...facts } = verdict;
      const ledger = state === null || state.settings === null ? null : report(state, verdict.pool ?? "");
      show(self, { ...facts, report: ledger }, () => said(verdict));
    });
}

function said({ ok, pool, segments, rows, seq, head, findings, state }: Verdict): string {
  const ledger = state === null || state.settings === null ? "" : `\n\n${describe(report(state, pool ?? ""))}`;
  const chain = `${segments} segments, ${rows} rows, up to event ${seq}; the next must carry ${head}`;
  if (ok) return `The chain is whole: ${chain}.${ledger}`;
  return `Something is wrong:\n${findings.map((finding) => `- ${finding}`).join("\n")}\n${chain}.`;
}
