/** `bursar doctor`: checks a deployment. */
import { Command } from "commander";
import { Bursar, BursarError } from "../client/index.ts";
import { addressOf, show, table } from "./output.ts";

type WrongSetting = { readonly field: string; readonly message: string };

type Finding = {
  readonly check: string;
  readonly ok: boolean;
  readonly detail: string;
  /** As the command line's other exit codes: 2 for what is found, 3 for a governor that can't answer, 4 for keys. */
  readonly code: number;
};

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
      if (findings[0]?.code !== 3) {
        const bursar = new Bursar({ url, key, retries: 0 });
        findings.push(
          await check("a forged key is refused", () => refusesForged(url)),
          await check("the key is taken", () => takesKey(bursar, pool)),
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
      // The gravest: a governor that can't answer before a key that is not taken before what an audit found.
      process.exitCode = [3, 4, 2].find((code) => findings.some((finding) => finding.code === code)) ?? 0;
    });
}

async function check(what: string, run: () => Promise<string>): Promise<Finding> {
  try {
    return { check: what, ok: true, detail: await run(), code: 0 };
  } catch (error) {
    return {
      check: what,
      ok: false,
      detail: error instanceof Error ? error.message : String(error),
      code: codeOf(error),
    };
  }
}

function codeOf(error: unknown): number {
  if (error instanceof UnansweredError) return 3;
  if (!(error instanceof BursarError)) return 2;
  if (error.status === 0 || error.status >= 500) return 3;
  return error.status === 401 || error.status === 403 ? 4 : 2;
}

/** The governor can't be reached, or is not configured. */
class UnansweredError extends Error {}

async function isUp(url: string): Promise<string> {
  const began = performance.now();
  const response = await fetch(new URL("/healthz", url)).catch((cause: unknown) => {
    throw new UnansweredError(`nothing answers at ${url}: ${cause instanceof Error ? cause.message : String(cause)}`);
  });
  const health = (await response.json().catch(() => ({}))) as { detail?: string; errors?: readonly WrongSetting[] };
  if (!response.ok) throw new UnansweredError(health.detail ?? `/healthz answers ${response.status}`);
  const wrong = (health.errors ?? []).map(({ field, message }) => `${field} ${message}`);
  if (wrong.length > 0) throw new Error(`settings that can't be used: ${wrong.join("; ")}`);
  return `answers in ${Math.round(performance.now() - began)} ms`;
}

/** A well-formed key with a forged signature must be refused. Missing secrets show here, too, as a 503. */
async function refusesForged(url: string): Promise<string> {
  const forged = new Bursar({ url, key: `bursar_e30.${"A".repeat(43)}`, retries: 0 });
  try {
    await forged.pools();
  } catch (error) {
    if (error instanceof BursarError && error.code === "unauthorized") return "401";
    throw error;
  }
  throw new Error("a forged key was accepted");
}

/** Lists the pools, or reads a named one: a key that is bound to a pool can't list. */
async function takesKey(bursar: Bursar, [named]: readonly string[] = []): Promise<string> {
  if (named !== undefined) return `it sees event ${(await bursar.pool(named).ledger()).seq} of ${named}`;
  return `${(await bursar.pools()).length} pools are listed`;
}

async function listsTenants(url: string, key: string): Promise<string> {
  return `${(await new Bursar({ url, key, retries: 0 }).tenants.list()).length} tenants`;
}

async function audits(bursar: Bursar, name: string): Promise<string> {
  const { ok, seq, rows, findings } = await bursar.pool(name).audit();
  if (!ok) throw new Error(findings.join("; "));
  return `clean: ${seq} events in ${rows} rows`;
}
