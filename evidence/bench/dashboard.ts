/**
 * `npm run bench:dashboard`: what the page weighs, when it is first seen, and what a frame of it takes with a thousand
 * agents and fifty events a second, in a headless browser without a graphics card.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import { Bursar, type Pool } from "../../src/client/index.ts";
import { findChromium, launch } from "../../test/support/chromium.ts";
import { startGovernor } from "../../test/support/governor.ts";
import { median, options, print, progress } from "./lib/report.ts";

const chosen = options("Weight, first sight and frames of the dashboard.", { seconds: 10, rounds: 5 });
const agents = 1_000;
const eventsPerSecond = 50;

const assets = join(import.meta.dirname, "../../dist/assets/dashboard");
const html = readFileSync(join(assets, "index.html"), "utf8");
/** What is loaded to show anything; the rest is loaded by who needs it, or by nobody. */
const loaded = ["index.html", ...[...html.matchAll(/"\/dashboard\/([^"]+)"/g)].map(([, file = ""]) => file)];
const weights = loaded.map((file) => [file, brotliCompressSync(readFileSync(join(assets, file))).length] as const);

const executable = findChromium();
if (executable === undefined) process.exit(1);
const directory = mkdtempSync(join(tmpdir(), "bursar-bench-dashboard-"));
const governor = await startGovernor(directory);
const browser = await launch(executable);
try {
  const { key } = await new Bursar({ url: governor.url, key: governor.operatorToken }).tenants.create("bench");
  const bursar = new Bursar({ url: governor.url, key: key.key });
  const pool = bursar.pool("thousand");
  await fill(pool);

  const paints: number[] = [];
  for (let round = 0; round < chosen.rounds; round++) {
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`${governor.url}/dashboard/`);
    await page.waitForSelector("#key");
    // The browser notes it some time after it has painted.
    const paint = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime";
    paints.push(Number(await (await page.waitForFunction(paint)).jsonValue()));
    await context.close();
  }

  const page = await browser.newPage({ viewport: { width: 1_280, height: 900 } });
  await page.goto(`${governor.url}/dashboard/`);
  await page.fill("#key", key.key);
  await page.click("button[type=submit]");
  const opened = Date.now();
  await page.waitForSelector(".pools");
  await page.evaluate("location.hash = '#/pool/thousand/now'");
  await page.waitForSelector(".row");
  const poolAfter = Date.now() - opened;
  await page.waitForSelector(".status.live");

  progress(`${chosen.seconds} s of ${eventsPerSecond} events a second`);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Performance.enable");
  const busy = async (): Promise<number> => {
    const { metrics } = await devtools.send("Performance.getMetrics");
    return metrics.find(({ name }) => name === "TaskDuration")?.value ?? Number.NaN;
  };
  const before = await busy();
  const frames = page.evaluate(`new Promise((resolve) => {
    const gaps = []; let last = performance.now(); const until = last + ${chosen.seconds * 1_000};
    const frame = (now) => { gaps.push(now - last); last = now; now < until ? requestAnimationFrame(frame) : resolve(gaps); };
    requestAnimationFrame(frame);
  })`) as Promise<number[]>;
  await traffic(pool, chosen.seconds);
  const gaps = (await frames).toSorted((a, b) => a - b);
  const work = ((await busy()) - before) * 1_000;
  const at = (share: number): number => gaps[Math.floor(share * (gaps.length - 1))] ?? Number.NaN;
  print(
    [
      {
        title: "Weight, brotli",
        columns: ["file", "bytes"],
        rows: [
          ...weights.map(([file, size]) => [file, size]),
          ["all", weights.reduce((sum, [, size]) => sum + size, 0)],
        ],
      },
      {
        title: "First sight, milliseconds",
        columns: ["", "p50"],
        rows: [
          ["first contentful paint", median(paints)],
          [`signed in, list of pools, pool of ${agents} agents`, poolAfter],
        ],
      },
      {
        title: `Frames with ${agents} agents and ${eventsPerSecond} events a second, milliseconds`,
        columns: ["", "p50", "p99", "work per frame"],
        rows: [["from frame to frame", at(0.5), at(0.99), work / gaps.length]],
      },
    ],
    chosen,
    [
      { what: "dashboard: first contentful paint, p50", figure: median(paints), unit: "ms" },
      { what: `dashboard: work per frame, ${agents} agents`, figure: work / gaps.length, unit: "ms" },
    ],
  );
  bursar.close();
} finally {
  await browser.close();
  await governor.stop();
  rmSync(directory, { recursive: true, force: true });
}

async function fill(pool: Pool): Promise<void> {
  await pool.configure();
  for (let from = 0; from < agents; from += 100) {
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        pool.register(`agent-${from + i}`, { priority: from + i, max_tokens: 10_000 }),
      ),
    );
  }
}

/** Reserves and commits, at an even pace, of agents all over the list; each is an event. */
async function traffic(pool: Pool, seconds: number): Promise<void> {
  const everyMs = 2_000 / eventsPerSecond;
  const until = Date.now() + seconds * 1_000;
  for (let i = 0; Date.now() < until; i++) {
    const agent = `agent-${agents - 1 - ((i * 7) % 30)}`;
    void pool.reserve(agent, 50).then(
      (hold) => hold.commit(5),
      () => undefined,
    );
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
