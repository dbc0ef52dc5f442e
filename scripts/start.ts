/** `npm start`: a governor on this machine, with its data kept between runs, and a first command to try it with. */
import { join, resolve } from "node:path";
import { ensureAdminKey } from "./admin-key.ts";
import { type Governor, isFree, startGovernor } from "./governor.ts";
import { fail, readOptions } from "./options.ts";
import { type DevVars, devVars, ensureSecrets } from "./secrets.ts";

const usage = `npm start -- [options]

  --port N      where it listens (default 8787)
  --data DIR    where its pools are kept (default .bursar)
  --settings F  file with its settings, a NAME=value per line (default .dev.vars)
  --help        this text

Secrets that are missing in the settings are made first. An admin key of the tenant "local" is kept with the data.`;

const root = join(import.meta.dirname, "..");

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const values = readOptions(usage, {
    port: { type: "string", default: "8787" },
    data: { type: "string", default: join(root, ".bursar") },
    settings: { type: "string", default: devVars },
  });
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) fail(`--port ${values.port} is not a port.`, usage);
  if (!(await isFree(port)))
    throw new Error(
      `Port ${port} is in use. Choose another, and another folder if a governor of yours listens there: ` +
        `npm start -- --port ${port + 1} --data .bursar-${port + 1}`,
    );

  const secrets = resolve(values.settings);
  const settings = ensureSecrets(secrets);
  const data = resolve(values.data);
  let governor: Governor | undefined;
  endWithStarter(() => governor);
  governor = await startGovernor({ port, data, secrets });
  const key = await ensureAdminKey(governor.url, settings.BURSAR_OPERATOR_TOKEN, join(data, "admin-key"));
  console.log(`Bursar runs on ${governor.url} and keeps its pools in ${values.data}. Ctrl-C stops it.

  dashboard   ${governor.url}/dashboard/   (sign in with the key below)
  reference   ${governor.url}/docs
  gateway     ${providersOf(settings)}

In another terminal, create a pool, register an agent and reserve:

  export BURSAR_URL=${governor.url} BURSAR_KEY=${key}
  curl -X PUT $BURSAR_URL/v1/pools/demo -H "authorization: Bearer $BURSAR_KEY" --json '{}'
  curl -X PUT $BURSAR_URL/v1/pools/demo/agents/writer -H "authorization: Bearer $BURSAR_KEY" --json '{"priority":1,"max_tokens":1000}'
  curl -X POST $BURSAR_URL/v1/pools/demo/reservations -H "authorization: Bearer $BURSAR_KEY" --json '{"agent":"writer","tokens":400}'
`);
  // What it says from here on are its defects.
  governor.child.stdout?.pipe(process.stderr);
  governor.child.stderr?.pipe(process.stderr);
  await governor.ended;
}

/** Which providers the gateway can call with a key of its own, and how to give it one. */
function providersOf(settings: DevVars): string {
  const providers = [
    ["OpenAI", "OPENAI_API_KEY"],
    ["Anthropic", "ANTHROPIC_API_KEY"],
    ["Gemini", "GEMINI_API_KEY"],
  ] as const;
  const named = providers.filter(([, name]) => (settings[name] ?? "") !== "").map(([provider]) => provider);
  return named.length > 0
    ? `has a key for ${named.join(" and ")}`
    : `has no provider key: put ${providers.map(([, name]) => `${name}=...`).join(" or ")} into .dev.vars and start again`;
}

/**
 * Ends the governor with the process that started this: a governor that is left behind keeps the port and the folder. Of an npm
 * that is killed nothing is heard but that the parent has changed.
 */
function endWithStarter(governor: () => Governor | undefined): void {
  const end = (): void => {
    clearInterval(watch);
    const started = governor();
    if (started === undefined) process.exit(1);
    else void started.stop();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, end);
  const starter = process.ppid;
  const everyMs = 500;
  const watch = setInterval(() => {
    if (process.ppid !== starter) end();
  }, everyMs);
  watch.unref();
}
