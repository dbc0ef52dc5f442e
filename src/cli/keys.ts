/** `bursar keys`: the keys of a tenant. */
import { Command, Option } from "commander";
import type { KeySpec } from "../client/index.ts";
import { within } from "./arguments.ts";
import { confirm, yesOption } from "./confirm.ts";
import { connect, everyPage, isJson, show, table, time } from "./output.ts";

type Spec = Omit<KeySpec, "expires_at"> & { readonly expires?: number };

export function keys(): Command {
  const command = new Command("keys").description("create, list and revoke keys");
  command
    .command("create")
    .description("create a key; it is shown only now")
    .addOption(
      new Option("--scope <scope>", "what it may do")
        .choices(["admin", "spend", "gateway", "read"])
        .makeOptionMandatory(),
    )
    .option("--pool <pool>", "bind it to this pool")
    .option("--agent <agent>", "bind it to this agent")
    .option("--label <text>", "what it is for")
    .option("--expires <time>", "how long it is valid: 30m, 12h, 90d", within)
    .action(async ({ expires, ...spec }: Spec, self: Command) => {
      const made = await connect(self).keys.create(expires === undefined ? spec : { ...spec, expires_at: expires });
      show(self, made, ({ key }) => key);
      // To standard error, so that `AGENT_KEY=$(bursar keys create ...)` gets the key alone.
      if (!isJson(self)) console.error(`The key's id is ${made.key_id}. The key is shown only now.`);
    });
  command
    .command("ls")
    .description("list keys by id, without the keys themselves")
    .action(async (_: unknown, self: Command) => {
      const bursar = connect(self);
      const list = await everyPage(
        (after) => bursar.keys.list(after),
        ({ key_id }) => key_id,
      );
      show(self, list, () =>
        table(
          ["KEY", "SCOPE", "POOL", "AGENT", "LABEL", "CREATED", "EXPIRES", "REVOKED"],
          list.map((key) => [
            key.key_id,
            key.scope,
            key.pool,
            key.agent,
            key.label,
            time(key.created_at),
            time(key.expires_at),
            time(key.revoked_at),
          ]),
        ),
      );
    });
  command
    .command("revoke <key-id>")
    .description("revoke a key, effective for the next command everywhere")
    .option(...yesOption)
    .action(async (id: string, _: unknown, self: Command) => {
      await confirm(self, `Revoke the key ${id}? What uses it stops working at once.`);
      show(self, await connect(self).keys.revoke(id), ({ pools: { notified, pending } }) =>
        pending === 0
          ? `Revoked; all ${notified} pools that it reaches have been notified.`
          : `Revoked; ${notified} pools have been notified, ${pending} could not be reached yet and will be notified. Repeat to see how many are left.`,
      );
    });
  return command;
}
