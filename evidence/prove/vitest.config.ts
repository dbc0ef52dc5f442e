/** Runs the differential test of a pool object in the real runtime, as long and from the seed that it is told. */
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const { BURSAR_SEED = "1", BURSAR_POOL_COMMANDS = "4000" } = process.env;

export default defineConfig({
  root: new URL("../..", import.meta.url).pathname,
  plugins: [
    cloudflareTest({
      wrangler: { configPath: "./wrangler.toml" },
      miniflare: {
        bindings: {
          BURSAR_OPERATOR_TOKEN: "operator-token-of-the-proof-0123456789",
          BURSAR_KEY_SECRET: "key-secret-of-the-proof-0123456789abcdef",
          BURSAR_SEED,
          BURSAR_POOL_COMMANDS,
        },
      },
    }),
  ],
  test: { include: ["test/pool/differential.test.ts"], testTimeout: 3_600_000 },
});
