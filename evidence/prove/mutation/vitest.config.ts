/** The tests that mutants of the pure parts have to get past: quick enough to be run thousands of times. */
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

// A mutant is met within a few thousand commands, or not at all.
process.env["BURSAR_COMMANDS"] ??= "1500";
process.env["BURSAR_SEED"] ??= "1";
process.env["BURSAR_PLACES"] ??= "1";
process.env["BURSAR_RUNS"] ??= "30";

/** These take seconds. */
const last = [
  "outcomes.test.ts",
  "estimate.test.ts",
  "cost.test.ts",
  "model.test.ts",
  "image.test.ts",
  "calendar.test.ts",
];

/** A mutant is over with the first test that fails: those that take milliseconds are asked first. */
class QuickFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => last.findIndex((name) => moduleId.endsWith(name));
    return files.toSorted((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: [`test/${process.env["BURSAR_MUTATED"] === "engine" ? "engine" : "{pricing,providers}"}/**/*.test.ts`],
    setupFiles: [new URL("./setup.ts", import.meta.url).pathname],
    // A worker for each file would take most of the time; that these tests share one is no matter to them.
    isolate: false,
    testTimeout: 600_000,
    sequence: { sequencer: QuickFirst },
  },
});
