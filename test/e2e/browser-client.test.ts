/** The published client in a real browser: requests, sessions, and a watcher, with nothing but what the web has. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bursar } from "../../src/client/index.ts";
import { findChromium, launch } from "../support/chromium.ts";
import { type Governor, startGovernor } from "../support/governor.ts";
import { root } from "../support/tree.ts";

const executable = findChromium();
const directory = mkdtempSync(join(tmpdir(), "bursar-browser-client-"));
let governor: Governor;
let browser: Browser;
let key = "";

/** Runs in the page; its last expression is what it comes to. */
const program = `
  (async (url, key) => {
    const { Bursar } = client;
    const results = {};
    for (const transport of ["fetch", "session"]) {
      const bursar = new Bursar({ url, key, transport });
      const pool = bursar.pool("browser-" + transport);
      await pool.configure();
      await pool.register("writer", { priority: 1, max_tokens: 1000 });
      await Promise.all(Array.from({ length: 20 }, async () => (await pool.reserve("writer", 10)).commit(7)));
      const refused = await pool.reserve("writer", 5000).catch((error) => error.code);
      const seen = [];
      for await (const { seq } of pool.watch()) if (seen.push(seq) === 42) break;
      results[transport] = { report: await pool.summary(), refused, last: seen.at(-1) };
      bursar.close();
    }
    return results;
  })`;

describe.skipIf(executable === undefined)("the client in a browser", () => {
  beforeAll(async () => {
    governor = await startGovernor(directory);
    key = (await new Bursar({ url: governor.url, key: governor.operatorToken }).tenants.create("browser")).key.key;
    browser = await launch(executable ?? "");
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await governor?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it("does by requests and by session what it does everywhere", async () => {
    const { outputFiles } = await build({
      entryPoints: [join(root, "dist/lib/client/index.js")],
      bundle: true,
      format: "iife",
      globalName: "client",
      target: "es2022",
      write: false,
    });
    const page = await browser.newPage();
    // A page of the same origin whose policy lets scripts reach the governor.
    await page.goto(`${governor.url}/docs/`);
    const code = `${outputFiles[0]?.text ?? ""};${program}(${JSON.stringify(governor.url)}, ${JSON.stringify(key)})`;
    const expected = {
      report: { writer: { allocated: 1_000, consumed: 140, remaining: 860 } },
      refused: "budget_exceeded",
      last: 42,
    };
    expect(await page.evaluate(code)).toEqual({ fetch: expected, session: expected });
    await page.close();
  });
});
