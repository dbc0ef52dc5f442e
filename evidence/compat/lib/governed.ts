/** The governor that clients run against, started as its users start it, and its books. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGovernor } from "../../../test/support/governor.ts";
import { providerKeys } from "../stand-in/server.ts";
import type { Rates } from "./expected.ts";

export type Unit = "tokens" | "microusd";
export const units: readonly Unit[] = ["tokens", "microusd"];

/** Far above what a client may hold at once: several calls of 128,000 tokens of the dearest model. */
const plenty: Readonly<Record<Unit, number>> = { tokens: 100_000_000, microusd: 1_000_000_000 };
/** Round figures, as humans choose them. */
const little: Readonly<Record<Unit, number>> = { tokens: 5_000, microusd: 5_000_000 };

export type Books = { readonly consumed: number; readonly held: number };

export type Governed = {
  readonly url: string;
  /** Makes a pool with one agent; resolves to the agent's key. With `isUsedUp` its whole budget is spent. */
  pool(name: string, unit: Unit, isUsedUp?: boolean): Promise<string>;
  /** The key of a pool's agent. */
  keyOf(pool: string): string;
  books(pool: string): Promise<Books>;
  /** The price in force; undefined for a model without one. */
  priceOf(model: string): Promise<Rates | undefined>;
  setPrice(model: string, rates: Rates): Promise<void>;
  stop(): Promise<void>;
};

export async function startGoverned(standIn: string): Promise<Governed> {
  const directory = mkdtempSync(join(tmpdir(), "bursar-compat-"));
  const governor = await startGovernor(directory, {
    settings: {
      OPENAI_API_KEY: providerKeys.openai,
      OPENAI_UPSTREAM: `${standIn}/v1`,
      ANTHROPIC_API_KEY: providerKeys.anthropic,
      ANTHROPIC_UPSTREAM: standIn,
      GEMINI_API_KEY: providerKeys.gemini,
      GEMINI_UPSTREAM: standIn,
    },
  }).catch((error: unknown) => {
    rmSync(directory, { recursive: true, force: true });
    throw error;
  });
  const keys = new Map<string, string>();
  const admin = readFileSync(join(directory, "data/admin-key"), "utf8").trim();

  async function ask(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${governor.url}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${admin}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = (await response.json()) as Record<string, unknown>;
    if (!response.ok) throw new Refused(response.status, `${method} ${path}: ${JSON.stringify(answer)}`);
    return answer;
  }

  return {
    url: governor.url,
    async pool(name, unit, isUsedUp = false) {
      const budget = (isUsedUp ? little : plenty)[unit];
      await ask("PUT", `/pools/${name}`, { unit, budget });
      await ask("PUT", `/pools/${name}/agents/agent`, { priority: 1, [`max_${unit}`]: budget });
      if (isUsedUp) await ask("POST", `/pools/${name}/usage`, { agent: "agent", [unit]: budget });
      const { key } = await ask("POST", "/keys", { scope: "gateway", pool: name, agent: "agent" });
      keys.set(name, String(key));
      return String(key);
    },
    keyOf: (name) => keys.get(name) ?? "",
    async books(pool) {
      const { consumed, held } = await ask("GET", `/pools/${pool}/report`);
      return { consumed: Number(consumed), held: Number(held) };
    },
    async priceOf(model) {
      try {
        return (await ask("GET", `/prices/${encodeURIComponent(model)}`)) as Rates;
      } catch (error) {
        if (error instanceof Refused && error.status === 404) return undefined;
        throw error;
      }
    },
    async setPrice(model, rates) {
      await ask("PUT", `/prices/${encodeURIComponent(model)}`, rates);
    },
    async stop() {
      await governor.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
