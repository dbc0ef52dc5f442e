/** `npm start`: a governor on this machine, with its data kept between runs, and a first command to try it with. */
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { ensureAdminKey } from "./admin-key.ts";
import { isFree, startGovernor } from "./governor.ts";
import { ensureSecrets } from "./secrets.ts";

const usage = `npm start -- [options]

  --port N      where it listens (default 8787)
  --data DIR    where its pools are kept (default .bursar)
  --help        this text

Secrets are made at first start and kept in .dev.vars; an admin key of the tenant "local" is kept with the data.`;

const root = join(import.meta.dirname, "..");

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "8787" },
      data: { type: "string", default: join(root, ".bursar") },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const port = Number(values.port);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`--port ${values.port} is not a port\n${usage}`);
  if (!(await isFree(port))) throw new Error(`Port ${port} is in use. Choose another: npm start -- --port ${port + 1}`);

  const file = join(root, ".dev.vars");
  const { BURSAR_OPERATOR_TOKEN: token } = ensureSecrets(file);
  const data = resolve(values.data);
  const governor = await startGovernor({ port, data, secrets: file });
  const key = await ensureAdminKey(governor.url, token, join(data, "admin-key"));
  console.log(`Bursar governs on ${governor.url}. Its pools are kept in ${values.data}; Ctrl-C ends it.

Create a pool, register an agent, reserve:

  export BURSAR_URL=${governor.url} BURSAR_KEY=${key}
  curl -X PUT $BURSAR_URL/v1/pools/demo -H "authorization: Bearer $BURSAR_KEY" --json '{}'
  curl -X PUT $BURSAR_URL/v1/pools/demo/agents/writer -H "authorization: Bearer $BURSAR_KEY" --json '{"priority":1,"max_tokens":1000}'
  curl -X POST $BURSAR_URL/v1/pools/demo/reservations -H "authorization: Bearer $BURSAR_KEY" --json '{"agent":"writer","tokens":400}'
`);
  process.once("SIGINT", () => void governor.stop());
  process.once("SIGTERM", () => void governor.stop());
  await governor.ended;
}
