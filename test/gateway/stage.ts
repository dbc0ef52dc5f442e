/** The Worker on plain workerd, the providers' stand-in behind it, and pools to spend from. */

import { Bursar, type ContractOptions, type Pool, type PoolOptions } from "../../src/client/index.ts";
import type { JournalEvent } from "../../src/protocol/journal.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { key as adminKey, keyFor, startWorkerd, type Workerd } from "../support/workerd.ts";

/** The secrets of the Worker that pay for calls; they must come out nowhere. */
export const payingKeys = {
  OPENAI_API_KEY: "sk-the-workers-own-openai",
  ANTHROPIC_API_KEY: "sk-the-workers-own-anthropic",
};

/** Leases and silences of a test are short. */
export const ttlMs = 1_500;
export const silenceMs = 700;

export type Stage = {
  readonly url: string;
  readonly provider: Provider;
  readonly bursar: Bursar;
  /** A new pool with one agent, and a key that may call models as that agent and do nothing else. */
  newPool(
    contract?: Partial<ContractOptions>,
    settings?: PoolOptions,
  ): Promise<{ readonly pool: Pool; readonly key: string }>;
  /** Ends the Worker without warning, and starts it again on the same data. */
  kill(): Promise<void>;
  stop(): Promise<void>;
};

export async function startStage(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const provider = await startProvider();
  let workerd: Workerd = await startWorkerd(
    { bursar: "PoolObject" },
    {
      isQuiet: true,
      reachesThisMachine: true,
      settings: {
        OPENAI_UPSTREAM: `${provider.url}/v1`,
        ANTHROPIC_UPSTREAM: provider.url,
        BURSAR_GATEWAY_TTL_MS: String(ttlMs),
        BURSAR_GATEWAY_SILENCE_MS: String(silenceMs),
        BURSAR_LOG: "none",
        ...payingKeys,
        ...settings,
      },
    },
  );
  const url = workerd.urls.bursar;
  const bursar = new Bursar({ url, key: adminKey, transport: "fetch" });
  let pools = 0;
  return {
    url,
    provider,
    bursar,
    newPool: async (contract = {}, given = {}) => {
      const { unit = "tokens" } = given;
      const pool = bursar.pool(`pool-${pools++}`, { unit });
      await pool.configure(given);
      const max = unit === "tokens" ? { max_tokens: 100_000 } : { max_microusd: 10_000_000 };
      await pool.register("writer", { priority: 1, ...max, ...contract });
      return { pool, key: await keyFor({ scope: "gateway", pool: pool.name, agent: "writer" }) };
    },
    kill: async () => {
      workerd = await workerd.restart();
    },
    stop: async () => {
      provider.stop();
      bursar.close();
      await workerd.stop();
    },
  };
}

/** What each dialect's caller sends: its path, and a body that asks for `model`. */
export const dialects = {
  chat: {
    path: "/openai/v1/chat/completions",
    body: (model: string) => ({ model, messages: [{ role: "user", content: "hello there" }], max_tokens: 60 }),
  },
  responses: {
    path: "/openai/v1/responses",
    body: (model: string) => ({ model, input: "hello there", max_output_tokens: 60 }),
  },
  messages: {
    path: "/anthropic/v1/messages",
    body: (model: string) => ({ model, messages: [{ role: "user", content: "hello there" }], max_tokens: 60 }),
  },
} as const;
export type DialectName = keyof typeof dialects;

/** A call as an SDK would make it. */
export function call(
  { url }: Stage,
  key: string,
  dialect: DialectName,
  model: string,
  { body = {}, headers = {}, signal }: { body?: object; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  const { path, body: plain } = dialects[dialect];
  return fetch(`${url}${path}`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json", ...headers },
    body: JSON.stringify({ ...plain(model), ...body }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** The agent's books. */
export async function books(pool: Pool, agent = "writer") {
  const { consumed, held, overage, gate, confidence, open_reservations: open } = await pool.agent(agent).view();
  return { consumed, held, overage, gate, confidence, open };
}

/** Waits until no call of the agent's is open; throws if one stays so for longer than its lease. */
export async function settled(pool: Pool, agent = "writer") {
  const until = Date.now() + ttlMs + silenceMs + 5_000;
  for (;;) {
    const view = await books(pool, agent);
    if (view.open === 0) return view;
    if (Date.now() > until) throw new Error(`a call of ${pool.name} is open beyond its lease`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The events of one kind in the pool's journal. */
export async function eventsOf<Type extends JournalEvent["type"]>(
  pool: Pool,
  type: Type,
): Promise<Extract<JournalEvent, { type: Type }>[]> {
  const { events } = await pool.journal();
  return events.filter((event): event is Extract<JournalEvent, { type: Type }> => event.type === type);
}
