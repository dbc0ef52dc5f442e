/** What `wrangler deploy` would upload, without uploading it. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { read, root } from "../support/tree.ts";

describe("a deployment", () => {
  it("bundles without a warning, with every binding, and stays small", () => {
    const directory = mkdtempSync(join(tmpdir(), "bursar-deploy-"));
    const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [wrangler, "deploy", "--dry-run", "--outdir", directory],
      { cwd: root, encoding: "utf8", env: { ...process.env, WRANGLER_SEND_METRICS: "false" } },
    );
    expect(stderr).toBe("");
    expect(stdout).not.toMatch(/WARNING|deprecated/i);
    expect(status).toBe(0);
    for (const binding of ["POOLS", "TENANTS", "DIRECTORY", "WEBHOOKS", "KEY_RATE"])
      expect(stdout).toContain(`env.${binding}`);
    // The platform's limit is far above; this one notices a library that came along unseen.
    expect(gzipSync(readFileSync(join(directory, "index.js"))).length).toBeLessThan(350_000);
    rmSync(directory, { recursive: true, force: true });
  });

  it("leaves what was built alone where no source is newer: another governor may be serving from it", () => {
    const at = (): number => statSync(join(root, "dist/assets/openapi.json")).mtimeMs;
    const before = at();
    const built = spawnSync("npm", ["run", "--silent", "build:if-stale"], { cwd: root, encoding: "utf8" });
    expect([built.status, built.stderr]).toEqual([0, ""]);
    expect(at()).toBe(before);
    expect(read("wrangler.toml")).toContain('command = "npm run --silent build:if-stale"');
  });

  it("has an example of its secrets without a value that anybody could use", () => {
    const lines = read(".dev.vars.example")
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"));
    expect(lines).toEqual(['BURSAR_OPERATOR_TOKEN=""', 'BURSAR_KEY_SECRET=""']);
    // A list of required secrets would make wrangler drop every other line of .dev.vars.
    expect(read("wrangler.toml")).not.toMatch(/^\[secrets\]/m);
  });
});
