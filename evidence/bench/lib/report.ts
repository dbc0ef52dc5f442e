/** What a benchmark prints: a table for people, or JSON for machines; with the machine, for its noise is in the figures. */
import { cpus } from "node:os";
import { fail, readOptions } from "../../../scripts/options.ts";

export type Options = { readonly json: boolean; readonly seconds: number; readonly rounds: number };

/** The command line that all benchmarks share. Prints the usage and ends the process for --help. */
export function options(what: string, defaults: { readonly seconds: number; readonly rounds: number }): Options {
  const usage = `${what}

  --seconds N   length of one measurement (default ${defaults.seconds})
  --rounds N    measurements of each kind, interleaved; the median counts (default ${defaults.rounds})
  --json        for machines
  --help        this text`;
  const values = readOptions(usage, {
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: String(defaults.seconds) },
    rounds: { type: "string", default: String(defaults.rounds) },
  });
  const seconds = Number(values.seconds);
  const rounds = Number(values.rounds);
  if (!(seconds > 0)) fail(`--seconds ${values.seconds} is not a number above zero.`, usage);
  if (!(Number.isInteger(rounds) && rounds > 0))
    fail(`--rounds ${values.rounds} is not a whole number above zero.`, usage);
  return { json: values.json, seconds, rounds };
}

export type Cell = string | number;
export type Table = { readonly title: string; readonly columns: readonly string[]; readonly rows: readonly Cell[][] };

/** One line of the table over all benchmarks: a figure, and the figure beside it that it is held against. */
export type Headline = {
  readonly what: string;
  readonly figure: number;
  readonly unit: string;
  readonly beside?: { readonly what: string; readonly figure: number };
};

/** What `--json` prints. */
export type Printed = {
  readonly machine: string;
  readonly headlines: readonly Headline[];
  readonly tables: readonly Table[];
};

export function print(tables: readonly Table[], { json }: Options, headlines: readonly Headline[] = []): void {
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? "unknown"}, Node ${process.version}`;
  if (json) {
    const printed: Printed = { machine, headlines, tables };
    console.log(JSON.stringify(printed, null, 2));
    return;
  }
  console.log(machine);
  for (const { title, columns, rows } of tables) {
    const texts = [columns.map(String), ...rows.map((row) => row.map(format))];
    const widths = columns.map((_, i) => Math.max(...texts.map((row) => (row[i] ?? "").length)));
    const line = (row: readonly string[]): string =>
      row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  ");
    console.log(`\n${title}\n${texts.map((row) => `  ${line(row)}`).join("\n")}`);
  }
}

/** Progress of a long measurement; on the error channel, so that --json stays clean. */
export function progress(text: string): void {
  console.error(`… ${text}`);
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Half of the range between the least and the greatest, relative to the median: what the machine's noise does. */
export function spread(values: readonly number[]): string {
  const half = (Math.max(...values) - Math.min(...values)) / 2;
  return `±${Math.round((100 * half) / median(values))} %`;
}

/** A figure in as many digits as the noise leaves. */
export function format(cell: Cell): string {
  if (typeof cell === "string") return cell;
  if (Number.isInteger(cell) || Math.abs(cell) >= 1_000) return Math.round(cell).toLocaleString("en-US");
  return cell.toPrecision(3);
}
