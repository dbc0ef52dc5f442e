/** The parts of the proof, in the order of the report. */
import { model } from "./model.ts";
import type { Part } from "./part.ts";

export const parts: readonly Part[] = [model];
