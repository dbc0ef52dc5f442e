/** The tests that mutants of the pure parts have to get past: quick enough to be run thousands of times. */
import { defineConfig } from "vitest/config";

// A mutant is met within a few thousand commands, or not at all.
process.env["BURSAR_COMMANDS"] ??= "1500";
process.env["BURSAR_SEED"] ??= "1";
process.env["BURSAR_PLACES"] ??= "3";

export default defineConfig({
  test: { include: ["test/{engine,pricing,providers}/**/*.test.ts"], testTimeout: 600_000 },
});
