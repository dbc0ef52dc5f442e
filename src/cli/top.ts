/** `bursar top`: a live view of a pool. */
import { Command } from "commander";
import type { Report } from "../protocol/pool.ts";
import { interval } from "./arguments.ts";
import { connect, isJson } from "./output.ts";
import { describe } from "./pools.ts";

const columns = 40;

export function top(): Command {
  return new Command("top")
    .argument("<pool>")
    .description("watch a pool: who spends, who holds, who is nearly out")
    .option("--every <ms>", "how often it is read", interval, 1_000)
    .option("--once", "print it once and exit")
    .action(async (name: string, { every, once }: { every: number; once?: boolean }, self: Command) => {
      const pool = connect(self).pool(name);
      const live = once !== true && process.stdout.isTTY && !isJson(self);
      let before: Report | undefined;
      for (;;) {
        const report = await pool.ledger();
        if (isJson(self)) console.log(JSON.stringify(report));
        else process.stdout.write(`${live ? "\u001b[H\u001b[2J" : ""}${draw(report, before, every)}\n`);
        if (once === true) return;
        before = report;
        await new Promise((resolve) => setTimeout(resolve, every));
      }
    });
}

/** The table, with a bar for each agent and what was spent since the last refresh. */
function draw(report: Report, before: Report | undefined, every: number): string {
  const bars = Object.entries(report.agents)
    .sort(([, a], [, b]) => b.priority - a.priority)
    .map(([name, { consumed, held, allocated }]) => {
      const spent = consumed - (before?.agents[name]?.consumed ?? consumed);
      const rate = spent > 0 ? `  ${Math.round((spent * 1_000) / every).toLocaleString("en-US")}/s` : "";
      return `${name.slice(0, 20).padEnd(20)} ${bar(consumed, held, allocated)}${rate}`;
    });
  return `${describe(report)}\n\n${bars.join("\n")}\n\n█ consumed  ▒ held  ░ available`;
}

function bar(consumed: number, held: number, allocated: number): string {
  if (allocated <= 0) return "░".repeat(columns);
  const cells = (amount: number): number => Math.min(columns, Math.round((columns * amount) / allocated));
  const full = cells(consumed);
  const half = Math.min(columns - full, cells(held));
  return "█".repeat(full) + "▒".repeat(half) + "░".repeat(columns - full - half);
}
