/** Numbers that others set: the caller by a header, where its SDK has no field for it; the operator by a setting. */
import type { Env } from "../env.ts";
import { DoorError, invalid } from "../http/problems.ts";

/** A whole number from a header; throws a 400 that names the header. */
export function numberIn(request: Request, header: string, most: number): number | undefined {
  const text = request.headers.get(header);
  if (text === null) return undefined;
  const value = wholeNumber(text);
  if (value === undefined || value < 1 || value > most) {
    throw invalid(header, `must be a whole number from 1 to ${most}`);
  }
  return value;
}

type MsSetting = "BURSAR_GATEWAY_TTL_MS" | "BURSAR_GATEWAY_SILENCE_MS";

/** A time from a setting, or `otherwise` where it is not set; throws a 503 that names the setting. */
export function msIn(env: Env, setting: MsSetting, otherwise: number): number {
  const text = env[setting] ?? "";
  if (text === "") return otherwise;
  const value = wholeNumber(text);
  if (value === undefined || value < leastMs || value > mostMs) {
    throw new DoorError("misconfigured", `Set ${setting} to milliseconds from ${leastMs} to ${mostMs}.`);
  }
  return value;
}

/** Shorter, and leases would be extended all the time; longer than a day is longer than any lease. */
const leastMs = 500;
const mostMs = 24 * 3_600_000;

function wholeNumber(text: string): number | undefined {
  return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
}
