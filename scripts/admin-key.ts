/** An admin key of the tenant that a governor on this machine serves, kept beside its data. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { Bursar, BursarError } from "../src/client/index.ts";

const tenant = "local";

/** The key in `file`, if the governor takes it; otherwise a new one, kept there. The tenant is made when it is not there. */
export async function ensureAdminKey(url: string, operatorToken: string, file: string): Promise<string> {
  if (existsSync(file)) {
    const key = readFileSync(file, "utf8").trim();
    if (await isTaken(url, key)) return key;
  }
  const key = await newAdminKey(new Bursar({ url, key: operatorToken }));
  // Readable by its owner only.
  writeFileSync(file, `${key}\n`, { mode: 0o600 });
  return key;
}

async function isTaken(url: string, key: string): Promise<boolean> {
  try {
    await new Bursar({ url, key }).pools();
    return true;
  } catch (error) {
    // Other secrets than when it was made, or revoked.
    if (error instanceof BursarError && error.status === 401) return false;
    throw error;
  }
}

async function newAdminKey({ tenants }: Bursar): Promise<string> {
  try {
    return (await tenants.create(tenant)).key.key;
  } catch (error) {
    if (!(error instanceof BursarError) || error.code !== "contract_conflict") throw error;
    return (await tenants.createKey(tenant, "npm start")).key;
  }
}
