/** Puts a client through the scenarios, in a pool of tokens and in one of microusd, and looks into the books after each. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Client, Command, Scenario } from "../clients/client.ts";
import { answers, type Directive } from "../stand-in/model.ts";
import type { Answered, StandIn } from "../stand-in/server.ts";
import { microusdOf, tokensOf } from "./expected.ts";
import type { Governed, Unit } from "./governed.ts";
import type { Nowhere, Recorded, Recorder } from "./recorder.ts";
import { environmentAt, type Place, type Ran, run } from "./run.ts";

export type Outcome = {
  readonly scenario: Scenario;
  readonly unit: Unit;
  /** Whether its human got the answer; of a refusal, whether the client ended with the refusal's words. */
  readonly works: boolean;
  readonly seconds: number;
  /** undefined where it was ended because its time was over. */
  readonly status: number | undefined;
  /** Requests that reached the governor, and what those were refused with that were. */
  readonly requests: number;
  readonly refused: readonly string[];
  /** Answers of the provider, and the output limits that they were asked for with. */
  readonly answered: number;
  readonly limits: readonly (number | null)[];
  readonly models: readonly string[];
  /** Of a stream: whether its first piece had reached the client before the rest was sent. */
  readonly streamed: "at once" | "held up" | "whole" | "not asked";
  readonly booked: number;
  readonly expected: number;
  readonly held: number;
  readonly isBookedRight: boolean;
  /** What the client printed last. */
  readonly said: string;
  /** What the stand-in rejected, which is the client's or the governor's mistake. */
  readonly rejected: readonly string[];
};

export type World = {
  readonly governed: Governed;
  readonly standIn: StandIn;
  readonly recorder: Recorder;
  readonly nowhere: Nowhere;
};

const prompts: Readonly<Record<Scenario, readonly [Directive, string]>> = {
  tool: ["compat:tool", "Run the check compat:tool and tell me what the tool says."],
  stream: ["compat:stream", "Run the check compat:stream and say all of it."],
  again: ["compat:recall", "Run the check compat:recall: what did the tool say?"],
  delegate: ["compat:delegate", "Run the check compat:delegate: let a sub-agent answer."],
  search: ["compat:search", "Run the check compat:search: what does the web say?"],
  refusal: ["compat:tool", "Run the check compat:tool and tell me what the tool says."],
};

const endsWithinMs = 90_000;
const settlesWithinMs = 10_000;
const saidKept = 1_000;

/** A price that a run sets takes this long to be in force everywhere. */
const priceInForceMs = 31_000;
/** For a model that has none. */
const anyPrice = { input: 2_000_000, cache_read: 200_000, output: 16_000_000 };

export type ClientRun = { readonly outcomes: readonly Outcome[]; readonly unpriced: readonly string[] };

/**
 * All scenarios of a client in a pool of `unit`; `report` is given each outcome as it is known. Where a model has no
 * price, it is given one, and the client begins anew.
 */
export async function runClient(
  client: Client,
  folder: string,
  unit: Unit,
  world: World,
  report: (one: Outcome) => void,
): Promise<ClientRun> {
  const unpriced: string[] = [];
  for (;;) {
    const from = world.recorder.requests.length;
    const pool = `${client.id}-${unit}${unpriced.length > 0 ? `-${unpriced.length}` : ""}`.replaceAll(".", "-");
    const outcomes: Outcome[] = [];
    for await (const outcome of outcomesOf(client, folder, unit, pool, world)) {
      report(outcome);
      outcomes.push(outcome);
      const found = modelsWithoutPrice(world.recorder.requests.slice(from)).filter((one) => !unpriced.includes(one));
      if (found.length === 0) continue;
      for (const model of found) await world.governed.setPrice(model, anyPrice);
      await new Promise((resolve) => setTimeout(resolve, priceInForceMs));
      unpriced.push(...found);
      outcomes.length = 0;
      break;
    }
    if (outcomes.length > 0) return { outcomes, unpriced };
  }
}

