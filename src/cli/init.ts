/** `bursar init`: sets up a new governor with a tenant, a pool and an admin key, in one command. */
import { existsSync, readFileSync } from "node:fs";
import { parseEnv } from "node:util";
import { Command } from "commander";
import { Bursar, BursarError } from "../client/index.ts";
import { addressOf, show } from "./output.ts";

type Options = { readonly tenant: string; readonly pool: string; readonly dev?: true };

export function init(): Command {
  return new Command("init")
    .description(
      "create a tenant with a pool and an admin key, and print what to set (--key takes the operator's token)",
    )
    .option("--tenant <id>", "the tenant's id", "main")
    .option("--pool <pool>", "its first pool", "default")
    .option("--dev", "for `wrangler dev` in this folder: its address is on port 8787, its token in .dev.vars")
    .action(async ({ tenant, pool, dev }: Options, self: Command) => {
      const { url, key: operatorToken } = dev === true ? devAddress(self) : addressOf(self);
      const key = await adminKeyOf(new Bursar({ url, key: operatorToken }), tenant);
      await new Bursar({ url, key }).pool(pool).configure();
      // Only the commands go to standard output, so that a shell can run them.
      show(self, { url, tenant, pool, key }, () => `export BURSAR_URL=${url} BURSAR_KEY=${key}`);
      console.error(`
Tenant ${tenant} has a pool ${pool}. Keep its admin key: it is shown only now. Next:

  npx bursar agents set ${pool} writer --priority 1 --max 10000
  npx bursar keys create --scope spend --pool ${pool} --agent writer`);
    });
}

/** The tenant's first admin key; another one if the tenant exists. */
async function adminKeyOf({ tenants }: Bursar, tenant: string): Promise<string> {
  try {
    return (await tenants.create(tenant)).key.key;
  } catch (error) {
    if (!(error instanceof BursarError) || error.code !== "contract_conflict") throw error;
    return (await tenants.createKey(tenant, "bursar init")).key;
  }
}

/** Where `wrangler dev` listens by default, and the operator's token that it reads. */
function devAddress(self: Command): { readonly url: string; readonly key: string } {
  const { url = process.env["BURSAR_URL"] ?? "http://127.0.0.1:8787" } = self.optsWithGlobals<{ url?: string }>();
  const key = existsSync(".dev.vars")
    ? parseEnv(readFileSync(".dev.vars", "utf8"))["BURSAR_OPERATOR_TOKEN"]
    : undefined;
  if (key === undefined || key === "") {
    throw new Error(
      "There is no BURSAR_OPERATOR_TOKEN in .dev.vars here. Run `npm run secrets`, then `npx wrangler dev`.",
    );
  }
  return { url, key };
}
