/** The policies that are compared, from what most have to all of Bursar. */
import { after } from "./after.ts";
import { bursar, flat, floating, gated, gatedPot, patient, shared } from "./engine.ts";
import type { Policy } from "./policy.ts";
import { seed } from "./seed.ts";

export const policies: readonly Policy[] = [flat, shared, gatedPot, after, seed, bursar, floating, patient, gated];
