/** Loans between agents, over a span of the journal. */
import type { JournalEvent } from "../../../src/protocol/journal.ts";
import { ownerOf } from "./history.ts";

export type Flow = { readonly from: string | null; readonly to: string; readonly amount: number };

/** What moved between each pair of agents, the largest first. `owners` gives the agent of a reservation. */
export function flowsIn(events: readonly JournalEvent[], owners: ReadonlyMap<string, string>): Flow[] {
  const sums = new Map<string, Flow>();
  for (const event of events) {
    if (!("transfers" in event) || event.transfers.length === 0) continue;
    const to = ownerOf(event, owners);
    if (to === undefined) continue;
    for (const { from, amount } of event.transfers) {
      const name = `${from ?? ""}\n${to}`;
      sums.set(name, { from, to, amount: amount + (sums.get(name)?.amount ?? 0) });
    }
  }
  return [...sums.values()].sort((a, b) => b.amount - a.amount);
}
