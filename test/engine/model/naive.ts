/**
 * A second, deliberately simple and slow pool, written from `docs/reference/model.md` alone. It keeps plain
 * records and adds everything up again for each command; `model.test.ts` compares the engine with it.
 */
import type { Command } from "../../../src/protocol/commands.ts";
import { limits } from "../../../src/protocol/limits.ts";
import { close, pause, register, reopen, reset } from "./contracts.ts";
import { resetPeriod } from "./periods.ts";
import { repeatOf } from "./remembered.ts";
import { applyDue, extend, release, reserve } from "./reservations.ts";
import { configure, fund } from "./settings.ts";
import { commit, reallocate, record } from "./usage.ts";
import { type Answer, refuse, settingsOf, type World } from "./world.ts";

export type Step = {
  readonly answer: Answer;
  /** Reservations that expired and periods that began before the command, in that order. */
  readonly due: readonly string[];
  readonly warnings: readonly string[];
};

/** Runs `command` at `now`. */
export function run(world: World, command: Command, now: number): Step {
  world.warnings = [];
  const corrected = world.settings !== null && world.time - now > limits.clockSkewMs;
  if (corrected) correctClock(world, now);
  const time = Math.max(world.time, now);
  const due = world.settings === null ? [] : applyDue(world, time);
  if (corrected) due.unshift("clock");
  const answer = answerTo(world, command, time);
  const isJournaled = answer.ok ? answer.happened : world.settings?.journal_refusals === true;
  if (isJournaled || due.length > 0) world.time = time;
  return { answer, due, warnings: world.warnings };
}

/** Section *The model*: the time of before was wrong. */
function correctClock(world: World, now: number): void {
  for (const reservation of world.reservations) {
    if (reservation.state === "held") reservation.expiresAt -= world.time - now;
    reservation.counted = false;
  }
  world.time = now;
}

function answerTo(world: World, command: Command, now: number): Answer {
  if (command.op === "configure") return configure(world, command, now);
  if (world.settings === null) return refuse("pool_not_found");
  const { unit } = settingsOf(world);
  if ("unit" in command && command.unit !== unit) {
    return refuse("unit_mismatch", { pool_unit: unit, given_unit: command.unit });
  }
  switch (command.op) {
    case "register":
      return register(world, command, now);
    case "close":
      return close(world, command);
    case "commit":
      return commit(world, command, now);
    case "release":
      return release(world, command);
    case "extend":
      return extend(world, command, now);
    case "fund":
      return repeatOf(world, command) ?? fund(world, command, now);
    case "pause":
    case "resume":
      return pause(world, command);
    case "reopen":
      return repeatOf(world, command) ?? reopen(world, command);
    case "reset":
      return repeatOf(world, command) ?? reset(world, command);
    case "reset_period":
      return repeatOf(world, command) ?? resetPeriod(world, command, now);
    case "reserve":
      return repeatOf(world, command) ?? reserve(world, command, now);
    case "record":
      return repeatOf(world, command) ?? record(world, command, now);
    case "reallocate":
      if (command.dry_run === true) return reallocate(world, command);
      return repeatOf(world, command) ?? reallocate(world, command);
  }
}
