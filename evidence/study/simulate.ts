/** Lets a fleet make its calls under a policy: events in the order of their times, no clock but theirs. */
import { Heap } from "../../src/engine/heap.ts";
import { type Call, costOf, type Fleet } from "./fleet.ts";
import type { Answer, Policy } from "./policies/policy.ts";

/** How a call ended. `cut`: its answer was longer than what was granted, and is of no use. */
export type Ending = "done" | "cut" | "refused" | "gated";

export type Outcome = { readonly call: Call; readonly ending: Ending; readonly waitedMs: number };
export type Played = { readonly outcomes: readonly Outcome[]; readonly spent: number };

/** A call takes this long, and so much for each token of its answer: about 65 tokens a second. */
const startMs = 300;
const tokenMs = 15;
/** Callers in line wait this long. */
const waitMs = 60_000;

type Event = { readonly at: number; readonly order: number; readonly happens: () => void };

export function simulate(fleet: Fleet, policy: Policy, budget: number): Played {
  const governor = policy.govern(fleet, budget);
  const events = new Heap<Event>((a, b) => (a.at === b.at ? a.order < b.order : a.at < b.at));
  const outcomes: Outcome[] = [];
  const waiting = new Map<Call, number>();
  let order = 0;
  let now = 0;
  const schedule = (at: number, happens: () => void): void => events.push({ at, order: order++, happens });

  const go = (call: Call, granted: number): void => {
    const answer = Math.min(call.answer, Math.max(0, granted - call.prompt));
    const waitedMs = now - (waiting.get(call) ?? now);
    waiting.delete(call);
    outcomes.push({ call, ending: answer < call.answer ? "cut" : "done", waitedMs });
    schedule(now + startMs + tokenMs * answer, () => {
      const served = governor.end(call, costOf({ prompt: call.prompt, answer }), now);
      for (const next of served) answered(next.call, next.answer);
    });
  };
  const giveUp = (call: Call): void => {
    if (!waiting.has(call)) return;
    waiting.delete(call);
    governor.giveUp(call, now);
    outcomes.push({ call, ending: "refused", waitedMs: waitMs });
  };
  const answered = (call: Call, answer: Answer): void => {
    if (answer.kind === "goes") return go(call, answer.granted);
    if (answer.kind === "waits") {
      waiting.set(call, now);
      schedule(now + waitMs, () => giveUp(call));
      return;
    }
    outcomes.push({ call, ending: answer.kind, waitedMs: now - (waiting.get(call) ?? now) });
    waiting.delete(call);
  };
  const arrive = (call: Call): void => {
    if (call.isFirstOfTask) governor.begin(call, now);
    answered(call, governor.ask(call, now));
  };

  for (const call of fleet.calls) schedule(call.at, () => arrive(call));
  for (let event = events.pop(); event !== undefined; event = events.pop()) {
    now = event.at;
    event.happens();
  }
  if (outcomes.length !== fleet.calls.length) throw new Error("a call has not ended, or ended twice");
  return { outcomes, spent: governor.spent() };
}
