/** Plays a sequence on the engine and on the model, and says where they first differ. */
import { fold } from "../../../src/engine/evolve.ts";
import { execute } from "../../../src/engine/execute.ts";
import { toImage } from "../../../src/engine/image.ts";
import { violations } from "../../../src/engine/invariants.ts";
import { emptyPool, type Pool } from "../../../src/engine/state.ts";
import type { Command } from "../../../src/protocol/commands.ts";
import type { PoolEvent } from "../../../src/protocol/events.ts";
import { limits } from "../../../src/protocol/limits.ts";
import { admissionsOf, Shadow } from "./admission.ts";
import type { Step } from "./commands.ts";
import { differencesIn } from "./differences.ts";
import { type Step as ModelStep, run } from "./naive.ts";
import { observedAnswer, observedReport } from "./observe.ts";
import { firstEnd } from "./periods.ts";
import { reportOf } from "./report.ts";
import { unreadyOf } from "./reservations.ts";
import { resolve } from "./resolve.ts";
import type { Tally } from "./tally.ts";
import { emptyWorld, settingsOf, type World } from "./world.ts";

const start = 1_700_000_000_000;
/** Expired reservations are forgotten after 24 h, which the model leaves out: no sequence lasts that long. */
const longest = 20 * 3_600_000;
/** How far a sequence skips to the end of a lease. */
const longestSkip = 3_600_000;

/** Throws where engine and model differ, or where one of the engine's promises is broken. */
export function play(steps: readonly Step[], tally: Tally): void {
  const world = emptyWorld();
  const pool = emptyPool();
  const shadow = new Shadow();
  const events: PoolEvent[] = [];
  const past: Command[] = [];
  let clock = start;

  for (const { tick, recipe } of steps) {
    clock = Math.min(start + longest, tick.to === "now" ? clock + tick.plus : nextLease(world, clock) + tick.plus);
    if (clock < world.time) tally.countBackwards();
    const command = resolve(world, recipe, past);
    past.push(command);

    const from = events.length;
    const outcome = execute(pool, command, clock, events);
    const emitted = events.slice(from);
    const there = [...world.agents];
    const step = run(world, command, clock);

    const found = [
      ...differencesIn("answer", step.answer.says, observedAnswer(outcome)),
      ...differencesIn("due", step.due, emitted.flatMap(dueOf)),
      ...differencesIn("warnings", step.warnings, emitted.flatMap(warningOf)),
      ...eventDifferences(step, world, emitted),
      ...(pool.settings === null ? [] : differencesIn("report", reportOf(world), observedReport(pool))),
      ...violations(pool),
      ...admissionsOf(pool, command, outcome),
      ...shadow.follow(emitted),
      ...donorDifferences(pool, world, clock, past.length),
    ];
    if (found.length > 0) throw new Error(`${found.join("\n")}\n${listing(past, clock, outcome, step)}`);
    tally.count(command, step, there, world, emitted);
  }
  const image = JSON.stringify(toImage(pool));
  if (JSON.stringify(toImage(shadow.pool)) !== image) throw new Error("folding event by event gives another state");
  if (JSON.stringify(toImage(fold(events))) !== image) throw new Error("folding the journal gives another state");
}

/** Asks, without moving anything, who would give how much to one of the agents, and in which order. */
function donorDifferences(pool: Pool, world: World, clock: number, turn: number): string[] {
  const agent = world.agents[turn % world.agents.length];
  if (agent === undefined || unreadyOf(world, agent) !== undefined) return [];
  const { unit } = settingsOf(world);
  const command = {
    op: "reallocate",
    id: "dry",
    agent: agent.name,
    amount: limits.amount,
    unit,
    dry_run: true,
  } as const;
  const events: PoolEvent[] = [];
  const outcome = execute(pool, command, clock, events);
  return [
    ...differencesIn(`donors of ${agent.name}`, run(world, command, clock).answer.says, observedAnswer(outcome)),
    ...differencesIn("events of a dry run", 0, events.length),
  ];
}

/** Something is journaled exactly if something happened. */
function eventDifferences({ answer }: ModelStep, world: World, emitted: readonly PoolEvent[]): string[] {
  const own = emitted.filter(
    (event) => event.type !== "closed" && event.type !== "warned" && dueOf(event).length === 0,
  );
  const refusals = own.filter(({ type }) => type === "refused").length;
  if (!answer.ok) {
    const expected = world.settings?.journal_refusals === true ? 1 : 0;
    return differencesIn("journaled refusals", [expected, expected], [refusals, own.length]);
  }
  return differencesIn("something journaled", answer.happened, own.length > 0);
}

function nextLease(world: World, clock: number): number {
  const ends = world.reservations.filter(({ state }) => state === "held").map(({ expiresAt }) => expiresAt);
  ends.push(firstEnd(world));
  return Math.max(clock, Math.min(...ends.filter((end) => end <= clock + longestSkip), clock + longestSkip));
}

/** What happened by itself, as the model says it. */
function dueOf(event: PoolEvent): string[] {
  if (event.type === "expired") return [event.id];
  if (event.type === "clock_corrected") return ["clock"];
  if (event.type === "period_started") return event.id === undefined ? [`period ${event.number}`] : [];
  return event.type === "agent_period_started" ? [`period ${event.number} of ${event.agent}`] : [];
}

function warningOf(event: PoolEvent): string[] {
  if (event.type !== "warned") return [];
  const { warning, agent } = event;
  switch (warning) {
    case "threshold":
      return [`${warning} ${agent} ${event.percent}`];
    case "gate_closed":
      return [`${warning} ${agent} ${event.confidence}`];
    case "overage":
      return [`${warning} ${agent} ${event.overage}`];
    case "burn_rate":
      return [`${warning} ${agent} ${event.exhausts_at}`];
  }
}

function listing(past: readonly Command[], clock: number, outcome: unknown, { answer }: ModelStep): string {
  return [
    `at ${clock - start} ms, after:`,
    ...past.map((command) => `  ${JSON.stringify(command)}`),
    `engine: ${JSON.stringify(outcome)}`,
    `model: ${JSON.stringify(answer)}`,
  ].join("\n");
}
