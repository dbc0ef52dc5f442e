/**
 * Lively traffic to watch: a team at work for as long as it is let, asking, holding, using, running short,
 * lending, growing sure of itself and being given a new task. By chance, but the same chance for the same seed.
 */
import { BudgetExceededError, type Pool, UnreachableError } from "../../src/client/index.ts";

type Member = {
  readonly priority: number;
  readonly max: number;
  readonly appetite: number;
  readonly threshold?: number;
};

/** Higher is more important; `appetite` is how much it asks for at a time. */
export const team: Readonly<Record<string, Member>> = {
  planner: { priority: 9, max: 30_000, appetite: 900 },
  researcher: { priority: 7, max: 40_000, appetite: 2_600, threshold: 0.9 },
  "fact-checker": { priority: 6, max: 20_000, appetite: 1_300, threshold: 0.85 },
  writer: { priority: 5, max: 40_000, appetite: 1_800 },
  editor: { priority: 4, max: 60_000, appetite: 1_000 },
  translator: { priority: 3, max: 80_000, appetite: 700 },
  critic: { priority: 2, max: 80_000, appetite: 500 },
  archivist: { priority: 1, max: 50_000, appetite: 150 },
};

export type TrafficOptions = {
  readonly seed?: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** How many times as fast as people would. */
  readonly pace?: number;
};

/** Registers the team in `pool`, and lets it work until the signal ends it. */
export async function work(pool: Pool, { seed = 7, signal, pace = 1 }: TrafficOptions): Promise<void> {
  await pool.configure({ budget: 410_000, journal_refusals: true });
  for (const [name, { priority, max, threshold }] of Object.entries(team)) {
    await pool.register(name, {
      priority,
      max_tokens: max,
      ...(threshold === undefined ? {} : { confidence_threshold: threshold }),
    });
  }
  const members = Object.entries(team).map(([name, member], index) => newMember(pool, name, member, seed + index));
  await Promise.all(members.map((one) => one(signal, pace)));
}

function newMember(pool: Pool, name: string, { appetite }: Member, seed: number) {
  const chance = chanceFrom(seed);
  let sure = 0;
  /** One call of a model: held, used, and booked, or not. */
  async function call(signal: AbortSignal, pace: number): Promise<void> {
    const asked = Math.round(appetite * (0.5 + 1.5 * chance()));
    const hold = await pool.reserve(name, asked, { at_least: Math.ceil(asked / 4), ttl_ms: 12_000 });
    await pause((600 + 3_400 * chance()) / pace, signal);
    const luck = chance();
    // Now and then an agent never comes back, changes its mind, or needs more than it thought.
    if (luck < 0.02) return;
    if (luck < 0.07) {
      await hold.release();
      return;
    }
    sure = Math.min(1, sure + 0.06 * chance());
    const used = Math.round(hold.granted * (luck > 0.97 ? 1.15 : 0.55 + 0.45 * chance()));
    await hold.commit(used, { confidence: sure });
  }

  return async (signal: AbortSignal, pace: number): Promise<void> => {
    while (!signal.aborted) {
      try {
        await call(signal, pace);
      } catch (error) {
        if (signal.aborted) return;
        // A governor that is busy or restarts is asked again later; what was held comes back with its lease.
        if (error instanceof UnreachableError) {
          await pause(2_000, signal);
          continue;
        }
        if (!(error instanceof BudgetExceededError)) throw error;
        await pause(3_000 / pace, signal);
        if (error.code === "confidence_reached") {
          sure = 0;
          await pool.agent(name).reopen();
        }
        // The pool is topped up before every agent starves.
        else if (error.code === "budget_exceeded" && chance() < 0.25) await pool.fund(20_000);
      }
      await pause((200 + 2_200 * chance()) / pace, signal);
    }
  };
}

/** Numbers from 0 to 1, the same for the same seed (Park and Miller's). */
function chanceFrom(seed: number): () => number {
  let state = seed * 48_271 + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
