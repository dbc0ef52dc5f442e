/** The parts of the proof, in the order of the report. */
import { attacks } from "./attacks.ts";
import { bugs } from "./bugs.ts";
import { differential } from "./differential.ts";
import { faults } from "./faults.ts";
import { kill } from "./kill.ts";
import { model } from "./model.ts";
import { mutation } from "./mutation.ts";
import type { Part } from "./part.ts";
import { races } from "./races.ts";
import { wallet } from "./wallet.ts";

export const parts: readonly Part[] = [model, differential, kill, faults, races, attacks, wallet, bugs, mutation];