function modelsWithoutPrice(requests: readonly Recorded[]): string[] {
  const refused = requests.filter(({ refusal }) => refusal.includes("model_not_priced"));
  return [...new Set(refused.map(({ body }) => (JSON.parse(body) as { model: string }).model))];
}

async function* outcomesOf(
  client: Client,
  folder: string,
  unit: Unit,
  pool: string,
  world: World,
): AsyncGenerator<Outcome> {
  const scenarios = (["tool", "again", "stream", "delegate", "search"] as const).filter(
    (one) => client.commands[one] !== undefined,
  );
  const setOut = async (name: string, isUsedUp: boolean): Promise<Stage> => {
    const key = await world.governed.pool(name, unit, isUsedUp);
    return { unit, pool: name, key, folder, world, home: await homeOf(client, folder, key, world) };
  };
  const stages = [await setOut(pool, false), await setOut(`${pool}-empty`, true)] as const;
  try {
    for (const scenario of scenarios) yield await play(client, scenario, stages[0]);
    yield await play(client, "refusal", stages[1]);
  } finally {
    for (const { home } of stages) rmSync(home.home, { recursive: true, force: true });
  }
}

type Stage = {
  readonly unit: Unit;
  readonly pool: string;
  readonly home: Place;
  readonly key: string;
  readonly folder: string;
  readonly world: World;
};

async function play(client: Client, scenario: Scenario, stage: Stage): Promise<Outcome> {
  const { world, pool, unit, home } = stage;
  const { standIn, recorder, governed } = world;
  const before = await governed.books(pool);
  const marks = {
    requests: recorder.requests.length,
    answered: standIn.answered.length,
    rejected: standIn.rejected.length,
  };
  const [directive, prompt] = prompts[scenario];
  const command = client.commands[scenario === "refusal" ? "tool" : scenario] ?? [];
  const ran = await run(filledIn(command, stage, prompt), {
    place: home,
    environment: environmentOf(client, stage),
    withinMs: endsWithinMs,
  });
  const after = await settled(pool, world);
  const requests = recorder.requests.slice(marks.requests);
  const answered = standIn.answered.slice(marks.answered);
  const expected = await expectedOf(answered, unit, governed);
  const booked = after.consumed - before.consumed;
  const refused = requests.filter(({ status }) => status >= 400).map(refusalOf);
  const works =
    scenario === "refusal"
      ? ran.status !== undefined && saysWhy(ran, requests)
      : ran.said.includes(answers[directive]) && ran.status === 0;
  return {
    scenario,
    unit,
    works,
    seconds: Math.round(ran.seconds * 10) / 10,
    status: ran.status,
    requests: requests.length,
    refused,
    answered: answered.length,
    limits: answered.map(({ limit }) => limit ?? null),
    models: [...new Set(answered.map(({ model }) => model))],
    streamed: streamedAs(scenario, answered),
    booked,
    expected: expected ?? -1,
    held: after.held,
    isBookedRight: booked === expected && after.held === 0,
    said: cleaned(wordsOf(ran, requests), stage).trim().slice(-saidKept),
    rejected: standIn.rejected.slice(marks.rejected),
  };
}

/** Whether the client ended with the budget's refusal, as far as it may cut the sentence. */
function saysWhy(ran: Ran, requests: readonly Recorded[]): boolean {
  const said = ran.said.replaceAll(/\s+/g, " ");
  return sentencesOf(requests.filter(({ refusal }) => refusal.includes("budget_exceeded"))).some((one) =>
    said.includes(one),
  );
}

/** The line with the refusal's sentence, or the last words. */
function wordsOf({ said }: Ran, requests: readonly Recorded[]): string {
  const sentences = sentencesOf(requests);
  return said.split("\n").findLast((line) => sentences.some((one) => line.includes(one))) ?? said;
}

/** How the refusals' sentences begin. */
function sentencesOf(requests: readonly Recorded[]): string[] {
  return requests.flatMap(({ refusal }) => messageIn(refusal)?.replaceAll(/\s+/g, " ").slice(0, 40) ?? []);
}

