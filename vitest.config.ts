import { availableParallelism } from "node:os";
import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

const bindings = {
  BURSAR_OPERATOR_TOKEN: "operator-token-of-the-test-suite-0123456789",
  BURSAR_KEY_SECRET: "key-secret-of-the-test-suite-0123456789abcd",
  // The plugin also reads .dev.vars: what a developer keeps there must not reach a test.
  BURSAR_KEY_SECRET_PREVIOUS: "",
  OPENAI_API_KEY: "",
  ANTHROPIC_API_KEY: "",
  OPENAI_UPSTREAM: "",
  ANTHROPIC_UPSTREAM: "",
  BURSAR_WEBHOOK_ORIGINS: "",
  BURSAR_CORS_ORIGINS: "",
  BURSAR_BODY_BYTES: "",
  BURSAR_LOG: "",
};

/**
 * Three projects: `workerd` runs inside the real runtime with real SQLite, `archive` does so with a bucket bound that
 * journals are shipped to; `node` runs what is pure, and what drives whole processes from outside (the README's
 * commands, `npm start`, kill -9).
 */
export default defineConfig({
  test: {
    // Most tests wait for processes: on two cores two files at once take two thirds of the time of one.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    projects: [
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings },
          }),
        ],
        test: {
          name: "workerd",
          include: ["test/{pool,http,tenant,client,webhooks}/**/*.test.ts"],
          testTimeout: 120_000,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings, r2Buckets: ["ARCHIVE"] },
          }),
        ],
        test: { name: "archive", include: ["test/archive/**/*.test.ts"], testTimeout: 120_000 },
      },
      {
        test: {
          name: "node",
          include: ["test/**/*.test.ts"],
          exclude: ["test/{pool,http,tenant,client,webhooks,archive}/**"],
          testTimeout: 120_000,
        },
      },
    ],
  },
});
