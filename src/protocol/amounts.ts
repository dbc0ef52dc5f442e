/** Amounts in words for people. The exact figures stand beside them, as facts. */
import type { Unit } from "./unit.ts";

/**
 * An amount with two digits that count, and its unit: "1.6 k tokens", "$0.43". Rounded up for what is needed and down for
 * what is there, so that a refusal never seems to contradict itself. Some clients look for a status such as 429 or 503
 * in the text of an error, and repeat a refusal that has one among its figures: two digits are never taken for one.
 */
export function brief(amount: number, unit: Unit, round: "up" | "down" = "down"): string {
  return unit === "tokens" ? `${scaled(amount, round)} tokens` : `$${scaled(amount / 1_000_000, round)}`;
}

const steps = [
  [1e12, " T"],
  [1e9, " G"],
  [1e6, " M"],
  [1e3, " k"],
] as const;

function scaled(value: number, round: "up" | "down"): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  // From a hundred on, three digits would be written.
  const [step, sign] = size < 100 ? [1, ""] : (steps.find(([one]) => size >= one / 10) ?? [1e3, " k"]);
  const part = value / step;
  const digits = Math.floor(Math.log10(Math.abs(part))) - 1;
  const unit = 10 ** digits;
  const rounded = (round === "up" ? Math.ceil : Math.floor)(Number((part / unit).toFixed(6))) * unit;
  // Rounded up to a hundred, it is a tenth of the next step.
  if (rounded >= 100) return scaled(rounded * step, round);
  return `${Number(rounded.toFixed(Math.max(0, -digits)))}${sign}`;
}
