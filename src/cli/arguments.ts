/** Parsers of arguments, with errors that say what was expected. */
import { InvalidArgumentError } from "commander";
import type { Unit } from "../protocol/unit.ts";

/** A whole number; `_` and `,` may group its digits. */
export function whole(text: string): number {
  const value = Number(text.replaceAll(/[_,]/g, ""));
  if (text.trim() === "" || !Number.isSafeInteger(value)) throw new InvalidArgumentError("It takes a whole number.");
  return value;
}

/** An amount as it was given: a whole number in the pool's unit, or dollars, which only a pool of microusd takes. */
export type Amount = { readonly value: number; readonly isDollars: boolean };

/** `20000`, `20_000`, `$40` or `$0.25`; below zero where something is taken out: `-5000`, `$-5`. */
export function amount(text: string): Amount {
  const [, sign = "", digits = ""] = /^\$(-?)([\d_,]+(?:\.\d{1,6})?)$/.exec(text) ?? [];
  if (digits === "") return { value: whole(text), isDollars: false };
  const microusd = Math.round(Number(digits.replaceAll(/[_,]/g, "")) * 1e6);
  if (!Number.isSafeInteger(microusd)) throw new InvalidArgumentError("That is more than can be counted exactly.");
  return { value: sign === "-" ? -microusd : microusd, isDollars: true };
}

/** The amount in the pool's unit. */
export function inUnit({ value, isDollars }: Amount, unit: Unit): number {
  if (isDollars && unit !== "microusd") throw new Error("This pool counts tokens: give the amount without a $.");
  return value;
}

/** Percentages with commas between: `50,80,95`. */
export function percentages(text: string): number[] {
  return text.split(",").map((one) => whole(one.trim()));
}

/** `on` or `off`. */
export function onOff(text: string): boolean {
  if (text !== "on" && text !== "off") throw new InvalidArgumentError("It takes on or off.");
  return text === "on";
}

/** The rollover of unspent budget: `none`, `unspent`, or `capped:<amount>`. */
export function rollover(text: string): { rollover: "none" | "unspent" } | { rollover: "capped"; cap: Amount } {
  if (text === "none" || text === "unspent") return { rollover: text };
  const [, cap] = /^capped:(.+)$/.exec(text) ?? [];
  if (cap === undefined) throw new InvalidArgumentError("It takes none, unspent, or capped:<amount>.");
  return { rollover: "capped", cap: amount(cap) };
}

/** A length of time such as `500ms`, `30s`, `5m` or `2h`, in milliseconds. */
export function duration(text: string): number {
  const [, count, unit] = /^(\d+)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[unit ?? ""];
  if (ms === undefined) throw new InvalidArgumentError("It takes a length of time: 500ms, 30s, 5m or 2h.");
  return Number(count) * ms;
}

/** An interval of polling, in milliseconds; below 100 it would only be load. */
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

/** A refill rule: `day`, `week`, `month`, or hours such as `5h`; or `none`. */
export function refill(text: string): { every: "day" | "week" | "month" } | { every: "hours"; hours: number } | "none" {
  if (text === "none") return text;
  const [, hours] = /^(\d+)h$/.exec(text) ?? [];
  if (hours !== undefined) return { every: "hours", hours: Number(hours) };
  if (text !== "day" && text !== "week" && text !== "month")
    throw new InvalidArgumentError("It takes day, week, month, a number of hours (5h), or none.");
  return { every: text };
}

export function fraction(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !(value >= 0 && value <= 1))
    throw new InvalidArgumentError("It takes a number from 0 to 1.");
  return value;
}

/** A length of time such as `30m`, `12h` or `90d`, as the moment that long from now. */
export function within(text: string): number {
  return Date.now() + length(text);
}

/** A length of time, as the moment that long ago. */
export function ago(text: string): number {
  return Date.now() - length(text);
}

function length(text: string): number {
  const [, count, unit] = /^(\d+)([mhd])$/.exec(text) ?? [];
  const ms = { m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ""];
  if (ms === undefined) throw new InvalidArgumentError("It takes a number of minutes, hours or days: 30m, 12h, 90d.");
  return Number(count) * ms;
}
