/** The reference page at /docs, in a real browser that reaches no host but the governor. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findChromium, launch } from "../support/chromium.ts";
import { type Governor, startGovernor } from "../support/governor.ts";

const executable = findChromium();
const directory = mkdtempSync(join(tmpdir(), "bursar-docs-"));
let governor: Governor;
let browser: Browser;

describe.skipIf(executable === undefined)("the reference page", () => {
  beforeAll(async () => {
    governor = await startGovernor(directory);
    browser = await launch(executable ?? "");
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await governor?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  /** The page, with what it asked of others and what the browser complained of. */
  async function open(): Promise<{ page: Page; foreign: string[]; complaints: string[] }> {
    const page = await browser.newPage();
    const [foreign, complaints]: [string[], string[]] = [[], []];
    await page.route("**/*", (route) => {
      const url = route.request().url();
      if (url.startsWith(governor.url) || url.startsWith("data:")) return route.continue();
      foreign.push(url);
      return route.abort();
    });
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    await page.goto(`${governor.url}/docs`);
    return { page, foreign, complaints };
  }

  it("shows every operation, and asks nobody but the governor", async () => {
    const { page, foreign, complaints } = await open();
    await page.waitForSelector(".opblock");
    const document: unknown = await (await fetch(`${governor.url}/openapi.json`)).json();
    const { paths } = document as { readonly paths: Record<string, object> };
    const operations = Object.values(paths).flatMap((one) => Object.keys(one)).length;
    expect(await page.locator(".opblock").count()).toBe(operations);
    expect(await page.locator("text=Reserve budget before a call").count()).toBe(1);
    expect({ foreign, complaints }).toEqual({ foreign: [], complaints: [] });
    await page.close();
  });

  it("comes with headers that let nothing else in", async () => {
    const { headers } = await fetch(`${governor.url}/docs/`);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'; script-src 'self'");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("referrer-policy")).toBe("no-referrer");
  });
});
