/** Tells what happens, for people as lines with bars, for programs as a JSON object per line. */
import { styleText } from "node:util";
import type { BursarError, Hold } from "../../src/client/index.ts";
import type { AgentView } from "../../src/protocol/agent.ts";
import type { Audit } from "../../src/protocol/journal.ts";
import type { Report } from "../../src/protocol/pool.ts";
import type { Unit } from "../../src/protocol/unit.ts";

export type Narrator = {
  title(text: string): void;
  asks(agent: string, tokens: number, question: string): void;
  holds(hold: Hold): void;
  used(agent: string, tokens: number, granted: number, confidence: number | undefined, gateClosed: boolean): void;
  refused(agent: string, error: BursarError): void;
  report(report: Report): void;
  verdict(audit: Audit, calls: number): void;
};

const number = new Intl.NumberFormat("en-US");

export function jsonNarrator(): Narrator {
  const say = (event: string, facts: object): void => console.log(JSON.stringify({ event, ...facts }));
  return {
    title: (text) => say("title", { text }),
    asks: (agent, tokens) => say("asks", { agent, tokens }),
    holds: ({ agent, id, granted, transfers }) => say("holds", { agent, id, granted, transfers }),
    used: (agent, tokens, granted, confidence, gate_closed) =>
      say("used", { agent, tokens, granted, confidence, gate_closed }),
    refused: (agent, { code, problem }) => say("refused", { agent, code, problem }),
    report: (report) => say("report", { report }),
    verdict: (audit, calls) => say("verdict", { audit, calls }),
  };
}

const colours = { planner: "magenta", researcher: "cyan", writer: "green", critic: "yellow" } as const;

export function personNarrator(unit: Unit): Narrator {
  const amount = (count: number): string => (unit === "tokens" ? number.format(count) : `$${(count / 1e6).toFixed(6)}`);
  const name = (agent: string): string => {
    const colour = Object.entries(colours).find(([known]) => known === agent)?.[1] ?? "white";
    return styleText(colour, agent.padEnd(10));
  };
  const dim = (text: string): string => styleText("dim", text);
  const say = (line: string): void => console.log(line);
  let lastQuestion = "";
  return {
    title: (text) => say(`\n${styleText("bold", text)}`),
    asks: (agent, tokens, question) => {
      if (question !== lastQuestion) say(`  ${" ".repeat(10)} ${dim(`“${question}”`)}`);
      lastQuestion = question;
      say(`  ${name(agent)} asks for ${amount(tokens)}`);
    },
    holds: ({ agent, transfers }) => {
      for (const { from, amount: moved } of transfers) {
        const giver = from === null ? "the pool's unallocated budget" : from;
        say(`  ${name(agent)} ${styleText("bold", `ran short: ${amount(moved)} came from ${giver}`)}`);
      }
    },
    used: (agent, tokens, granted, confidence, gateClosed) => {
      const sure = confidence === undefined ? "" : `, ${Math.round(confidence * 100)} % sure`;
      say(`  ${name(agent)} used ${amount(tokens)}, ${amount(granted - tokens)} returned${dim(sure)}`);
      if (gateClosed) say(`  ${name(agent)} ${styleText("bold", "is sure enough: its gate closes")}`);
    },
    refused: (agent, { message }) => say(`  ${name(agent)} ${styleText("red", "refused")}: ${message}`),
    report: ({ agents, total, unallocated }) => {
      say(`  ${dim("█ consumed  ▒ held  ░ available  · kept in reserve")}`);
      for (const [agent, view] of Object.entries(agents))
        say(`  ${name(agent)} ${bar(view, total)} ${numbers(view, amount)}`);
      if (unallocated > 0) say(`  ${"unallocated".padEnd(10)} ${amount(unallocated)}`);
    },
    verdict: ({ ok, seq, rows, findings }, calls) => {
      const verdict = ok ? styleText("green", "clean") : styleText("red", findings.join("; "));
      say(`  ${calls} calls of the model. Audit of ${seq} events in ${rows} rows: ${verdict}.\n`);
    },
  };
}

function numbers({ consumed, allocated, gate }: AgentView, amount: (count: number) => string): string {
  return `${amount(consumed)} of ${amount(allocated)}${gate === "closed" ? ", gate closed" : ""}`;
}

/** 48 columns are the pool's total. */
function bar({ consumed, held, available, min_reserve }: AgentView, total: number): string {
  const cells = (tokens: number): number => Math.round((48 * Math.max(0, tokens)) / total);
  const kept = Math.min(min_reserve, Math.max(0, available));
  const text = "█".repeat(cells(consumed)) + "▒".repeat(cells(held)) + "░".repeat(cells(available - kept));
  return `${text}${"·".repeat(cells(kept))}`.padEnd(34);
}
