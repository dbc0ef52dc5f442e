/** The governor's secrets on this machine: made at first start, kept in a file that git ignores. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const names = ["BURSAR_OPERATOR_TOKEN", "BURSAR_KEY_SECRET"] as const;

export type Secrets = Readonly<Record<(typeof names)[number], string>>;

/** The secrets in `file`; those that are missing are made, 256 bits each, and added to it. */
export function ensureSecrets(file: string): Secrets {
  const text = existsSync(file) ? readFileSync(file, "utf8") : "";
  const known = new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const [, name = "", value = ""] = /^\s*([A-Z_]+)\s*=\s*"?([^"]*?)"?\s*$/.exec(line) ?? [];
      return value === "" ? [] : [[name, value]];
    }),
  );
  const made = names.filter((name) => !known.has(name));
  for (const name of made) known.set(name, randomBytes(32).toString("base64url"));
  if (made.length > 0) {
    const before = text === "" || text.endsWith("\n") ? text : `${text}\n`;
    const lines = made.map((name) => `${name}=${known.get(name) ?? ""}\n`).join("");
    // Readable by its owner only: whoever reads it is the operator.
    writeFileSync(file, before + lines, { mode: 0o600 });
  }
  return Object.fromEntries(names.map((name) => [name, known.get(name) ?? ""])) as Secrets;
}
