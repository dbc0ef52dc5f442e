/**
 * `npm run demo`: four agents write about budgets from a short text, on a budget that is too small on purpose.
 * Starts its own governor, with data that it throws away, and its own stand-in for a provider of models.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startGovernor } from "../../scripts/governor.ts";
import { fail, readOptions } from "../../scripts/options.ts";
import { ensureSecrets } from "../../scripts/secrets.ts";
import { BudgetExceededError, Bursar } from "../../src/client/index.ts";
import type { Unit } from "../../src/protocol/unit.ts";
import { jsonNarrator, type Narrator, personNarrator } from "./narrator.ts";
import { type Provider, startProvider } from "./provider.ts";
import { type Agent, counterOf, newAgent } from "./team.ts";
import { work as keepBusy } from "./traffic.ts";

const usage = `npm run demo -- [options]

  --unit UNIT   what the pool counts: tokens (default), or microusd, at the price of gpt-4o
  --watch       keeps a team at work, and a page to watch it on, until Ctrl-C
  --json        what happens, a JSON object per line
  --help        this text`;

/** Higher is more important. Together they have less than the work takes. */
const team = {
  planner: { priority: 5, max: 2_000 },
  researcher: { priority: 4, max: 1_500, confidence_threshold: 0.85 },
  writer: { priority: 2, max: 1_200 },
  critic: { priority: 1, max: 2_800 },
} as const;
/** What a token comes to, in microusd, at the price of gpt-4o: prompts 2.5, the output that is reserved with them 10. */
const microusdPerToken = 6;

const {
  json,
  watch,
  unit: named,
} = readOptions(usage, {
  watch: { type: "boolean", default: false },
  json: { type: "boolean", default: false },
  unit: { type: "string", default: "tokens" },
});
if (named !== "tokens" && named !== "microusd") fail(`--unit ${named} is neither tokens nor microusd.`, usage);
const unit: Unit = named;
await (watch ? show() : main(json ? jsonNarrator() : personNarrator(unit)));

async function main(narrator: Narrator): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bursar-demo-"));
  const secrets = join(directory, "secrets");
  const { BURSAR_OPERATOR_TOKEN: operatorToken } = ensureSecrets(secrets);
  narrator.title("A governor starts, and a stand-in for a provider of language models");
  const provider = await startProvider(250);
  const governor = await startGovernor({ port: await freePort(), data: join(directory, "data"), secrets });
  try {
    const { key } = await new Bursar({ url: governor.url, key: operatorToken }).tenants.create("demo");
    await work(governor.url, key.key, provider, narrator);
  } finally {
    await governor.stop();
    provider.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** A governor, a team at work in it, and where to watch them. */
async function show(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "bursar-demo-"));
  const secrets = join(directory, "secrets");
  const { BURSAR_OPERATOR_TOKEN: operatorToken } = ensureSecrets(secrets);
  const governor = await startGovernor({ port: await freePort(), data: join(directory, "data"), secrets });
  const ending = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => ending.abort());
  try {
    const { key } = await new Bursar({ url: governor.url, key: operatorToken }).tenants.create("demo");
    const bursar = new Bursar({ url: governor.url, key: key.key });
    console.log(`Eight agents share one budget. Watch them on

  ${governor.url}/dashboard/

with this key, which ends with the demo (Ctrl-C):

  ${key.key}
`);
    await Promise.all([
      keepBusy(bursar.pool("newsroom"), { signal: ending.signal }),
      keepBusy(bursar.pool("support"), { signal: ending.signal, seed: 30, pace: 0.5 }),
    ]);
    bursar.close();
  } finally {
    await governor.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}

async function work(url: string, key: string, provider: Provider, narrator: Narrator): Promise<void> {
  const bursar = new Bursar({ url, key });
  const pool = bursar.pool("demo", { unit });
  await pool.configure();
  for (const [agent, { max, ...contract }] of Object.entries(team)) {
    const amount = unit === "tokens" ? { max_tokens: max } : { max_microusd: max * microusdPerToken };
    await pool.register(agent, { ...contract, ...amount });
  }
  const count = await counterOf(pool, "gpt-4o");
  // Each has a key of its own: it can spend as itself, in this pool, and do nothing else.
  const hire = async (agent: keyof typeof team): Promise<Agent> => {
    const own = await bursar.keys.create({ scope: "spend", pool: "demo", agent });
    return newAgent(new Bursar({ url, key: own.key }).pool("demo", { unit }), agent, provider.url, count, narrator);
  };
  const [planner, researcher] = [await hire("planner"), await hire("researcher")];
  const [writer, critic] = [await hire("writer"), await hire("critic")];
  narrator.report(await pool.ledger());

  const sections = sources();
  narrator.title("The planner reads the table of contents");
  const headings = sections.map((section) => section.split("\n", 1)[0]).join("\n");
  await planner.ask("Which sections explain donors, reservations and commits?", headings);

  narrator.title("The researcher reads, three sections at once, and needs more than it has");
  const question =
    "Which donor gives budget, by priority, and when is an expired reservation charged until a late commit corrects it?";
  const notes: string[] = [];
  await Promise.all(sections.slice(1, 4).map(async (section) => notes.push(await researcher.ask(question, section))));
  narrator.report(await pool.ledger());

  narrator.title("It reads on until it is sure; then its gate closes and it stops spending");
  for (const section of sections.slice(4)) {
    try {
      notes.push(await researcher.ask(question, `${section}\n${lastOf(notes, 1_500)}`));
    } catch (error) {
      if (!(error instanceof BudgetExceededError)) throw error;
      narrator.refused("researcher", error);
      break;
    }
  }

  narrator.title("The writer drafts from the notes; the critic, least important, has lent what it had");
  const draft = await writer.ask("Explain donors, reservations and commits to an engineer.", lastOf(notes, 4_000));
  try {
    await critic.ask("Which claims of the draft are not supported by the sources?", `${draft}\n${sections.join("\n")}`);
  } catch (error) {
    if (!(error instanceof BudgetExceededError)) throw error;
    narrator.refused("critic", error);
  }

  narrator.title("The end");
  narrator.report(await pool.ledger());
  narrator.verdict(await pool.audit(), provider.calls());
}

/** The newest notes, up to `length` characters. */
function lastOf(notes: readonly string[], length: number): string {
  return notes.join("\n").slice(-length);
}

/** What the agents read. A text of the demo's own: what they spend depends on its length. */
function sources(): string[] {
  const text = readFileSync(join(import.meta.dirname, "sources.md"), "utf8");
  return text.split(/^#+ /m).filter((section) => section.trim() !== "");
}
