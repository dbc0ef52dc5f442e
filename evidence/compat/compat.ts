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
import { startGoverned, units } from "./lib/governed.ts";
import { install } from "./lib/install.ts";
import { type Recorded, startNowhere, startRecorder } from "./lib/recorder.ts";
import { type Outcome, runClient, type World } from "./lib/scenarios.ts";
import { startStandIn } from "./stand-in/server.ts";

const clients: readonly Client[] = [...codingAgents, ...frameworks];

const usage = `npm run compat -- [options]

  --only A,B     clients to run (default all): ${clients.map(({ id }) => id).join(", ")}
  --clients DIR  where they are installed (default ${join(tmpdir(), "bursar-compat-clients")})
  --fresh        install them anew: the newest that the registry has
  --trace DIR    keep every request there, with the refusal that it got
  --json         print the result for machines
  --help         this text`;

const options = readOptions(usage, {
  only: { type: "string" },
  clients: { type: "string", default: join(tmpdir(), "bursar-compat-clients") },
  fresh: { type: "boolean", default: false },
  trace: { type: "string" },
  json: { type: "boolean", default: false },
});
const wanted = options.only?.split(",") ?? clients.map(({ id }) => id);
const unknown = wanted.filter((id) => !clients.some((one) => one.id === id));
if (unknown.length > 0) fail(`There is no client ${unknown.join(", ")}.`, usage);

export type Result = {
  readonly id: string;
  readonly title: string;
  readonly version: string;
  /** Why it could not be run; undefined for one that was. */
  readonly missing?: string;
  readonly outcomes: readonly Outcome[];
  /** Hosts that it asked for besides the governor. */
  readonly hosts: readonly string[];
};

const standIn = await startStandIn();
const nowhere = await startNowhere();
const governed = await startGoverned(standIn.url);
const recorder = await startRecorder(governed.url, () => standIn.release());
const world: World = { governed, standIn, recorder, nowhere };
const results: Result[] = [];
try {
  const fresh = new Set<string>();
  for (const client of clients.filter(({ id }) => wanted.includes(id))) results.push(await test(client, fresh));
} finally {
  if (options.trace !== undefined) writeTrace(options.trace, recorder.requests);
  recorder.stop();
  nowhere.stop();
  await governed.stop();
  standIn.stop();
}
if (options.json) console.log(JSON.stringify(results, null, 2));

async function test(client: Client, fresh: Set<string>): Promise<Result> {
  const { id, title } = client;
  const place = client.installedAs ?? id;
  try {
    progress(`${title}: installing`);
    const { folder, versions } = await install(client, options.clients, options.fresh && !fresh.has(place));
    fresh.add(place);
    nowhere.hosts.length = 0;
    const outcomes: Outcome[] = [];
    for (const unit of units)
      outcomes.push(...(await runClient(client, folder, unit, world, (one) => progress(lineOf(title, versions, one)))));
    return { id, title, version: versions, outcomes, hosts: [...nowhere.hosts] };
  } catch (error) {
    const missing = error instanceof Error ? error.message : String(error);
    progress(`${title}: ${missing}`);
    return { id, title, version: "", missing, outcomes: [], hosts: [] };
  }
}

function lineOf(title: string, version: string, one: Outcome): string {
  const books = one.isBookedRight ? "booked right" : `BOOKED ${one.booked}, expected ${one.expected}, held ${one.held}`;
  const refused = one.refused.length > 0 ? `; refused ${one.refused.length}: ${one.refused[0]}` : "";
  const failed = one.works ? "works" : `FAILS (${one.status ?? "time over"}): ${one.said.slice(-300)}`;
  return `${title} ${version} ${one.unit} ${one.scenario}: ${failed}; ${one.requests} requests, ${one.seconds} s, ${one.streamed}, ${books}${refused}`;
}

function writeTrace(folder: string, requests: readonly Recorded[]): void {
  mkdirSync(folder, { recursive: true });
  for (const [index, one] of requests.entries())
    writeFileSync(join(folder, `${String(index).padStart(5, "0")}.json`), JSON.stringify(one, null, 2));
}

function progress(text: string): void {
  console.error(`… ${text}`);
}
