/** What if: the same calls under flat caps, one shared budget, or other contracts, and which agents would have starved. */
import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { brief, count, percent } from "../format.ts";
import type { PoolFeed } from "../model/pool-feed.ts";
import { type Plan, plansIn, play, type Replay, type Rules } from "../model/what-if.ts";
import { Empty } from "./states.tsx";

/** Calls that are replayed; more would keep the page busy for too long. */
const most = 50_000;
/** By which the first of them moves on, when there are more. */
const step = 10_000;
/** Agents that are shown; more would be no table that one reads. */
const agentsMost = 100;

type Played = Readonly<Record<Rules, ReadonlyMap<string, Replay>>>;

export function WhatIfTab({ live }: { readonly live: PoolFeed }) {
  // Read, so that agents that come later are in it.
  const last = live.slowVersion.value >= 0 ? live.history.last : 0;
  const tooMany = last - live.history.base - most;
  // In steps: what is played must not begin elsewhere with every event.
  const first = live.history.base + Math.max(0, Math.ceil(tooMany / step) * step);
  const start = useMemo(() => live.history.at(first), [live, first]);
  const played = useSignal<Played | undefined>(undefined);
  const edited = useSignal<ReadonlyMap<string, Plan>>(new Map());
  const events = live.history.events.slice(first - live.history.base);
  const plans = new Map([...plansIn(start, events), ...edited.value]);
  const run = (): void => {
    const under = (rules: Rules) => play(start, events, edited.value, rules, live.unit);
    played.value = { governed: under("governed"), flat: under("flat"), shared: under("shared") };
  };
  const change = (agent: string, field: keyof Plan, value: number): void => {
    const plan = plans.get(agent);
    if (plan === undefined || !Number.isSafeInteger(value) || value < 0) return;
    edited.value = new Map(edited.value).set(agent, { ...plan, [field]: value });
    played.value = undefined;
  };
  if (plans.size === 0) return <Empty text="No agents yet: nothing to replay." />;
  return (
    <section class="card" aria-labelledby="what-if">
      <div class="title">
        <h2 id="what-if">What if</h2>
        <button type="button" class="primary" onClick={run}>
          Play {count(events.length)} events
        </button>
      </div>
      <p class="note">
        Every call asks for what it asked for, and uses what it used, in the same order: under these contracts with
        budget that flows, under the same as flat caps, and out of one shared pot. Change a number and play again. Calls
        that were refused then are not asked again: the journal has no amount of theirs.
        {first > 0 ? ` Played from event ${count(first + 1)} on, from what was left then.` : ""}
        {plans.size > agentsMost ? ` The first ${agentsMost} of ${count(plans.size)} agents are shown.` : ""}
      </p>
      <PlanTable plans={plans} played={played.value} change={change} live={live} />
    </section>
  );
}

type PlanTableProps = {
  readonly plans: ReadonlyMap<string, Plan>;
  readonly played: Played | undefined;
  readonly change: (agent: string, field: keyof Plan, value: number) => void;
  readonly live: PoolFeed;
};

function PlanTable({ plans, played, change, live }: PlanTableProps) {
  return (
    <div class="wide">
      <table class="plans">
        <caption class="unseen">Contracts, and the outcome of each agent's calls</caption>
        <thead>
          <tr>
            <th scope="col">Agent</th>
            <th scope="col">Priority</th>
            <th scope="col">Budget</th>
            <th scope="col">Min reserve</th>
            <th scope="col" class="number">
              Flowing
            </th>
            <th scope="col" class="number">
              Flat caps
            </th>
            <th scope="col" class="number">
              Shared pot
            </th>
          </tr>
        </thead>
        <tbody>
          {[...plans].slice(0, agentsMost).map(([agent, plan]) => (
            <tr key={agent}>
              <th scope="row">{agent}</th>
              {(["priority", "max", "min_reserve"] as const).map((field) => (
                <td key={field}>
                  <input
                    type="number"
                    min={0}
                    value={plan[field]}
                    aria-label={`${agent}: ${field.replace("_", " ")}`}
                    onChange={(event) => change(agent, field, event.currentTarget.valueAsNumber)}
                  />
                </td>
              ))}
              {(["governed", "flat", "shared"] as const).map((rules) => (
                <td key={rules} class="number">
                  <Served outcome={played?.[rules].get(agent)} live={live} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** The share of an agent's calls that were granted, and what it missed. */
function Served({ outcome, live }: { readonly outcome: Replay | undefined; readonly live: PoolFeed }) {
  if (outcome === undefined || outcome.asked === 0) return <span class="note">–</span>;
  const share = outcome.served / outcome.asked;
  return (
    <span class={share < 0.5 ? "bad" : share < 1 ? "warn" : "good"}>
      {percent(share)}
      {outcome.refused > 0 ? (
        <small>
          {" "}
          missed {brief(outcome.missed, live.unit)} in {count(outcome.refused)}
        </small>
      ) : null}
    </span>
  );
}
