/** What is measured of every alternative: a reserve and its commit, for an agent that has budget. */
export type Governor = {
  /** Holds `amount` of the agent's budget under `id`; the same id again changes nothing. Throws if there isn't enough. */
  reserve(id: string, agent: string, amount: number): Promise<void>;
  /** Books what was used, and gives the rest back. */
  commit(id: string, amount: number): Promise<void>;
  stop(): Promise<void>;
};

/** The agent that spends in every benchmark, and what it has. */
export const agent = "swarm";
export const budget = 1_000_000_000_000;
