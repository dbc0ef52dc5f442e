/** `npm run screenshots`: pictures of the dashboard at work, light and dark, wide and narrow. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Page } from "playwright-core";
import { work } from "../examples/demo/traffic.ts";
import { fail, readOptions } from "../scripts/options.ts";
import { Bursar } from "../src/client/index.ts";
import { findChromium, launch } from "../test/support/chromium.ts";
import { startGovernor } from "../test/support/governor.ts";

const usage = `npm run screenshots -- [options]

  --to DIR      where the pictures go (default .bursar/screenshots)
  --only NAMES  only these, such as now,flows-dark (those of the README: --to docs/images --only now,flows-dark)
  --seconds N   how long the team works before it is looked at (default 40)
  --help        this text`;
const values = readOptions(usage, {
  to: { type: "string", default: ".bursar/screenshots" },
  only: { type: "string", default: "" },
  seconds: { type: "string", default: "40" },
});
const seconds = Number(values.seconds);
if (!(seconds > 0)) fail(`--seconds ${values.seconds} is not a number above zero.`, usage);
const to = resolve(values.to);
const only = values.only === "" ? undefined : values.only.split(",");
const executable = findChromium();
if (executable === undefined) process.exit(1);

mkdirSync(to, { recursive: true });
const directory = mkdtempSync(join(tmpdir(), "bursar-screenshots-"));
const governor = await startGovernor(directory);
const browser = await launch(executable);
const ending = new AbortController();
try {
  const { key } = await new Bursar({ url: governor.url, key: governor.operatorToken }).tenants.create("acme");
  const bursar = new Bursar({ url: governor.url, key: key.key });
  const working = [
    work(bursar.pool("newsroom"), { signal: ending.signal, pace: 2 }),
    work(bursar.pool("support"), { signal: ending.signal, seed: 30, pace: 0.5 }),
    work(bursar.pool("code-review"), { signal: ending.signal, seed: 50, pace: 1 }),
  ];
  const wide = await open("light", 1_280, 900, key.key);
  const dark = await open("dark", 1_280, 900, key.key);
  const narrow = await open("light", 360, 780, key.key);
  console.error(`… the team works for ${seconds} s`);
  await new Promise((done) => setTimeout(done, seconds * 1_000));
  await shoot(wide, "", "pools");
  for (const [page, suffix] of [
    [wide, ""],
    [dark, "-dark"],
    [narrow, "-narrow"],
  ] as const) {
    await page.goto(`${governor.url}/dashboard/#/pool/newsroom/now`);
    await page.waitForSelector(".row");
    await page.waitForSelector(".flows path", { timeout: 15_000 }).catch(() => undefined);
    await shoot(page, suffix, "now");
    await page.goto(`${governor.url}/dashboard/#/pool/newsroom/flows`);
    await page.waitForSelector(".sankey");
    await shoot(page, suffix, "flows");
    await page.goto(`${governor.url}/dashboard/#/pool/newsroom/journal`);
    await page.selectOption("select[aria-label='Kind of event']", "transfers");
    await page.click(".events li:first-child button");
    await shoot(page, suffix, "journal");
    await page.goto(`${governor.url}/dashboard/#/pool/newsroom/what-if`);
    await page.click("text=/^Play/");
    await shoot(page, suffix, "what-if");
    await page.goto(`${governor.url}/dashboard/#/pool/newsroom/manage`);
    await shoot(page, suffix, "manage");
  }
  ending.abort();
  await Promise.allSettled(working);
} finally {
  ending.abort();
  await browser.close();
  await governor.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function open(colorScheme: "light" | "dark", width: number, height: number, key: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme, deviceScaleFactor: 1.5 });
  page.on("console", (message) => {
    if (message.type() === "error") console.error(message.text());
  });
  page.on("pageerror", (error) => console.error(error.message));
  await page.goto(`${governor.url}/dashboard/`);
  await page.fill("#key", key);
  await page.click("button[type=submit]");
  await page.waitForSelector(".pools");
  return page;
}

async function shoot(page: Page, suffix: string, name: string): Promise<void> {
  await page.waitForTimeout(400);
  if (only !== undefined && !only.includes(`${name}${suffix}`)) return;
  const file = join(to, `${name}${suffix}.png`);
  await page.screenshot({ path: file, fullPage: name !== "now" });
  console.log(file);
}