function messageIn(refusal: string): string | undefined {
  try {
    const { error } = JSON.parse(refusal) as { error?: { message?: string } };
    return error?.message;
  } catch {
    return undefined;
  }
}

function refusalOf({ method, path, status, refusal }: Recorded): string {
  return `${status} ${method} ${path} ${messageIn(refusal) ?? refusal.slice(0, 200)}`.trim();
}

function streamedAs(scenario: Scenario, answered: readonly Answered[]): Outcome["streamed"] {
  if (scenario !== "stream") return "not asked";
  const paused = answered.find(({ paused }) => paused !== "not");
  if (paused === undefined) return "whole";
  return paused.paused === "released" ? "at once" : "held up";
}

async function expectedOf(answered: readonly Answered[], unit: Unit, governed: Governed): Promise<number | undefined> {
  let sum = 0;
  for (const one of answered) {
    if (unit === "tokens") sum += tokensOf(one);
    else {
      const price = await governed.priceOf(one.model);
      if (price === undefined) return undefined;
      sum += microusdOf(one, price);
    }
  }
  return sum;
}

/** The books once nothing is running any more, for a client may leave before its stream's end. */
async function settled(pool: string, { governed, standIn }: World) {
  const until = Date.now() + settlesWithinMs;
  for (;;) {
    const books = await governed.books(pool);
    if ((books.held === 0 && standIn.open() === 0) || Date.now() > until) return books;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function homeOf(client: Client, folder: string, key: string, world: World): Promise<Place> {
  const home = mkdtempSync(join(tmpdir(), "bursar-compat-home-"));
  const place = { home, work: join(home, "work"), proxy: world.nowhere.url };
  for (const one of ["work/.git/refs", "work/.git/objects", "tmp", ".config", ".cache", ".local/share", ".local/state"])
    mkdirSync(join(home, one), { recursive: true });
  writeFileSync(join(home, "work/.git/HEAD"), "ref: refs/heads/main\n");
  const stage: Stage = { unit: "tokens", pool: "", home: place, key, folder, world };
  for (const [path, text] of Object.entries(client.files ?? {})) {
    mkdirSync(dirname(join(home, path)), { recursive: true });
    writeFileSync(join(home, path), fillIn(text, stage));
  }
  if (client.setup !== undefined) {
    const ran = await run(filledIn(client.setup, stage, ""), {
      place,
      environment: environmentOf(client, stage),
      withinMs: endsWithinMs,
    });
    if (ran.status !== 0) throw new Error(`${client.id} could not be set up: ${ran.said.slice(-saidKept)}`);
  }
  return place;
}

function environmentOf(client: Client, stage: Stage): NodeJS.ProcessEnv {
  const all = Object.entries({ ...client.quiet, ...client.environment }).map(([name, text]) => [
    name,
    fillIn(text, stage),
  ]);
  return environmentAt(stage.home, Object.fromEntries(all));
}

function filledIn(command: Command, stage: Stage, prompt: string): string[] {
  return command.map((one) => fillIn(one, stage).replaceAll("$PROMPT", prompt));
}

/** What a client said, without what is this run's own. */
function cleaned(said: string, { key, home, folder, world }: Stage): string {
  return said
    .replaceAll(world.recorder.url, "$BURSAR_URL")
    .replaceAll(key, "$AGENT_KEY")
    .replaceAll(home.home, "~")
    .replaceAll(folder, "…")
    .replaceAll(/[^\s"'`(=]*\/(?:root|home|work|Users|tmp)\/[^\s"'`)]*/g, "…");
}

function fillIn(text: string, { key, home, folder, world }: Stage): string {
  return text
    .replaceAll("$BURSAR_URL", world.recorder.url)
    .replaceAll("$AGENT_KEY", key)
    .replaceAll("$CLIENT", folder)
    .replaceAll("$HOME", home.home);
}
