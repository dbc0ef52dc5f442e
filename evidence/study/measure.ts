/** What a policy made of a budget: figures that somebody who pays, or waits, would ask for. */
import { costOf, type Fleet, type Tier } from "./fleet.ts";
import type { Outcome, Played } from "./simulate.ts";

/** Shares are of 1. "Work": tokens of calls that were useful and ended whole. */
export type Measures = {
  /** Work of important agents that was done. */
  readonly important: number;
  readonly usual: number;
  readonly least: number;
  /** All work, weighted by priority. */
  readonly weighted: number;
  /** The share of its work that the worst served agent got done. */
  readonly worst: number;
  /** Budget that was left although calls were refused. */
  readonly stranded: number;
  /** Spent beyond the budget. */
  readonly overspent: number;
  /** Calls refused for budget. */
  readonly refused: number;
  /** Spent on calls that added nothing, or whose answers were cut. */
  readonly wasted: number;
  /** Seconds that those who waited and went waited, on average. */
  readonly waited: number;
};

export const measureNames = [
  "important",
  "usual",
  "least",
  "weighted",
  "worst",
  "stranded",
  "overspent",
  "refused",
  "wasted",
  "waited",
] as const satisfies readonly (keyof Measures)[];

export function measure({ agents }: Fleet, { outcomes, spent }: Played, budget: number): Measures {
  const share = (of: (outcome: Outcome) => number, all: readonly Outcome[]): number => {
    const wanted = sum(all, of);
    return wanted === 0 ? 1 : sum(all.filter(isDone), of) / wanted;
  };
  const useful = outcomes.filter(({ call }) => call.isUseful);
  const ofTier = (tier: Tier): number =>
    share(
      tokens,
      useful.filter(({ call }) => call.agent.tier === tier),
    );
  const byAgent = agents.map((agent) =>
    share(
      tokens,
      useful.filter(({ call }) => call.agent === agent),
    ),
  );
  const denied = outcomes.filter(({ ending }) => ending === "refused").length;
  const waited = outcomes.filter(({ ending, waitedMs }) => waitedMs > 0 && ending !== "refused");
  const added = sum(useful.filter(isDone), tokens);
  return {
    important: ofTier("important"),
    usual: ofTier("usual"),
    least: ofTier("least"),
    weighted: share((outcome) => tokens(outcome) * outcome.call.agent.priority, useful),
    worst: Math.min(...byAgent),
    stranded: denied === 0 ? 0 : Math.max(0, budget - spent) / budget,
    overspent: Math.max(0, spent - budget) / budget,
    refused: denied / outcomes.length,
    wasted: Math.max(0, spent - added) / spent,
    waited: waited.length === 0 ? 0 : sum(waited, ({ waitedMs }) => waitedMs) / waited.length / 1_000,
  };
}

function isDone({ ending }: Outcome): boolean {
  return ending === "done";
}

function tokens({ call }: Outcome): number {
  return costOf(call);
}

function sum(outcomes: readonly Outcome[], of: (outcome: Outcome) => number): number {
  return outcomes.reduce((total, outcome) => total + of(outcome), 0);
}
