/** Parsers of arguments, with errors that say what was expected. */
import { InvalidArgumentError } from "commander";

/** A whole number; `_` and `,` may group its digits. */
export function whole(text: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ""));
  if (text.trim() === "" || !Number.isSafeInteger(value)) throw new InvalidArgumentError("It takes a whole number.");
  return value;
}

/** Milliseconds between two looks; more often than this would be load that nobody can read. */
export function interval(text: string): number {
  const ms = whole(text);
  if (ms < 100) throw new InvalidArgumentError("It takes 100 milliseconds or more.");
  return ms;
}

/** Dollars a million tokens, as whole microusd. */
export function dollars(text: string): number {
  const microusd = Number(text) * 1e6;
  const whole = Math.round(microusd);
  if (!/^\d+(\.\d+)?$/.test(text) || Math.abs(microusd - whole) > 1e-3)
    throw new InvalidArgumentError("It takes dollars with up to six decimals: 3, or 0.15.");
  return whole;
}

/** When a budget is filled again: `day`, `week`, `month`, or hours such as `5h`. */
export function refill(text: string): { every: "day" | "week" | "month" } | { every: "hours"; hours: number } {
  const [, hours] = /^(\d+)h$/.exec(text) ?? [];
  if (hours !== undefined) return { every: "hours", hours: Number(hours) };
  if (text !== "day" && text !== "week" && text !== "month")
    throw new InvalidArgumentError("It takes day, week, month, or a number of hours: 5h.");
  return { every: text };
}

export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError("It takes a number from 0 to 1.");
  return value;
}

/** A length of time from now, such as `30m`, `12h` or `90d`, as the moment at its end. */
export function within(text: string): number {
  return Date.now() + length(text);
}

/** The moment so long ago. */
export function ago(text: string): number {
  return Date.now() - length(text);
}

function length(text: string): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const ms = { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""];
  if (ms === undefined) throw new InvalidArgumentError("It takes a number of minutes, hours or days: 30m, 12h, 90d.");
  return Number(count) * ms;
}
