/** Loans between agents over a span of the journal: ribbons from lenders to borrowers, as wide as what moved. */
import { useSignal } from "@preact/signals";
import { amount, brief, clock, count } from "../format.ts";
import { type Flow, flowsIn } from "../model/moves.ts";
import type { PoolFeed } from "../model/pool-feed.ts";
import { Empty } from "./states.tsx";

const spans = [
  ["100", "last 100 events"],
  ["1000", "last 1,000 events"],
  ["10000", "last 10,000 events"],
  ["all", "everything"],
] as const;

/** Ribbons that can be told apart. */
const most = 24;

export function FlowsTab({ live }: { readonly live: PoolFeed }) {
  const span = useSignal<string>("1000");
  const { events, owners } = live.history;
  // Read, so that it follows the pool.
  const length = live.slowVersion.value > 0 ? events.length : 0;
  const from = span.value === "all" ? 0 : Math.max(0, length - Number(span.value));
  const part = events.slice(from);
  const flows = flowsIn(part, owners).slice(0, most);
  return (
    <section class="card" aria-labelledby="flows">
      <div class="title">
        <h2 id="flows">Loans between agents</h2>
        <select
          aria-label="Span"
          value={span.value}
          onChange={(event) => {
            span.value = event.currentTarget.value;
          }}
        >
          {spans.map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
      </div>
      <p class="note">
        {count(part.length)} events{part[0] === undefined ? "" : `, since ${clock(part[0].at)}`}
      </p>
      {flows.length === 0 ? (
        <Empty text="Nothing has moved: every agent had enough of its own." />
      ) : (
        <>
          <Sankey flows={flows} live={live} />
          <table>
            <caption class="unseen">Budget moved between agents</caption>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col">To</th>
                <th scope="col" class="number">
                  Moved
                </th>
              </tr>
            </thead>
            <tbody>
              {flows.map((flow) => (
                <tr key={`${flow.from ?? ""}>${flow.to}`}>
                  <td>{flow.from ?? "the unallocated budget"}</td>
                  <td>{flow.to}</td>
                  <td class="number">{amount(flow.amount, live.unit)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </section>
  );
}

const [width, height, column, gap] = [720, 340, 150, 10];

function Sankey({ flows, live }: { readonly flows: readonly Flow[]; readonly live: PoolFeed }) {
  const total = flows.reduce((sum, flow) => sum + flow.amount, 0);
  const lenders = sidesOf(flows, (flow) => flow.from ?? "the unallocated budget", total);
  const borrowers = sidesOf(flows, (flow) => flow.to, total);
  const out = new Map([...lenders].map(([name, { y }]) => [name, y]));
  const into = new Map([...borrowers].map(([name, { y }]) => [name, y]));
  return (
    <svg
      class="sankey"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label="Flows of budget from lenders to borrowers"
    >
      {flows.map((flow, index) => {
        const lender = flow.from ?? "the unallocated budget";
        const thick = thickness(flow.amount, total, Math.max(lenders.size, borrowers.size));
        const [a, b] = [(out.get(lender) ?? 0) + thick / 2, (into.get(flow.to) ?? 0) + thick / 2];
        out.set(lender, (out.get(lender) ?? 0) + thick);
        into.set(flow.to, (into.get(flow.to) ?? 0) + thick);
        const [x0, x1, middle] = [column + 8, width - column - 8, width / 2];
        return (
          <path
            key={`${lender}>${flow.to}`}
            class={`ribbon colour-${index % 6}`}
            d={`M ${x0} ${a} C ${middle} ${a}, ${middle} ${b}, ${x1} ${b}`}
            style={{ strokeWidth: `${Math.max(1, thick)}px` }}
          >
            <title>{`${lender} → ${flow.to}: ${amount(flow.amount, live.unit)}`}</title>
          </path>
        );
      })}
      {[...lenders].map(([name, side]) => (
        <Side key={name} name={name} {...side} x={column} anchor="end" unit={live.unit} />
      ))}
      {[...borrowers].map(([name, side]) => (
        <Side key={name} name={name} {...side} x={width - column} anchor="start" unit={live.unit} />
      ))}
    </svg>
  );
}

type Box = { readonly y: number; readonly size: number; readonly sum: number };

function Side({
  name,
  y,
  size,
  sum,
  x,
  anchor,
  unit,
}: Box & { name: string; x: number; anchor: "start" | "end"; unit: PoolFeed["unit"] }) {
  const shift = anchor === "end" ? -6 : 6;
  return (
    <g>
      <rect x={anchor === "end" ? x : x - 8} y={y} width={8} height={Math.max(2, size)} rx={2} />
      <text x={x + shift} y={y + size / 2} text-anchor={anchor} dominant-baseline="middle">
        {name.length > 16 ? `${name.slice(0, 15)}…` : name} <tspan class="note">{brief(sum, unit)}</tspan>
      </text>
    </g>
  );
}

function thickness(value: number, total: number, boxes: number): number {
  return ((height - gap * (boxes + 1)) * value) / total;
}

/** Each name's place on its side, from top to bottom. */
function sidesOf(flows: readonly Flow[], nameOf: (flow: Flow) => string, total: number): Map<string, Box> {
  const sums = new Map<string, number>();
  for (const flow of flows) sums.set(nameOf(flow), (sums.get(nameOf(flow)) ?? 0) + flow.amount);
  const others = Math.max(new Set(flows.map((flow) => flow.from)).size, new Set(flows.map((flow) => flow.to)).size);
  const boxes = new Map<string, Box>();
  let y = gap;
  for (const [name, sum] of [...sums].sort(([, a], [, b]) => b - a)) {
    const size = thickness(sum, total, others);
    boxes.set(name, { y, size, sum });
    y += size + gap;
  }
  return boxes;
}
