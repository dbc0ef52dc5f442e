/** `npm run secrets`: makes the secrets that a governor on this machine needs, in the file that `wrangler dev` reads. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { minSecretLength } from "../src/http/settings.ts";
import { readOptions } from "./options.ts";

const names = ["BURSAR_OPERATOR_TOKEN", "BURSAR_KEY_SECRET"] as const;

/** The settings in `.dev.vars`, with the required secrets among them. */
export type DevVars = Readonly<Record<(typeof names)[number], string>> & Readonly<Record<string, string>>;

/** Where `npm start` and `wrangler dev` read their settings from; git ignores it. */
export const devVars = join(import.meta.dirname, "../.dev.vars");

/**
 * The settings in `file`, once every required secret has a value: a missing one is made, 256 bits of chance, and
 * written to the file. Lines that are there stay as they are. Throws where a secret is too short to be used.
 */
export function ensureSecrets(file: string): DevVars {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const known = parseEnv(text);
  const short = names.find((name) => (known[name] ?? "") !== "" && (known[name] ?? "").length < minSecretLength);
  if (short !== undefined) {
    throw new Error(
      `${short} in ${file} has fewer than ${minSecretLength} characters. Delete the line, and a new one is made.`,
    );
  }
  const made = names.filter((name) => (known[name] ?? "") === "");
  if (made.length === 0) return known as DevVars;
  const secrets = Object.fromEntries(made.map((name) => [name, randomBytes(32).toString("base64url")]));
  // An empty line, as .dev.vars.example has it, is filled in; the rest is added at the end.
  const lines = text.split("\n").filter((line) => !made.some((name) => line.trim().startsWith(`${name}=`)));
  const kept = lines.join("\n").replace(/\n*$/, "\n").replace(/^\n$/, "");
  const added = Object.entries(secrets)
    .map(([name, secret]) => `${name}=${secret}\n`)
    .join("");
  // Readable by its owner only: the operator's token is in it.
  writeFileSync(file, kept + added, { mode: 0o600 });
  return { ...known, ...secrets } as DevVars;
}

if (import.meta.main) {
  readOptions("npm run secrets\n\nMakes the secrets that are missing in .dev.vars; those that are there stay.", {});
  try {
    const before = existsSync(devVars) ? readFileSync(devVars, "utf8") : "";
    ensureSecrets(devVars);
    const isNew = readFileSync(devVars, "utf8") !== before;
    console.log(`${isNew ? "Secrets are in .dev.vars now" : ".dev.vars has its secrets already"}. Start the governor:

  npm start             prints an address, an admin key and where to look
  npx wrangler dev      the same Worker by wrangler alone`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
