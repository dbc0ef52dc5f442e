/**
 * The engine and a second, naive model of it (`naive.ts`) are given the same commands, and must answer the same.
 * BURSAR_SEED repeats a run (that of a failure is in its message), BURSAR_COMMANDS makes it longer or shorter.
 */
import fc from "fast-check";
import { expect, it } from "vitest";
import { refusalCodes } from "../../../src/protocol/refusals.ts";
import { sequence } from "./commands.ts";
import { play } from "./play.ts";
import { cases, Tally } from "./tally.ts";

/** A run of this length meets every case. */
const enough = 200_000;
const seed = Number(process.env["BURSAR_SEED"] ?? Date.now());
const target = Number(process.env["BURSAR_COMMANDS"] ?? enough);
const sequencesPerRound = 100;

const operations = [
  "configure",
  "fund",
  "register",
  "close",
  "reopen",
  "pause",
  "resume",
  "reset",
  "reset_period",
  "reserve",
  "commit",
  "release",
  "extend",
  "record",
  "reallocate",
];

/**
 * Only forgotten ids are too old; forgetting takes more than 10,000 outcomes, and the model leaves it out. Keys and
 * tenants are not the engine's.
 */
const notHere: readonly string[] = [
  "id_too_old",
  "key_revoked",
  "key_expired",
  "damaged",
  "key_not_found",
  "tenant_not_found",
  "price_not_found",
  "webhook_not_found",
  "journal_trimmed",
  "archive_not_found",
  "model_not_priced",
];
const refusals = refusalCodes.filter((code) => !notHere.includes(code));

it("answers as the naive model does", { timeout: 60_000 + target * 2 }, () => {
  console.info(`seed ${seed}`);
  const began = performance.now();
  const tally = new Tally();
  for (let round = 0; tally.commands < target; round++) {
    fc.assert(
      fc.property(sequence, (steps) => play(steps, tally)),
      { seed: (seed + round) | 0, numRuns: sequencesPerRound },
    );
  }
  const seconds = (performance.now() - began) / 1_000;
  console.info(`${tally.commands} commands in ${seconds.toFixed(1)} s, seed ${seed}\n${tally.toString()}`);

  expect(tally.commands).toBeGreaterThanOrEqual(target);
  if (target < enough) return;
  expect([...tally.accepted.keys()].sort()).toEqual([...operations].sort());
  expect([...tally.refused.keys()].sort()).toEqual([...refusals].sort());
  expect([...tally.met.keys()].sort()).toEqual([...cases].sort());
});
