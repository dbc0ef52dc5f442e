/** What a pool warns of. */

/** `agent: null` is the pool. Amounts are in the pool's unit. */
export type Warning =
  /** So much of the budget is consumed: of the pool's total, or of what the agent's contract gives it. */
  | {
      readonly warning: "threshold";
      readonly agent: string | null;
      readonly percent: number;
      readonly consumed: number;
      readonly budget: number;
    }
  /** The agent was confident enough; its gate is closed. */
  | { readonly warning: "gate_closed"; readonly agent: string; readonly confidence: number }
  /** The agent used more than it and all who could give to it had. */
  | { readonly warning: "overage"; readonly agent: string; readonly overage: number }
  /** Going on as since the period began, the budget is consumed at `exhausts_at`, before `ends_at`. */
  | {
      readonly warning: "burn_rate";
      readonly agent: string | null;
      readonly consumed: number;
      readonly budget: number;
      readonly exhausts_at: number;
      readonly ends_at: number;
    };
