/** `bursar webhooks`: where a tenant's notifications are sent. */
import { Command, InvalidArgumentError } from "commander";
import { type NotificationType, notificationTypes, type WebhookView } from "../protocol/webhook.ts";
import { ago } from "./arguments.ts";
import { connect, show, table, time } from "./output.ts";

type Spec = { readonly types?: NotificationType[]; readonly pool?: string; readonly description?: string };

export function webhooks(): Command {
  const command = new Command("webhooks").description("send notifications about pools to an address");
  for (const add of [addAdd, addLs, addDeliveries, addPing, addRedeliver, addRotate, addEnable, addRm]) add(command);
  return command;
}

function addAdd(command: Command): void {
  command
    .command("add <url>")
    .description("create a webhook; its signing secret is shown only now")
    .option("--types <types>", `types, separated by commas (default: all): ${notificationTypes.join(", ")}`, typesIn)
    .option("--pool <pool>", "only of this pool")
    .option("--description <text>", "what it is for")
    .action(async (url: string, spec: Spec, self: Command) => {
      const made = await connect(self).webhooks.create({ url, ...spec });
      show(self, made, ({ id, secret }) => `${secret}\n\nIts id is ${id}. The secret is shown only now.`);
    });
}

function addLs(command: Command): void {
  command
    .command("ls")
    .description("list webhooks with their delivery state")
    .action(async (_: unknown, self: Command) => {
      const list = await connect(self).webhooks.list();
      show(self, list, () =>
        table(
          ["WEBHOOK", "URL", "STATE", "PENDING", "LAST SUCCESS", "LAST ERROR"],
          list.map((one) => [one.id, one.url, stateOf(one), one.pending, time(one.last_success_at), one.last_error]),
        ),
      );
    });
}

function addDeliveries(command: Command): void {
  command
    .command("deliveries <webhook>")
    .description("deliveries and their state, newest first")
    .action(async (id: string, _: unknown, self: Command) => {
      const list = await connect(self).webhooks.deliveries(id);
      show(self, list, () =>
        table(
          ["MESSAGE", "TYPE", "POOL", "STATE", "ATTEMPTS", "NEXT", "LAST ERROR"],
          list.map(({ message, type, pool, state, attempts, next_at, last_error }) => [
            message,
            type,
            pool,
            state,
            attempts,
            time(next_at),
            last_error,
          ]),
        ),
      );
    });
}

function addPing(command: Command): void {
  command
    .command("ping <webhook>")
    .description("send a test message")
    .action(async (id: string, _: unknown, self: Command) => {
      const sent = await connect(self).webhooks.ping(id);
      show(self, sent, ({ message }) => `${message} is on its way: bursar webhooks deliveries ${id}`);
    });
}

function addRedeliver(command: Command): void {
  command
    .command("redeliver <webhook>")
    .description("send again: one message, or all that failed")
    .option("--message <id>", "this message, in any state")
    .option("--since <time>", "all that failed in the last 30m, 12h, 3d", ago)
    .action(async (id: string, { message, since }: { message?: string; since?: number }, self: Command) => {
      if ((message === undefined) === (since === undefined)) throw new Error("Give --message or --since.");
      const which = message === undefined ? { since: since ?? 0 } : { message };
      const again = await connect(self).webhooks.redeliver(id, which);
      show(self, again, ({ redelivering }) => `${redelivering} messages are sent again.`);
    });
}

function addRotate(command: Command): void {
  command
    .command("rotate <webhook>")
    .description("make a new signing secret; the previous one is used, too, for a day")
    .action(async (id: string, _: unknown, self: Command) => {
      const made = await connect(self).webhooks.rotate(id);
      show(self, made, ({ secret }) => `${secret}\n\nIt is shown only now. The one before is valid for a day.`);
    });
}

function addEnable(command: Command): void {
  command
    .command("enable <webhook>")
    .description("enable a webhook that was disabled")
    .action(async (id: string, _: unknown, self: Command) => {
      show(self, await connect(self).webhooks.enable(id), ({ url }) => `${url} is sent to again.`);
    });
}

function addRm(command: Command): void {
  command
    .command("rm <webhook>")
    .description("delete a webhook")
    .action(async (id: string, _: unknown, self: Command) => {
      show(self, await connect(self).webhooks.remove(id), () => `Webhook ${id} is deleted.`);
    });
}

function stateOf({ state, disabled_reason, failures }: WebhookView): string {
  if (state === "disabled") return `disabled: ${disabled_reason}`;
  return failures > 0 ? `${failures} failures` : "healthy";
}

function typesIn(text: string): NotificationType[] {
  return text.split(",").map((word) => {
    const type = notificationTypes.find((one) => one === word.trim());
    if (type === undefined) throw new InvalidArgumentError(`It takes some of ${notificationTypes.join(", ")}.`);
    return type;
  });
}
