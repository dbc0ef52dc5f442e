/** Output, as tables for people and JSON for programs, and the connection to the governor. */
import type { Command } from "commander";
import { Bursar } from "../client/index.ts";
import type { Unit } from "../protocol/unit.ts";

export type Cell = string | number | null;

export class NoKeyError extends Error {}

/** A client of the governor that options or environment name. Throws an error that says what to set. */
export function connect(command: Command): Bursar {
  const { url, key } = addressOf(command);
  return new Bursar({ url, key });
}

export function addressOf(command: Command): { readonly url: string; readonly key: string } {
  const options = command.optsWithGlobals<{ url?: string; key?: string }>();
  const url = options.url ?? process.env["BURSAR_URL"] ?? "";
  const key = options.key ?? process.env["BURSAR_KEY"] ?? "";
  if (url === "") throw new Error("No address: set BURSAR_URL, or give --url.");
  const { pathname, origin } = URL.canParse(url) ? new URL(url) : { pathname: "", origin: "" };
  if (!/^https?:/.test(origin)) throw new Error(`${url} is no address: http://127.0.0.1:8787, for example.`);
  if (pathname !== "/") throw new Error(`The governor's address has no path: ${origin}, not ${url}.`);
  if (key === "") throw new NoKeyError("No key: set BURSAR_KEY, or give --key.");
  return { url, key };
}

/** All items of a list in pages: `page(after)` returns those after a name, in order. */
export async function everyPage<T>(
  page: (after?: string) => Promise<readonly T[]>,
  nameOf: (one: T) => string,
): Promise<readonly T[]> {
  const all: T[] = [];
  for (;;) {
    const last = all.at(-1);
    const more = await (last === undefined ? page() : page(nameOf(last)));
    if (more.length === 0) return all;
    all.push(...more);
  }
}

export function isJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}

/** Prints `value` as JSON with `--json`, otherwise as `text` formats it. */
export function show<T>(command: Command, value: T, text: (value: T) => string): void {
  console.log(isJson(command) ? JSON.stringify(value, null, 2) : text(value));
}

/** A table; numbers are aligned right. The first column names the rows, for the message when there are none. */
export function table(columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return `No ${(columns[0] ?? "row").toLowerCase()}s.`;
  const texts = [columns, ...rows.map((row) => row.map(format))];
  const widths = columns.map((_, index) => Math.max(...texts.map((row) => (row[index] ?? "").length)));
  const isNumber = columns.map((_, index) => typeof rows[0]?.[index] === "number");
  return texts
    .map((row) =>
      row
        .map((cell, index) => (isNumber[index] ? cell.padStart(widths[index] ?? 0) : cell.padEnd(widths[index] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** An amount for people: tokens with grouped digits, microusd as dollars. */
export function money(amount: number, unit: Unit): string {
  if (unit === "tokens") return amount.toLocaleString("en-US");
  const digits = { minimumFractionDigits: 2, maximumFractionDigits: 6 };
  return `${amount < 0 ? "-" : ""}$${(Math.abs(amount) / 1e6).toLocaleString("en-US", digits)}`;
}

export function time(ms: number | null): string {
  return ms === null ? "–" : new Date(ms).toISOString().replace("T", " ").slice(0, 19);
}

function format(cell: Cell): string {
  if (cell === null) return "–";
  return typeof cell === "number" ? cell.toLocaleString("en-US") : cell;
}
