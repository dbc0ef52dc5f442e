/** `bursar init`: from a governor that just runs to a tenant with a pool, in one command. */
import { Command } from "commander";
import { Bursar } from "../client/index.ts";
import { addressOf, show } from "./output.ts";

export function init(): Command {
  return new Command("init")
    .description("make a tenant with a pool, and print what to set (with the operator's token for --key)")
    .option("--tenant <id>", "the tenant's id", "main")
    .option("--pool <pool>", "its first pool", "default")
    .action(async ({ tenant, pool }: { tenant: string; pool: string }, self: Command) => {
      const { url, key: operatorToken } = addressOf(self);
      const made = await new Bursar({ url, key: operatorToken }).tenants.create(tenant);
      const { key } = made.key;
      await new Bursar({ url, key }).pool(pool).configure();
      show(
        self,
        { url, tenant, pool, key },
        () => `Tenant ${tenant} has a pool ${pool}. Keep its admin key; it is shown only now:

  export BURSAR_URL=${url} BURSAR_KEY=${key}

Next: bursar agents set ${pool} writer --priority 1 --max 10000
      bursar keys create --scope spend --pool ${pool} --agent writer`,
      );
    });
}
