/** The dashboard in a real browser: what it asked of others, what it complained of, and what its policy forbade. */
import type { Browser, BrowserContextOptions, Page } from "playwright-core";

export type Opened = {
  readonly page: Page;
  /** Requests to other hosts than the governor's. None goes out. */
  readonly foreign: string[];
  /** Errors on the console, exceptions, dialogs, and breaches of the page's policy. */
  readonly complaints: string[];
};

export async function open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Opened> {
  const context = await browser.newContext({ viewport: { width: 1_280, height: 900 }, ...options });
  const page = await context.newPage();
  const [foreign, complaints]: [string[], string[]] = [[], []];
  await page.route("**/*", (route) => {
    const asked = route.request().url();
    if (asked.startsWith(url) || asked.startsWith("data:")) return route.continue();
    foreign.push(asked);
    return route.abort();
  });
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("dialog", (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.addInitScript({
    content: `addEventListener("securitypolicyviolation", (event) =>
      console.error("policy: " + event.violatedDirective + " " + event.blockedURI))`,
  });
  await page.goto(`${url}/dashboard/`);
  return { page, foreign, complaints };
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.fill("#key", key);
  await page.click("button[type=submit]");
  await page.waitForSelector(".top");
}

/** The page of a pool, once it is there. */
export async function openPool(page: Page, pool: string, tab = "now"): Promise<void> {
  await go(page, `#/pool/${pool}/${tab}`);
  await page.waitForSelector(".status.live");
  // Some views are fetched first.
  await page.locator("main .state[role=status]").waitFor({ state: "detached" });
}

/** Follows an address behind the #. */
export async function go(page: Page, hash: string): Promise<void> {
  await page.evaluate(`location.hash = ${JSON.stringify(hash)}`);
}
