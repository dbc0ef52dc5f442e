/** The dashboard as it is built, on a real governor, in a real browser: what an operator sees and does. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Bursar, type Pool } from "../../src/client/index.ts";
import { findChromium, launch } from "../support/chromium.ts";
import { type Governor, startGovernor } from "../support/governor.ts";
import { freePort } from "../support/port.ts";
import { root } from "../support/tree.ts";
import { go, open, openPool, signIn } from "./page.ts";
import { xssTexts } from "./xss.ts";

const executable = findChromium();
const directory = mkdtempSync(join(tmpdir(), "bursar-dashboard-"));
let port = 0;
let governor: Governor;
let browser: Browser;
let bursar: Bursar;
let admin = "";
let pools = 0;

async function start(): Promise<void> {
  governor = await startGovernor(directory, { port });
}

/** A pool in which a critic has much, and a researcher little. */
async function newPool(): Promise<Pool> {
  const pool = bursar.pool(`pool-${pools++}`);
  await pool.configure({ journal_refusals: true });
  await pool.register("researcher", { priority: 5, max_tokens: 1_000, confidence_threshold: 0.8 });
  await pool.register("critic", { priority: 1, max_tokens: 5_000 });
  return pool;
}

/** What the list says of an agent, to those who can't see it too. */
const rowOf = (page: Page, agent: string) => page.locator(`.row[aria-label^="${agent},"]`);

