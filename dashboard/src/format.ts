/** How amounts and times are written: so that numbers line up, and nobody counts zeros. */
import type { Unit } from "../../src/protocol/commands.ts";

const whole = new Intl.NumberFormat("en-US");
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** An amount in full: `1,234`, or dollars with the digits that matter. */
export function amount(value: number, unit: Unit): string {
  if (unit === "tokens") return whole.format(value);
  const dollars = value / 1e6;
  const digits = Math.abs(dollars) >= 100 ? 2 : Math.abs(dollars) >= 1 ? 3 : 6;
  return `${dollars < 0 ? "−" : ""}$${Math.abs(dollars).toFixed(digits)}`;
}

/** An amount in little room: `1.2K`, `$1.20`. */
export function brief(value: number, unit: Unit): string {
  if (unit === "tokens") return short.format(value);
  const dollars = value / 1e6;
  return Math.abs(dollars) >= 0.01 || dollars === 0 ? `$${dollars.toFixed(2)}` : `$${dollars.toPrecision(2)}`;
}

export function count(value: number): string {
  return whole.format(value);
}

export function percent(share: number): string {
  if (!Number.isFinite(share)) return "–";
  return `${(100 * share).toFixed(share < 0.0995 && share > 0 ? 1 : 0)} %`;
}

export function clock(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}

/** A length of time, in its two largest units. */
export function duration(ms: number): string {
  if (!Number.isFinite(ms)) return "–";
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m ${seconds % 60} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`;
}
