/**
 * `npm run compat`: runs the newest versions of real clients, unmodified, against a governor whose provider is a
 * stand-in, and writes docs/compatibility.md.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail, readOptions } from "../../scripts/options.ts";
import type { Client } from "./clients/client.ts";
import { codingAgents } from "./clients/coding-agents.ts";
import { frameworks } from "./clients/frameworks.ts";
import { checkContract } from "./lib/contract.ts";
import { startGoverned, units } from "./lib/governed.ts";
import { install } from "./lib/install.ts";
import { writePage } from "./lib/page.ts";
import { merged, readRecord, type Row, writeRecord } from "./lib/record.ts";
import { type Recorded, startNowhere, startRecorder } from "./lib/recorder.ts";
import { type Outcome, runClient, type World } from "./lib/scenarios.ts";
import { startStandIn } from "./stand-in/server.ts";

const clients: readonly Client[] = [...codingAgents, ...frameworks];
const ids = clients.map(({ id }) => id);
const cache = join(tmpdir(), "bursar-compat-clients");

const usage = `npm run compat -- [options]

  --only A,B     what to run (default all), by name or by the beginning of names:
                 contract, ${ids.join(", ")}
  --clients DIR  where clients are installed (default ${cache})
  --fresh        install them anew: the newest that the registry has
  --write        put the result into docs/compatibility.json, and print docs/compatibility.md from it
  --trace DIR    keep every request there, with the refusal that it got
  --json         print the result for machines
  --help         this text`;

const options = readOptions(usage, {
  only: { type: "string" },
  clients: { type: "string", default: cache },
  fresh: { type: "boolean", default: false },
  write: { type: "boolean", default: false },
  trace: { type: "string" },
  json: { type: "boolean", default: false },
});
const wanted = options.only?.split(",") ?? ["contract", ...ids];
/** `opencode` means `opencode-openai` and its like, too. */
const isWanted = (id: string): boolean => wanted.some((name) => id === name || id.startsWith(`${name}-`));
const unknown = wanted.filter((name) => !["contract", ...ids].some((id) => id === name || id.startsWith(`${name}-`)));
if (unknown.length > 0) fail(`There is no client ${unknown.join(", ")}.`, usage);

const on = new Date().toISOString().slice(0, 10);
const standIn = await startStandIn();
const nowhere = await startNowhere();
const governed = await startGoverned(standIn.url);
const recorder = await startRecorder(governed.url, () => standIn.release());
const world: World = { governed, standIn, recorder, nowhere };
/** Folders of packages that were installed anew. */
const renewed = new Set<string>();
try {
  const points = wanted.includes("contract") ? await checkContract(world) : undefined;
  for (const { rule, isMet, seen } of points ?? [])
    progress(`contract: ${isMet ? "met" : "NOT MET"}: ${rule} (${seen})`);
  const rows: Row[] = [];
  for (const client of clients.filter(({ id }) => isWanted(id))) rows.push(await rowOf(client));
  const found = { clients: rows, contract: points === undefined ? undefined : { on, points } };
  if (options.write) {
    const record = merged(readRecord(), found, ids);
    writeRecord(record);
    writePage(record);
  }
  if (options.json) console.log(JSON.stringify(found, null, 2));
} finally {
  if (options.trace !== undefined) writeTrace(options.trace, recorder.requests);
  recorder.stop();
  nowhere.stop();
  await governed.stop();
  standIn.stop();
}

async function rowOf(client: Client): Promise<Row> {
  const kind = codingAgents.includes(client) ? "coding agent" : "framework";
  const { id, title, api, needs = [] } = client;
  const row = { id, title, kind, api, version: "", on, needs, unpriced: [], outcomes: [], hosts: [] } as const;
  const place = client.installedAs ?? id;
  try {
    progress(`${title}: installing`);
    const { folder, version } = await install(client, options.clients, options.fresh && !renewed.has(place));
    renewed.add(place);
    nowhere.hosts.length = 0;
    const outcomes: Outcome[] = [];
    const unpriced: string[] = [];
    for (const unit of units) {
      const run = await runClient(client, folder, unit, world, (one) => progress(lineOf(title, version, one)));
      outcomes.push(...run.outcomes);
      unpriced.push(...run.unpriced);
    }
    return { ...row, version, outcomes: outcomes.map(shortened), unpriced, hosts: [...nowhere.hosts] };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const missing = said.replaceAll(/https?:\/\/\S+|\/\S+\/\S+/g, "…");
    progress(`${title}: ${missing}`);
    return { ...row, missing };
  }
}

/** What a client said is kept where the page shows it. */
function shortened(one: Outcome): Outcome {
  const isShown = one.scenario === "refusal" || !one.works;
  return { ...one, said: isShown ? one.said : "" };
}

function lineOf(title: string, version: string, one: Outcome): string {
  const books = one.isBookedRight ? "booked right" : `BOOKED ${one.booked} for ${one.expected}, held ${one.held}`;
  const refused = one.refused.length > 0 ? `; refused ${one.refused.length}: ${one.refused.at(-1)}` : "";
  const works = one.works ? "works" : `FAILS (${one.status ?? "time over"}): ${one.said.slice(-300)}`;
  const what = `${title} ${version} ${one.unit} ${one.scenario}: ${works}`;
  return `${what}; ${one.requests} requests, ${one.seconds} s, ${one.streamed}, ${books}${refused}`;
}

function writeTrace(folder: string, requests: readonly Recorded[]): void {
  mkdirSync(folder, { recursive: true });
  for (const [index, one] of requests.entries())
    writeFileSync(join(folder, `${String(index).padStart(5, "0")}.json`), JSON.stringify(one, null, 2));
}

function progress(text: string): void {
  console.error(`… ${text}`);
}
