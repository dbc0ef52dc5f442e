/** The command line of a script: what it takes is told to who asks, and to who gives something else. */
import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

type Given<T extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: T }>>["values"];

/** The values of `options`. For `--help`, or what can't be read, prints `usage` and ends the process. */
export function readOptions<T extends ParseArgsOptionsConfig>(usage: string, options: T): Given<T> {
  if (process.argv.includes("--help")) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), usage);
  }
}

/** Says what is wrong and how it is right, and ends the process. */
export function fail(what: string, usage: string): never {
  console.error(`${what}\n\n${usage}`);
  process.exit(1);
}
