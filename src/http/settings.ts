/**
 * The settings that a deployment gives the Worker, and what is wrong with them. One table, read by every route that
 * needs a setting and by `/healthz`, so that what the health check reports is what the routes would refuse.
 */
import type { Env } from "../env.ts";
import { limits } from "../protocol/limits.ts";
import { ApiError } from "./problems.ts";

/** The shortest secret that is accepted, in characters: a guessable one protects nothing. */
export const minSecretLength = 32;

/** A setting that can't be used: its name, and what it must be. */
export type WrongSetting = { readonly field: string; readonly message: string };

/** Settings of the Worker that are text; the rest of `Env` are bindings, which the platform checks. */
type Setting = { [Name in keyof Env]-?: NonNullable<Env[Name]> extends string ? Name : never }[keyof Env];

/** What a setting must be, or undefined where `text` is that. */
type Check = (text: string) => string | undefined;

const secret: Check = (text) =>
  text.length < minSecretLength ? `must have at least ${minSecretLength} characters` : undefined;

const whole =
  (least: number, most: number): Check =>
  (text) => {
    const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    return value >= least && value <= most ? undefined : `must be a whole number from ${least} to ${most}`;
  };

const oneOf =
  (...names: readonly string[]): Check =>
  (text) =>
    names.includes(text) ? undefined : `must be ${names.join(", ")}`;

/** Provider keys are sent to this address, so plain HTTP is accepted only on this machine. */
const upstream: Check = (text) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url !== undefined && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
  const isUsable = url !== undefined && url.search === "" && url.hash === "" && (url.protocol === "https:" || isLocal);
  return isUsable ? undefined : "must be an https address without a query";
};

const origins: Check = (text) => {
  const wrong = listed(text).find((one) => !/^https?:\/\/[^/*\s]+$/.test(one));
  return wrong === undefined ? undefined : `must be origins separated by commas, such as https://example.com`;
};

/** A lease shorter than half a second would be extended all the time; a day is the longest lease. */
const gatewayMs = whole(500, 24 * 3_600_000);

const checks: { readonly [Name in Setting]?: Check } = {
  BURSAR_OPERATOR_TOKEN: secret,
  BURSAR_KEY_SECRET: secret,
  BURSAR_KEY_SECRET_PREVIOUS: secret,
  BURSAR_WEBHOOK_ORIGINS: origins,
  BURSAR_CORS_ORIGINS: origins,
  BURSAR_BODY_BYTES: whole(1_024, limits.gatewayBodyBytes),
  BURSAR_GATEWAY_TTL_MS: gatewayMs,
  BURSAR_GATEWAY_SILENCE_MS: gatewayMs,
  BURSAR_LOG: oneOf("problems", "all", "none"),
  OPENAI_UPSTREAM: upstream,
  ANTHROPIC_UPSTREAM: upstream,
  GEMINI_UPSTREAM: upstream,
};

/** Without these no request can be answered. */
const required = ["BURSAR_OPERATOR_TOKEN", "BURSAR_KEY_SECRET"] as const satisfies readonly Setting[];

/** The settings that are set and invalid. Routes that need one of them are refused; everything else works. */
export function wrongSettings(env: Partial<Env>): WrongSetting[] {
  return (Object.keys(checks) as (keyof typeof checks)[])
    .filter((name) => (env[name] ?? "") !== "")
    .flatMap((name) => wrongSetting(env, name));
}

/** Throws a 503 that names every required setting that is missing or too short, and says how to set it. */
export function mustBeConfigured(env: Partial<Env>): void {
  const errors = required.flatMap((name) => wrongSetting(env, name));
  if (errors.length > 0) throw misconfigured(errors);
}

/** A setting's text, or `otherwise` if it is not set. Throws a 503 that names it if it is invalid. */
export function settingOf(env: Partial<Env>, name: keyof typeof checks, otherwise: string): string {
  const text = env[name] ?? "";
  if (text === "") return otherwise;
  const errors = wrongSetting(env, name);
  if (errors.length > 0) throw misconfigured(errors);
  return text;
}

/** A setting that is a number. */
export function numberOf(env: Partial<Env>, name: keyof typeof checks, otherwise: number): number {
  return Number(settingOf(env, name, String(otherwise)));
}

/** The texts of a setting that is a list, separated by commas. */
export function listed(text: string | undefined): string[] {
  return (text ?? "")
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
}

function wrongSetting(env: Partial<Env>, name: keyof typeof checks): WrongSetting[] {
  const text = env[name] ?? "";
  const message = text === "" ? "is missing" : checks[name]?.(text);
  return message === undefined ? [] : [{ field: name, message }];
}

function misconfigured(errors: readonly WrongSetting[]): ApiError {
  const found = errors.map(({ field, message }) => `${field} ${message}`).join("; ");
  const secrets = errors.filter(({ field }) => required.some((name) => name === field));
  const mend =
    secrets.length === 0
      ? "Change the setting and start the Worker again."
      : "On this machine, run `npm run secrets`, which writes them to .dev.vars, and start `wrangler dev` again. " +
        `On Cloudflare, run ${secrets.map(({ field }) => `\`npx wrangler secret put ${field}\``).join(" and ")}.`;
  return new ApiError("misconfigured", `Bursar is not configured: ${found}. ${mend}`, { errors });
}
