/** Events in words: what an agent did, with which budget, and why other agents lent. */
import { available, type Pool } from "../../../src/engine/state.ts";
import type { JournalEvent } from "../../../src/protocol/journal.ts";
import type { Transfer } from "../../../src/protocol/reservation.ts";
import type { Unit } from "../../../src/protocol/unit.ts";
import type { Donor } from "../../../src/protocol/usage.ts";
import type { Warning } from "../../../src/protocol/warning.ts";
import { amount, percent } from "../format.ts";

/** A line for a list. */
export function lineOf(event: JournalEvent, unit: Unit, owner?: string): string {
  const of = (value: number): string => amount(value, unit);
  switch (event.type) {
    case "configured":
      return `The pool counts ${event.settings.unit}, ${event.settings.budget === null ? "without a budget" : `with a budget of ${of(event.settings.budget)}`}`;
    case "funded":
      return event.amount < 0
        ? `${of(-event.amount)} taken out of the unallocated budget`
        : `${of(event.amount)} put into the unallocated budget`;
    case "registered":
      return `${event.agent}: priority ${event.contract.priority}, ${of(event.contract.max)}`;
    case "closing":
      return `${event.agent} is closing: no new reserves`;
    case "closed":
      return `${event.agent} was closed; ${of(event.unspent)} unspent`;
    case "reopened":
      return `${event.agent}'s gate is open again`;
    case "paused":
      return `${event.agent ?? "The pool"} is paused`;
    case "resumed":
      return `${event.agent ?? "The pool"} is resumed`;
    case "reset":
      return `${event.agent} was reset: nothing consumed`;
    case "period_started":
      return `Period ${event.number} begins with ${of(event.total)}; the last one used ${of(event.ended.consumed)} of ${of(event.ended.total)}`;
    case "agent_period_started":
      return `Period ${event.number} of ${event.agent} begins; in the last one it used ${of(event.ended.consumed)}`;
    case "clock_corrected":
      return `The clock was ${Math.round(event.by / 1_000)} s ahead, and was corrected`;
    case "warned":
      return warningOf(event, of);
    case "reserved":
      return `${event.agent} holds ${of(event.granted)}${event.granted < event.asked ? ` of ${of(event.asked)} asked` : ""}${moved(event.transfers, unit)}`;
    case "committed":
      return `${owner ?? "A call"} used ${of(event.amount)}${event.overage > 0 ? `, ${of(event.overage)} of it overage` : ""}${event.late === true ? ", late" : ""}${moved(event.transfers, unit)}`;
    case "released":
      return `${owner ?? "A call"} released its hold`;
    case "extended":
      return `${owner ?? "A call"} extended its lease`;
    case "expired":
      return `${owner ?? "A call"}'s lease ended${event.charged > 0 ? `; ${of(event.charged)} charged` : ""}`;
    case "recorded":
      return `${event.agent} used ${of(event.amount)} without a hold${moved(event.transfers, unit)}`;
    case "reallocated":
      return `${event.agent} was given ${of(sum(event.transfers))} ahead of need${moved(event.transfers, unit)}`;
    case "refused":
      return `${event.agent ?? "An agent"} was refused to ${event.op}: ${event.code.replaceAll("_", " ")}`;
  }
}

function warningOf(warning: Warning, of: (value: number) => string): string {
  const { agent } = warning;
  switch (warning.warning) {
    case "threshold":
      return `${agent ?? "The pool"} has used ${warning.percent}% of its budget: ${of(warning.consumed)} of ${of(warning.budget)}`;
    case "gate_closed":
      return `${agent} reached its confidence threshold (${warning.confidence}); its gate is closed`;
    case "overage":
      return `${agent} used ${of(warning.overage)} more than the budget could cover`;
    case "burn_rate":
      return `At this rate, ${agent ?? "the pool"} will exhaust its budget before the period ends`;
  }
}

function moved(transfers: readonly Transfer[], unit: Unit): string {
  if (transfers.length === 0) return "";
  const [first] = transfers;
  const from = transfers.length === 1 ? (first?.from ?? "the unallocated budget") : `${transfers.length} lenders`;
  return `, ${amount(sum(transfers), unit)} of it from ${from}`;
}

function sum(transfers: readonly Transfer[]): number {
  return transfers.reduce((total, transfer) => total + transfer.amount, 0);
}

/** Why an agent was refused, judged by the current state of `pool`. */
export function whyRefused(code: string, pool: Pool, name: string | null): string {
  const agent = name === null ? undefined : pool.agents.get(name);
  switch (code) {
    case "budget_exceeded":
      return agent === undefined
        ? "no budget was left for it"
        : `no agent could lend enough; it had ${amount(available(agent), pool.settings?.unit ?? "tokens")} available`;
    case "confidence_reached":
      return "it reached its confidence threshold: its gate is closed";
    case "paused":
      return "it is paused";
    case "too_many_reserves":
      return "it reached its rate limit of reserves in a minute";
    case "agent_closing":
      return "it is closing";
    default:
      return code.replaceAll("_", " ");
  }
}

/** A lender's state when it was asked to lend. */
export type Lender = { readonly priority: number; readonly gate: "open" | "closed"; readonly used: number };

/**
 * Explains a decision: what the agent had, what was missing, and why each of the lenders was asked.
 * `before` is the state just before the event.
 */
export function explain(
  event: JournalEvent,
  unit: Unit,
  before: {
    readonly available: number;
    /** What the committed reservation held. */
    readonly held: number;
    readonly lender: (agent: string) => Lender | undefined;
  },
  owner?: string,
): string {
  const of = (value: number): string => amount(value, unit);
  if (!("transfers" in event)) return `${lineOf(event, unit, owner)}.`;
  if (event.type === "committed" && event.amount <= before.held) {
    const back = before.held - event.amount;
    const rest = back === 0 ? "" : `; ${of(back)} went back`;
    return `${owner ?? "The agent"} used ${of(event.amount)} of the ${of(before.held)} it held${rest}.`;
  }
  const agent = event.type === "committed" ? (owner ?? "The agent") : event.agent;
  const asked = event.type === "reserved" || event.type === "reallocated" ? event.asked : event.amount;
  const verb = event.type === "reserved" ? "asked for" : event.type === "reallocated" ? "was to be given" : "used";
  const beyond = event.type === "committed" ? `, of which ${of(before.held)} were held,` : "";
  const parts = [`${agent} ${verb} ${of(asked)}${beyond} and had ${of(before.available)} available`];
  if (event.transfers.length === 0) parts.push("no agent had to lend");
  for (const { from, amount: given } of event.transfers) {
    if (from === null) {
      parts.push(`${of(given)} came from the pool's unallocated budget, which gives first`);
      continue;
    }
    const donors: readonly Donor[] = event.type === "reallocated" ? event.donors : [];
    const known = donors.find((donor) => donor.agent === from);
    const lender = before.lender(from);
    const priority = known?.priority ?? lender?.priority;
    const why = [
      ...(priority === undefined ? [] : [`priority ${priority}`]),
      ...((known?.gate ?? lender?.gate) === "closed" ? ["its gate closed"] : []),
      ...(lender === undefined ? [] : [lender.used < 0.005 ? "idle" : `${percent(lender.used)} used`]),
    ];
    parts.push(`${of(given)} came from ${from} (${why.join(", ")})`);
  }
  if (event.type === "reserved" && event.granted < event.asked)
    parts.push(`so it holds ${of(event.granted)}, which it said would do`);
  if ("overage" in event && event.overage > 0) parts.push(`${of(event.overage)} could not be covered and is overage`);
  return `${parts.join("; ")}.`;
}
