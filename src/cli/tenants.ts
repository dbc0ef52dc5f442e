/** `bursar tenants`: the tenants of a deployment, for the operator. */
import { Command, Option } from "commander";
import { type Jurisdiction, jurisdictions } from "../protocol/tenant.ts";
import { connect, everyPage, show, table, time } from "./output.ts";

export function tenants(): Command {
  const command = new Command("tenants").description("create and list tenants (with the operator's token for --key)");
  command
    .command("create <id>")
    .description("create a tenant; prints its first admin key, which is shown only now")
    .addOption(new Option("--jurisdiction <where>", "where its objects may live").choices(jurisdictions))
    .action(async (id: string, { jurisdiction }: { jurisdiction?: Jurisdiction }, self: Command) => {
      const made = await connect(self).tenants.create(id, jurisdiction === undefined ? {} : { jurisdiction });
      show(
        self,
        made,
        ({ key }) => `Tenant ${id} is created. Its admin key, shown only now:\n\n  export BURSAR_KEY=${key.key}`,
      );
    });
  command
    .command("ls")
    .description("list tenants")
    .action(async (_: unknown, self: Command) => {
      const bursar = connect(self);
      const list = await everyPage(
        (after) => bursar.tenants.list(after),
        ({ id }) => id,
      );
      show(self, list, () =>
        table(
          ["TENANT", "JURISDICTION", "CREATED"],
          list.map(({ id, jurisdiction, created_at }) => [id, jurisdiction, time(created_at)]),
        ),
      );
    });
  return command;
}