describe.skipIf(executable === undefined)("the dashboard", () => {
  beforeAll(async () => {
    port = await freePort();
    await start();
    browser = await launch(executable ?? "");
    const made = await new Bursar({ url: governor.url, key: governor.operatorToken }).tenants.create("acme");
    admin = made.key.key;
    bursar = new Bursar({ url: governor.url, key: admin, transport: "fetch" });
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await governor?.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  it("weighs less than 60 KB, compressed, and carries nothing in its page but files of its own", () => {
    const assets = join(root, "dist/assets/dashboard");
    const html = readFileSync(join(assets, "index.html"), "utf8");
    const loaded = [...html.matchAll(/"\/dashboard\/([^"]+)"/g)].map(([, file = ""]) => file);
    expect(new Set(loaded.map((file) => file.split(".").at(-1)))).toEqual(new Set(["css", "js"]));
    expect(html).not.toMatch(/<script>|<style|https?:|\son\w+=/);
    const weigh = (file: string): number => brotliCompressSync(readFileSync(join(assets, file))).length;
    expect(["index.html", ...loaded].reduce((sum, file) => sum + weigh(file), 0)).toBeLessThan(60_000);
  });

  it("lets in who may look, and says to everybody else why not", async () => {
    const { page, foreign, complaints } = await open(browser, governor.url);
    const pool = await newPool();
    const keyed = async (spec: Parameters<Bursar["keys"]["create"]>[0]) => (await bursar.keys.create(spec)).key;
    for (const [key, why] of [
      ["sk-something-else", "Not a Bursar key"],
      [await keyed({ scope: "gateway" }), "calls models and sees nothing"],
      [await keyed({ scope: "spend", agent: "critic" }), "bound to the agent critic"],
      [`${admin.slice(0, -4)}AAAA`, "valid key"],
    ] as const) {
      await page.fill("#key", key);
      await page.click("button[type=submit]");
      await page.waitForSelector(`.fault:has-text("${why}")`);
    }
    await signIn(page, await keyed({ scope: "read", pool: pool.name }));
    await page.waitForSelector(".status.live");
    expect(await page.locator(".tabs a").allTextContents()).toEqual(["Now", "Flows", "Journal", "What if"]);
    expect(page.url()).not.toContain("bursar_");
    expect(await page.evaluate("JSON.stringify([localStorage, sessionStorage, document.cookie])")).toBe('[{},{},""]');
    await page.reload();
    expect(await page.locator("#key").inputValue()).toBe("");
    expect(foreign).toEqual([]);
    // What the browser itself says of the refused key, and nothing else.
    expect(complaints.filter((one) => !one.includes("401"))).toEqual([]);
    await page.context().close();
  });

  it("lists the pools, and what needs attention in them", async () => {
    const pool = await newPool();
    await pool.record("critic", 5_900, { confidence: 0.1 });
    await pool.record("researcher", 10, { confidence: 0.9 });
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    const card = page.locator(`.pool:has-text("${pool.name}")`);
    await card.waitFor();
    expect(await card.locator(".badge").allTextContents()).toEqual(["nearly out", "1 with overage", "1 gate closed"]);
    expect(await card.textContent()).toContain("99 % used");
    await card.click();
    await page.waitForSelector(`h1:has-text("${pool.name}")`);
    await page.context().close();
  });

  it("shows budget as it moves, what is held and until when, and who was refused and why", async () => {
    const pool = await newPool();
    const { page, complaints } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, pool.name);
    await page.waitForSelector(".status.live");
    const hold = await pool.reserve("researcher", 2_500, { ttl_ms: 60_000 });
    await page.waitForSelector(".flows path", { state: "attached" });
    await expect.poll(() => rowOf(page, "researcher").getAttribute("aria-label")).toContain("held 2,500");
    expect(await rowOf(page, "critic").getAttribute("aria-label")).toContain("available 3,500");
    expect(await page.locator(".leases li").count()).toBe(1);
    expect(await page.locator(".leases").textContent()).toMatch(/researcher2,500(1 m 0 s|\d\d s)/);
    await hold.commit(2_000, { confidence: 0.9 });
    await expect.poll(() => rowOf(page, "researcher").textContent()).toContain("gate closed");
    await pool.reserve("critic", 50_000).catch(() => undefined);
    await page.waitForSelector('.refusals li:has-text("no agent could lend enough")');
    await page.waitForSelector(".totals .good");
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it("explains an event in words: who asked, who lent, and why that one", async () => {
    const pool = await newPool();
    await pool.register("writer", { priority: 2, max_tokens: 2_000 });
    await pool.record("writer", 1_000, {
      usage: { model: "gpt-4o", input: 900, output: 100, cache_read: 400 },
    });
    await pool.reserve("researcher", 6_000);
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, pool.name, "journal");
    await page.selectOption("select[aria-label='Kind of event']", "transfers");
    await page.focus(".events button");
    await page.keyboard.press("Enter");
    const words = page.locator(".explained");
    await words.waitFor();
    expect(await words.textContent()).toBe(
      "researcher asked for 6,000 and had 1,000 available; 4,500 came from critic (priority 1, idle); 500 came from writer (priority 2, 50 % used).",
    );
    await page.selectOption("select[aria-label='Kind of event']", "all");
    await page.fill("input[aria-label='Agent']", "writer");
    // Its contract, what it used, what that made worth a warning, and what it lent.
    await expect.poll(() => page.locator(".events li").count()).toBe(4);
    await page.click(".events button:has-text('without a hold')");
    await page.waitForSelector("text=gpt-4o: 900 in (400 cached), 100 out");
    await openPool(page, pool.name, "flows");
    expect(await page.locator(".sankey .ribbon").count()).toBe(2);
    expect(await page.locator("tbody tr").allTextContents()).toEqual(["criticresearcher4,500", "writerresearcher500"]);
    await page.context().close();
  });

  it("travels to any moment, by the governor's own engine, and back to now", async () => {
    const pool = await newPool();
    for (let i = 0; i < 20; i++) await pool.record("critic", 100);
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, pool.name);
    const slider = page.locator("input[aria-label=Event]");
    expect(await slider.getAttribute("max")).toBe("23");
    await slider.fill("8");
    await expect.poll(() => rowOf(page, "critic").getAttribute("aria-label")).toContain("consumed 500,");
    expect(await page.locator(".time-bar output").textContent()).toContain("as of · 8");
    // Events go on meanwhile, and do not disturb the past.
    await pool.record("critic", 100);
    await expect.poll(() => slider.getAttribute("max")).toBe("24");
    expect(await rowOf(page, "critic").getAttribute("aria-label")).toContain("consumed 500,");
    await page.click("button[aria-label='One event back']");
    await expect.poll(() => rowOf(page, "critic").getAttribute("aria-label")).toContain("consumed 400,");
    await page.click(".time-bar button:has-text('Now')");
    await expect.poll(() => rowOf(page, "critic").getAttribute("aria-label")).toContain("consumed 2,100,");
    await slider.fill("1");
    await page.waitForSelector("text=No agents yet.");
    await page.context().close();
  });

  it("plays the same demands under other rules, and shows who would have starved", async () => {
    const pool = await newPool();
    for (let i = 0; i < 5; i++) {
      const hold = await pool.reserve("researcher", 600);
      await hold.commit(600);
    }
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, pool.name, "what-if");
    await page.click("text=/^Play/");
    const row = page.locator("tr:has(th:text-is('researcher'))");
    // Budget flows: all five. A flat cap of 1,000 has room for one.
    expect(await row.locator("td.number").allTextContents()).toEqual(["100 %", "20 % missed 2.4K in 4", "100 %"]);
    await page.fill("input[aria-label='researcher: max']", "3000");
    await page.click("text=/^Play/");
    await expect.poll(() => row.locator("td.number").allTextContents()).toEqual(["100 %", "100 %", "100 %"]);
    await page.context().close();
  });

  it("acts for an admin, asks before, and says the governor's no in words", async () => {
    const { page, complaints } = await open(browser, governor.url);
    await signIn(page, admin);
    const dialog = page.locator("dialog[open]");
    await page.click("text=New pool");
    await dialog.locator("input[name=name]").fill("made-here");
    await dialog.locator("input[name=budget]").fill("10000");
    await dialog.locator("button[type=submit]").click();
    await page.waitForSelector("h1:has-text('made-here')");
    await page.click("text=New agent");
    await dialog.locator("input[name=agent]").fill("writer");
    await dialog.locator("input[name=max]").fill("20000");
    await dialog.locator("button[type=submit]").click();
    await dialog.locator(".fault:has-text('allocations come out of the pool')").waitFor();
    await dialog.locator("input[name=max]").fill("4000");
    await dialog.locator("button[type=submit]").click();
    await page.waitForSelector(".manage .name:has-text('writer')");
    await page.click("button:text-is('Fund')");
    await dialog.locator("input[name=amount]").fill("500");
    await dialog.locator("button[type=submit]").click();
    const pool = bursar.pool("made-here");
    await expect.poll(async () => (await pool.ledger()).total).toBe(10_500);
    await page.click(".manage button:has-text('Contract')");
    await dialog.locator("input[name=priority]").fill("7");
    await dialog.locator("input[name=confidence_threshold]").fill("0.5");
    await dialog.locator("button[type=submit]").click();
    await expect.poll(async () => (await pool.agent("writer").view()).contract).toMatchObject({ priority: 7 });
    await pool.record("writer", 1, { confidence: 1 });
    await page.click(".manage button:has-text('Reopen')");
    await dialog.locator("button[type=submit]").click();
    await expect.poll(async () => (await pool.agent("writer").view()).gate).toBe("open");
    await page.click(".manage button:has-text('Close')");
    // Asked first, and nothing done by whoever changes their mind.
    await dialog.locator("text=Cancel").click();
    expect((await pool.agent("writer").view()).closing).toBe(false);
    await page.click(".manage button:has-text('Close')");
    await dialog.locator("button[type=submit]").click();
    await expect.poll(async () => Object.keys((await pool.ledger()).agents)).toEqual([]);
    const { key, key_id } = await bursar.keys.create({ scope: "read", label: "to be revoked" });
    await page.click("text=Show");
    const line = page.locator(".manage li:has-text('to be revoked')");
    await line.locator("button:has-text('Revoke')").first().click();
    await dialog.locator("button[type=submit]").click();
    await line.locator(".badge:has-text('revoked')").waitFor();
    await expect(new Bursar({ url: governor.url, key }).pools()).rejects.toMatchObject({ code: "key_revoked" });
    expect(key_id).toMatch(/-/);
    expect(complaints.filter((one) => !one.includes("409"))).toEqual([]);
    await page.context().close();
  });

  it("leaves of a contract what its form does not show, and begins each form anew", async () => {
    const pool = bursar.pool("forms");
    await pool.configure({ unit: "tokens", budget: 9_000 });
    const contract = {
      priority: 3,
      max_tokens: 900,
      ceiling: 200_000,
      confidence_path: "/sure",
      confidence_threshold: 0.9,
    };
    await pool.register("writer", contract);
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, pool.name, "manage");
    const dialog = page.locator("dialog[open]");
    await page.click("button[aria-label='Contract writer']");
    await dialog.locator("input[name=max]").fill("100000");
    await dialog.locator("button[type=submit]").click();
    await dialog.locator(".fault:has-text('unallocated')").waitFor();
    await dialog.locator("text=Cancel").click();
    await page.click("button[aria-label='Contract writer']");
    expect(await dialog.locator("input[name=max]").inputValue()).toBe("900");
    expect(await dialog.locator(".fault").textContent()).toBe("");
    await dialog.locator("button[type=submit]").click();
    await dialog.waitFor({ state: "detached" });
    // Nothing was changed, and so nothing happened.
    expect((await pool.ledger()).seq).toBe(2);
    await page.click("button[aria-label='Pause writer']");
    await dialog.locator("button[type=submit]").click();
    await page.waitForSelector("button[aria-label='Resume writer']");
    await page.click("button:text-is('Pause pool')");
    await dialog.locator("button[type=submit]").click();
    await page.waitForSelector("button:text-is('Resume pool')");
    expect(await pool.agent("writer").view()).toMatchObject({ paused: true, contract: { confidence_path: "/sure" } });
    await page.context().close();
  });

  it("says when a pool is gone, looks again when asked, and knows a new pool of the same name", async () => {
    const pool = bursar.pool("comes-and-goes");
    await pool.configure({ unit: "tokens", budget: 9_000 });
    await pool.register("first", { priority: 1, max_tokens: 100 });
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, pool.name);
    await pool.delete();
    await page.waitForSelector(".status.ended:has-text('the pool was deleted')");
    await pool.configure({ unit: "tokens", budget: 5_000 });
    await page.click("text=Try again");
    await page.waitForSelector(".status.live");
    await page.waitForSelector(".totals:has-text('5,000')");
    expect(await page.locator(".row").count()).toBe(0);
    // Whoever mistypes an address stands before the list, not before nothing.
    await go(page, "#/pool/100%/now");
    await page.waitForSelector(".pools .pool");
    await page.context().close();
  });

  it("comes back by itself when the governor has been away, and has missed nothing", async () => {
    const pool = await newPool();
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, pool.name);
    await governor.stop();
    await page.waitForSelector(".status.lost");
    await start();
    await pool.record("critic", 777);
    await expect
      .poll(() => rowOf(page, "critic").getAttribute("aria-label"), { timeout: 30_000 })
      .toContain("consumed 777");
    await page.waitForSelector(".status.live");
    await page.context().close();
  });

  it("never takes a text for a page: sixty hostile ones, wherever a text can stand", async () => {
    expect(xssTexts).toHaveLength(60);
    const pool = await newPool();
    for (const text of xssTexts) {
      // No name can be hostile: the governor takes letters, digits and a few signs.
      const named = pool.register(text, { priority: 1, max_tokens: 1 });
      if (/^[\w.:-]+$/.test(text)) await named;
      else await expect(named).rejects.toMatchObject({ status: expect.toBeOneOf([400, 404]) });
    }
    await Promise.all(
      xssTexts.map(async (text) => {
        const metadata = { text: text.slice(0, 256) };
        const hold = await pool.reserve("critic", 2, { metadata });
        await hold.commit(1, { usage: { model: text, provider: text, input: 1, output: 0 } });
        await bursar.keys.create({ scope: "read", label: text.replaceAll("\u0000", "0").slice(0, 128) });
      }),
    );
    const { page, foreign, complaints } = await open(browser, governor.url);
    await page.evaluate(() => {
      Reflect.set(globalThis, "xss", () => console.error("a text was run"));
    });
    await signIn(page, admin);
    await openPool(page, pool.name, "journal");
    await page.selectOption("select[aria-label='Kind of event']", "committed");
    for (const button of await page.locator(".events button").all()) await button.click();
    await page.selectOption("select[aria-label='Kind of event']", "reserved");
    for (const button of await page.locator(".events button").all()) await button.click();
    await openPool(page, pool.name, "manage");
    await page.click("text=Show");
    await page.waitForSelector(".manage .name:has-text('script')");
    for (const text of xssTexts) {
      await go(page, `#/pool/${encodeURIComponent(text)}/now`);
      await page.waitForSelector(".top .here");
    }
    await page.waitForTimeout(300);
    expect(foreign).toEqual([]);
    expect(complaints.filter((one) => !/40[04]/.test(one))).toEqual([]);
    await page.context().close();
  });

  it.each(["light", "dark"] as const)("has no serious fault of accessibility, in %s", async (colorScheme) => {
    const pool = await newPool();
    await pool.reserve("researcher", 2_000);
    const { page } = await open(browser, governor.url, { colorScheme, bypassCSP: true });
    const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
    const faults: string[] = [];
    const check = async (where: string): Promise<void> => {
      await page.evaluate(axe);
      const { violations } = (await page.evaluate("axe.run()")) as {
        violations: { id: string; impact: string; nodes: { html: string }[] }[];
      };
      for (const { id, impact, nodes } of violations) {
        if (impact === "serious" || impact === "critical") faults.push(`${where}: ${id} ${nodes[0]?.html ?? ""}`);
      }
    };
    await check("sign in");
    await signIn(page, admin);
    await page.waitForSelector(".pool");
    await check("pools");
    for (const tab of ["now", "flows", "journal", "what-if", "manage"]) {
      await openPool(page, pool.name, tab);
      await page.waitForTimeout(200);
      await check(tab);
    }
    expect(faults).toEqual([]);
    await page.context().close();
  });

  it("fits a narrow screen, with nothing cut off", async () => {
    const pool = await newPool();
    await pool.register("an-agent-with-a-very-long-name-that-nobody-would-give-it-but-somebody-will", {
      priority: 999,
      max_tokens: 1_000_000_000_000,
    });
    await pool.reserve("researcher", 2_000);
    const { page } = await open(browser, governor.url, { viewport: { width: 360, height: 700 } });
    await signIn(page, admin);
    for (const tab of ["now", "flows", "journal", "what-if", "manage"]) {
      await openPool(page, pool.name, tab);
      await page.waitForTimeout(150);
      expect([tab, await page.evaluate("document.documentElement.scrollWidth")]).toEqual([tab, 360]);
      if (tab !== "now") continue;
      const box = async (part: string) => await rowOf(page, "researcher").locator(part).boundingBox();
      const [name, figures, bar] = [await box(".name"), await box(".number"), await box(".bar")];
      const end = (one: typeof name): number => (one?.y ?? 0) + (one?.height ?? 0);
      expect(name?.x).toBeLessThan(figures?.x ?? 0);
      expect(bar?.y).toBeGreaterThan(Math.max(end(name), end(figures)) - 4);
      // Which moment one looks at is said there too.
      expect(await page.locator(".time-bar output").isVisible()).toBe(true);
    }
    await page.context().close();
  });

  it("shows a thousand agents, of which those in sight are made", async () => {
    const pool = bursar.pool("thousand");
    await pool.configure();
    for (let i = 0; i < 1_000; i += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, j) => pool.register(`agent-${i + j}`, { priority: i + j, max_tokens: 1_000 })),
      );
    }
    const { page } = await open(browser, governor.url);
    await signIn(page, admin);
    await openPool(page, "thousand");
    await page.waitForSelector('.row[aria-label^="agent-999,"]');
    expect(await page.locator(".row").count()).toBeLessThan(20);
    await page.locator(".rows").evaluate((rows) => rows.scrollTo(0, 500 * 56));
    await page.waitForSelector('.row[aria-label^="agent-499,"]');
    expect(await page.locator('.row[aria-label^="agent-499,"]').getAttribute("aria-setsize")).toBe("1000");
    await page.context().close();
  });
});
