/** `npm run evidence:test`: the tests of what evidence is computed by. `npm test` does not need them. */
import { defineConfig } from "vitest/config";

export default defineConfig({ root: import.meta.dirname, test: { include: ["test/**/*.test.ts"] } });
