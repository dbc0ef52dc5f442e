/** `bursar doctor`: is a deployment in order? */
import { Command } from "commander";
import { Bursar, BursarError } from "../client/index.ts";
import { addressOf, show, table } from "./output.ts";

type Finding = { readonly check: string; readonly ok: boolean; readonly detail: string };

/** Audits take time on long journals; a tenant with more pools than this names those to look at. */
const poolsMax = 25;

export function doctor(): Command {
  return new Command("doctor")
    .description("check a deployment: reachable, secrets sane, forged keys refused, audits clean")
    .option("--pool <pool...>", `audit these pools (default: the first ${poolsMax})`)
    .option("--operator-token <token>", "also check what the operator sees (default: BURSAR_OPERATOR_TOKEN)")
    .action(async ({ pool, operatorToken }: { pool?: string[]; operatorToken?: string }, self: Command) => {
      const { url, key } = addressOf(self);
      const findings = [await check("reachable", () => isUp(url))];
      if (findings[0]?.ok === true) {
        const bursar = new Bursar({ url, key, retries: 0 });
        findings.push(
          await check("a forged key is refused", () => refusesForged(url)),
          await check("the key is taken", async () => `${(await bursar.pools()).length} pools are listed`),
        );
        const token = operatorToken ?? process.env["BURSAR_OPERATOR_TOKEN"];
        if (token !== undefined)
          findings.push(await check("the operator's token is taken", () => listsTenants(url, token)));
        const names = pool ?? (await bursar.pools().catch(() => [])).slice(0, poolsMax).map(({ name }) => name);
        for (const name of names) findings.push(await check(`audit of ${name}`, () => audits(bursar, name)));
      }
      show(self, findings, () =>
        table(
          ["", "CHECK", "FOUND"],
          findings.map(({ ok, check: what, detail }) => [ok ? "ok" : "FAILED", what, detail]),
        ),
      );
      if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
    });
}

async function check(what: string, run: () => Promise<string>): Promise<Finding> {
  try {
    return { check: what, ok: true, detail: await run() };
  } catch (error) {
    return { check: what, ok: false, detail: error instanceof Error ? error.message : String(error) };
  }
}

async function isUp(url: string): Promise<string> {
  const began = performance.now();
  const response = await fetch(new URL("/healthz", url)).catch((cause: unknown) => {
    throw new Error(`nothing answers at ${url}: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  if (!response.ok) throw new Error(`/healthz answers ${response.status}`);
  return `answers in ${Math.round(performance.now() - began)} ms`;
}

/** A key with our prefix and a signature of nobody's. Misconfigured secrets show here too, as a 503. */
async function refusesForged(url: string): Promise<string> {
  const forged = new Bursar({ url, key: `bursar_e30.${"A".repeat(43)}`, retries: 0 });
  try {
    await forged.pools();
  } catch (error) {
    if (error instanceof BursarError && error.code === "unauthorized") return "401";
    throw error;
  }
  throw new Error("a forged key was let in");
}

async function listsTenants(url: string, key: string): Promise<string> {
  return `${(await new Bursar({ url, key, retries: 0 }).tenants.list()).length} tenants`;
}

async function audits(bursar: Bursar, name: string): Promise<string> {
  const { ok, seq, rows, findings } = await bursar.pool(name).audit();
  if (!ok) throw new Error(findings.join("; "));
  return `clean: ${seq} events in ${rows} rows`;
}
