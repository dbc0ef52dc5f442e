/**
 * The agents, most important first, each as a bar of what it has: consumed, held, available, and what it keeps in
 * reserve. Budget that has just moved is drawn beside them as it goes. A thousand rows are a list of which those in
 * sight are made.
 */
import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { type Agent, available, gateOf, overage, type Pool } from "../../../src/engine/state.ts";
import { amount, brief, count, duration } from "../format.ts";
import { exhaustedIn } from "../model/burn.ts";
import type { Move, PoolFeed } from "../model/pool-feed.ts";
import { Empty } from "./states.tsx";

const legend = [
  ["consumed", "consumed"],
  ["held", "held"],
  ["available", "available"],
  ["kept", "kept in reserve"],
  ["over", "overage"],
] as const;

const rowHeight = 56;
/** Rows in sight; more scroll. */
const rowsInSight = 12;

/** The state that a view shows: as it is now, or as of an event of the past. */
export type Shown = { readonly pool: Pool; readonly isPast: boolean };

export function Agents({ live, shown: { pool, isPast } }: { readonly live: PoolFeed; readonly shown: Shown }) {
  const scrolled = useSignal(0);
  const box = useRef<HTMLDivElement>(null);
  const agents = [...pool.agents.values()].sort(
    (a, b) => b.contract.priority - a.contract.priority || (a.name < b.name ? -1 : 1),
  );
  const widest = agents.reduce((most, agent) => Math.max(most, agent.allocated, agent.consumed + agent.held), 1);
  const first = Math.max(0, Math.floor(scrolled.value / rowHeight) - 2);
  const rows = agents.slice(first, first + rowsInSight + 4);
  const height = Math.min(agents.length, rowsInSight) * rowHeight;
  return (
    <section class="card agents" aria-labelledby="agents">
      <h2 id="agents">
        Agents <small>{count(agents.length)}, most important first</small>
      </h2>
      <p class="legend" aria-hidden="true">
        {legend.map(([kind, label]) => (
          <span key={kind}>
            <i class={kind} /> {label}
          </span>
        ))}
      </p>
      {agents.length === 0 ? (
        <Empty text="No agents yet." />
      ) : (
        <div
          class="rows"
          ref={box}
          style={{ height: `${height + 2}px` }}
          onScroll={(event) => {
            scrolled.value = event.currentTarget.scrollTop;
          }}
          // What scrolls must be reached by keyboard.
          tabIndex={0}
          role="list"
          aria-label="Agents"
        >
          <div class="all" style={{ height: `${agents.length * rowHeight}px` }}>
            {isPast ? null : <Flows moves={live.moves.value} agents={agents} />}
            {rows.map((agent, index) => (
              <Row
                key={agent.name}
                agent={agent}
                place={first + index}
                of={agents.length}
                widest={widest}
                live={live}
                isPast={isPast}
              />
            ))}
          </div>
        </div>
      )}
    </section>
  );
}

type RowProps = {
  readonly agent: Agent;
  readonly place: number;
  readonly of: number;
  readonly widest: number;
  readonly live: PoolFeed;
  readonly isPast: boolean;
};

function Row({ agent, place, of, widest, live, isPast }: RowProps) {
  const { unit } = live;
  const left = available(agent);
  const kept = Math.max(0, Math.min(agent.contract.min_reserve, left));
  const over = overage(agent);
  const closed = gateOf(agent) === "closed";
  const rate = isPast ? 0 : live.burn.rate(live.now(), agent.name);
  const lasts = exhaustedIn(left, rate);
  const width = (value: number): { width: string } => ({ width: `${(100 * Math.max(0, value)) / widest}%` });
  const said = [
    `${agent.name}, priority ${agent.contract.priority}`,
    `consumed ${amount(agent.consumed, unit)}`,
    `held ${amount(agent.held, unit)}`,
    `available ${amount(left, unit)}`,
    ...(closed ? ["gate closed"] : []),
    ...(agent.paused ? ["paused"] : []),
    ...(agent.closing ? ["closing"] : []),
    ...(Number.isFinite(lasts) && !closed ? [`lasts ${duration(lasts)}`] : []),
    ...(over > 0 ? [`overage ${amount(over, unit)}`] : []),
  ].join(", ");
  return (
    <div
      class="row"
      role="listitem"
      aria-setsize={of}
      aria-posinset={place + 1}
      aria-label={said}
      style={{ top: `${place * rowHeight}px` }}
    >
      <span class="priority" title="priority">
        {agent.contract.priority}
      </span>
      <span class="name" title={agent.name}>
        {agent.name}
      </span>
      <span class="bar" aria-hidden="true">
        <i class="consumed" style={width(agent.consumed - over)} />
        <i class="over" style={width(over)} />
        <i class="held" style={width(agent.held)} />
        <i class="available" style={width(left - kept)} />
        <i class="kept" style={width(kept)} />
      </span>
      <span class="number">
        {brief(agent.consumed, unit)} <small>of {brief(agent.allocated, unit)}</small>
      </span>
      <Marks agent={agent} lasts={lasts} />
    </div>
  );
}

/** What is special about an agent, and how long its budget lasts at this rate. */
function Marks({ agent, lasts }: { readonly agent: Agent; readonly lasts: number }) {
  const closed = gateOf(agent) === "closed";
  return (
    <span class="marks">
      {closed ? (
        <span class="badge good" title={`sure by ${agent.confidence}`}>
          gate closed
        </span>
      ) : null}
      {overage(agent) > 0 ? <span class="badge bad">overage</span> : null}
      {agent.paused ? <span class="badge">paused</span> : null}
      {agent.closing ? <span class="badge">closing</span> : null}
      {Number.isFinite(lasts) && !closed ? (
        <span class="note" title="time to exhaustion at this rate">
          {duration(lasts)}
        </span>
      ) : null}
    </span>
  );
}

/** A loan that was just made: an arc from lender to borrower. */
function Flows({ moves, agents }: { readonly moves: readonly Move[]; readonly agents: readonly Agent[] }) {
  const places = new Map(agents.map(({ name }, index) => [name, index]));
  const y = (name: string | null): number => (name === null ? 6 : ((places.get(name) ?? 0) + 0.5) * rowHeight);
  return (
    <svg class="flows" aria-hidden="true" height={agents.length * rowHeight}>
      {moves.map(({ id, from, to, amount: moved }) => {
        const [a, b] = [y(from), y(to)];
        const bend = 8 + Math.min(28, Math.abs(a - b) / 6);
        return (
          <path
            key={id}
            d={`M 4 ${a} C ${bend} ${a}, ${bend} ${b}, 4 ${b}`}
            style={{ strokeWidth: `${1.5 + Math.log10(1 + moved) / 2}px` }}
          />
        );
      })}
    </svg>
  );
}
