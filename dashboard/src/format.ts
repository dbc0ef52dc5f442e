/** How amounts and times are written: so that numbers line up and zeros need no counting. */
import type { Unit } from "../../src/protocol/unit.ts";

const whole = new Intl.NumberFormat("en-US");
const dollars = { style: "currency", currency: "USD" } as const;
const cents = new Intl.NumberFormat("en-US", dollars);
const exact = new Intl.NumberFormat("en-US", { ...dollars, maximumFractionDigits: 6 });
const shortDollars = new Intl.NumberFormat("en-US", { ...dollars, notation: "compact", maximumFractionDigits: 1 });
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** An amount in full: `1,234`, or dollars to the last millionth that is not nought. */
export function amount(value: number, unit: Unit): string {
  return unit === "tokens" ? whole.format(value) : exact.format(value / 1e6);
}

/** An amount in little room: `1.2K`, `$1.20`, `$1.2M`. */
export function brief(value: number, unit: Unit): string {
  if (unit === "tokens") return short.format(value);
  const dollars = value / 1e6;
  if (Math.abs(dollars) >= 10_000) return shortDollars.format(dollars);
  return Math.abs(dollars) >= 0.01 || dollars === 0 ? cents.format(dollars) : `$${dollars.toPrecision(2)}`;
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
