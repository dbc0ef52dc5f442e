/**
 * The first minute as its documents tell it, in a fresh copy of the project: the commands are read out of README.md and
 * docs/guides/gateway.md and run as they stand there, once with `npm start` and once with plain `wrangler dev`. Only
 * the ports and the provider are the test's.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { commandsUnder } from "../support/documents.ts";
import { FreshCopy } from "../support/fresh-copy.ts";
import { freePort } from "../support/port.ts";
import { type Provider, startProvider, used } from "../support/provider.ts";

const copy = new FreshCopy();
const settings = join(copy.directory, ".dev.vars");
let provider: Provider;

beforeAll(async () => {
  provider = await startProvider();
});

afterAll(async () => {
  await copy.remove();
  provider.stop();
});

const isWell = async (url: string): Promise<boolean> =>
  (await fetch(`${url}/healthz`).catch(() => undefined))?.ok === true;

const [keyLine = "", startLine = "", ...callLines] = commandsUnder("docs/guides/gateway.md", "Start");

/** The agent's call as the document makes it, and what became of it. */
async function callAsDocumented(variables: NodeJS.ProcessEnv): Promise<void> {
  const script = callLines.map((line) => (line.startsWith("curl ") ? `${line} -sS` : line)).join("\n");
  const printed = await copy.sh(script, variables);
  expect(printed).toContain('"object":"chat.completion"');
  expect(printed).toMatch(new RegExp(`writer +1 +20,000 +${used} `));
}

describe("the first minute", () => {
  it("is as the documents say by wrangler dev, which tells what is missing until the secrets are made", async () => {
    const [npmStart, both = "", init = ""] = commandsUnder("README.md", "Run it");
    const [secrets = "", dev = ""] = both.split(" && ");
    expect([npmStart, secrets, dev, startLine]).toEqual([
      "npm start",
      "npm run secrets",
      "npx wrangler dev",
      "npm start",
    ]);
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const start = `${dev} --port ${port} --inspector-port 0 --show-interactive-dev-session=false`;

    // Given no .dev.vars at all, it starts, and says what to do.
    expect(existsSync(settings)).toBe(false);
    await copy.start(start, async () => (await fetch(url).catch(() => undefined)) !== undefined);
    for (const path of ["/", "/healthz"]) {
      const answer = await fetch(url + path, { redirect: "manual" });
      expect(answer.status).toBe(503);
      expect(await answer.json()).toMatchObject({
        code: "misconfigured",
        detail: expect.stringContaining("run `npm run secrets`"),
        errors: [{ field: "BURSAR_OPERATOR_TOKEN" }, { field: "BURSAR_KEY_SECRET" }],
      });
    }
    await copy.stop();

    // When the secrets are made and the provider's key is written down as the document says, …
    await copy.sh(secrets);
    await copy.sh(keyLine);
    appendFileSync(settings, `OPENAI_UPSTREAM=${provider.url}/v1\n`);
    await copy.start(start, () => isWell(url));

    // … then the front page leads to the dashboard, and the gateway asks the provider with that key.
    const front = await fetch(url);
    expect([front.status, new URL(front.url).pathname]).toEqual([200, "/dashboard/"]);
    const exported = (await copy.sh(`${init}; echo "$BURSAR_URL $BURSAR_KEY"`, { BURSAR_URL: url })).trim().split(" ");
    await callAsDocumented({ BURSAR_URL: exported[0], BURSAR_KEY: exported[1] });
    const key = /^echo "OPENAI_API_KEY=(.+?)"/.exec(keyLine)?.[1];
    expect(provider.calls.at(-1)?.headers.authorization).toBe(`Bearer ${key}`);
    // Asked again, it makes another admin key rather than fail.
    expect(await copy.sh(init, { BURSAR_URL: url })).toBe("");
    await copy.stop();
  }, 180_000);

  it("is as the documents say by npm start, with the same secrets and every other line of .dev.vars", async () => {
    const before = readFileSync(settings, "utf8");
    // A setting that is neither a secret nor the gateway's.
    const receiver = "http://127.0.0.1:9";
    appendFileSync(settings, `BURSAR_WEBHOOK_ORIGINS=${receiver}\n`);
    const port = await freePort();
    const printed = await copy.start(`${startLine} -- --port ${port} --data pools`, (said) =>
      said.includes("/reservations"),
    );
    const url = `http://127.0.0.1:${port}`;
    expect(printed).toContain(`${url}/dashboard/`);
    expect(printed).toContain(`${url}/docs`);
    expect(printed).toContain("has a key for OpenAI\n");
    const [, BURSAR_URL = "", BURSAR_KEY = ""] = /BURSAR_URL=(\S+) BURSAR_KEY=(\S+)/.exec(printed) ?? [];
    expect(BURSAR_URL).toBe(url);
    await callAsDocumented({ BURSAR_URL, BURSAR_KEY });
    expect(readFileSync(settings, "utf8").startsWith(before)).toBe(true);
    expect(await copy.sh(`npx bursar webhooks add ${receiver}/hook`, { BURSAR_URL, BURSAR_KEY })).toMatch(/^whsec_/);
    await copy.stop();
  }, 180_000);
});
