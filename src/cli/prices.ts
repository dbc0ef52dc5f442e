/** `bursar prices`: what models cost, for pools that count microusd. */
import { Command } from "commander";
import type { PriceView } from "../protocol/price.ts";
import { dollars } from "./arguments.ts";
import { connect, everyPage, show, table } from "./output.ts";

type Rates = {
  readonly input: number;
  readonly output: number;
  readonly cacheRead?: number;
  readonly cacheWrite?: number;
};

export function prices(): Command {
  const command = new Command("prices").description(
    "list, show and set what models cost, in dollars per million tokens",
  );
  command
    .command("ls")
    .description("list the tenant's own prices, and the known ones")
    .action(async (_: unknown, self: Command) => {
      const bursar = connect(self);
      const list = await everyPage(
        (after) => bursar.prices.list(after),
        ({ model }) => model,
      );
      show(self, list, describe);
    });
  command
    .command("show <model>")
    .description("the price in force")
    .action(async (model: string, _: unknown, self: Command) => {
      show(self, await connect(self).prices.get(model), (price) => describe([price]));
    });
  command
    .command("set <model>")
    .description("set the tenant's own price, in place of any other")
    .requiredOption("--input <dollars>", "a million tokens of input", dollars)
    .requiredOption("--output <dollars>", "a million tokens of output", dollars)
    .option("--cache-read <dollars>", "a million tokens read from the provider's cache", dollars)
    .option("--cache-write <dollars>", "a million tokens written to it", dollars)
    .action(async (model: string, { input, output, cacheRead, cacheWrite }: Rates, self: Command) => {
      const price = {
        input,
        output,
        ...(cacheRead === undefined ? undefined : { cache_read: cacheRead }),
        ...(cacheWrite === undefined ? undefined : { cache_write: cacheWrite }),
      };
      show(self, await connect(self).prices.set(model, price), (set) => describe([set]));
    });
  command
    .command("rm <model>")
    .description("delete the tenant's own price")
    .action(async (model: string, _: unknown, self: Command) => {
      show(
        self,
        await connect(self).prices.remove(model),
        () => `${model} has no price of this tenant's own any more.`,
      );
    });
  return command;
}

function describe(list: readonly PriceView[]): string {
  const shown = (rate: number | undefined): string => (rate === undefined ? "–" : `$${rate / 1e6}`);
  return table(
    ["MODEL", "INPUT", "OUTPUT", "CACHE READ", "CACHE WRITE", "AS OF", "SOURCE"],
    list.map(({ model, input, output, cache_read, cache_write, as_of, source }) => [
      model,
      shown(input),
      shown(output),
      shown(cache_read),
      shown(cache_write),
      as_of.slice(0, 10),
      source,
    ]),
  );
}
