/** The pool at one moment: its totals, its agents and what moves between them, what is held, what was refused. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { headroom, type Pool, type Reservation } from "../../../src/engine/state.ts";
import { amount, brief, clock, count, duration, percent } from "../format.ts";
import { exhaustedIn } from "../model/burn.ts";
import type { PoolFeed } from "../model/pool-feed.ts";
import { Agents, type Shown } from "./agents.tsx";
import { Chart } from "./chart.tsx";
import { Empty } from "./states.tsx";

export function NowTab({ live, shown }: { readonly live: PoolFeed; readonly shown: Shown }) {
  // What burns and how long it lasts changes while nothing happens.
  useNow(live, shown.isPast ? undefined : 1_000);
  return (
    <>
      <Totals live={live} shown={shown} />
      <Agents live={live} shown={shown} />
      <div class="columns">
        <Held live={live} shown={shown} />
        <Refused live={live} shown={shown} />
      </div>
      <section class="card">
        <h2>Consumed over time</h2>
        <Chart live={live} />
      </section>
    </>
  );
}

function Totals({ live, shown: { pool, isPast } }: { readonly live: PoolFeed; readonly shown: Shown }) {
  const { unit } = live;
  const rate = isPast ? 0 : live.burn.rate(live.now());
  const figures: readonly (readonly [label: string, value: string, note: string])[] = [
    ["Total", brief(pool.total, unit), amount(pool.total, unit)],
    ["Consumed", brief(pool.consumed, unit), percent(pool.total === 0 ? 0 : pool.consumed / pool.total)],
    ["Held", brief(pool.held, unit), `${count(pool.open)} open`],
    ["Left", brief(Math.max(0, headroom(pool)), unit), `unallocated ${brief(pool.unallocated, unit)}`],
    ["Burn", isPast ? "–" : `${brief(Math.round(rate), unit)}/s`, "last minute"],
    ["Time to exhaustion", isPast ? "–" : duration(exhaustedIn(headroom(pool), rate)), "at this rate"],
  ];
  return (
    <section class="totals" aria-label="Totals">
      {figures.map(([label, value, note]) => (
        <div class="card figure" key={label}>
          <span class="label">{label}</span>
          <strong>{value}</strong>
          <small>{note}</small>
        </div>
      ))}
      <Audit live={live} />
    </section>
  );
}

function Audit({ live }: { readonly live: PoolFeed }) {
  const said = useSignal("not yet asked");
  const audit = async (): Promise<void> => {
    said.value = "folding the journal…";
    try {
      const { ok, seq, findings } = await live.remote.audit();
      said.value = ok ? `clean at ${count(seq)}` : findings.join("; ");
    } catch (error) {
      said.value = error instanceof Error ? error.message : String(error);
    }
  };
  useEffect(() => void audit(), [live]);
  return (
    <div class="card figure">
      <span class="label">Audit</span>
      <strong class={said.value.startsWith("clean") ? "good" : ""}>
        {said.value.startsWith("clean") ? "clean" : "…"}
      </strong>
      <small>{said}</small>
      <button type="button" class="small" onClick={() => void audit()}>
        Again
      </button>
    </div>
  );
}

/** Reservations that are shown, at most: the ones that end first. */
const heldMost = 50;

function Held({ live, shown: { pool, isPast } }: { readonly live: PoolFeed; readonly shown: Shown }) {
  const now = useNow(live, isPast ? undefined : 500);
  const at = isPast ? pool.at : now;
  const open = openOf(pool);
  return (
    <section class="card" aria-labelledby="held">
      <h2 id="held">
        Held <small>{count(open.length)} open</small>
      </h2>
      {open.length === 0 ? (
        <Empty text="Nothing is held." />
      ) : (
        <ul class="leases">
          {open.slice(0, heldMost).map((one) => (
            <li key={one.id}>
              <span class="name">{one.agent}</span>
              <span class="number">{amount(one.granted, live.unit)}</span>
              <meter
                min={0}
                max={Math.max(1, one.expiresAt - one.at)}
                value={Math.max(0, one.expiresAt - at)}
                aria-label={`${one.agent}: lease of ${one.id}`}
              />
              <span class="number">{duration(one.expiresAt - at)}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

function openOf(pool: Pool): Reservation[] {
  const open: Reservation[] = [];
  for (const known of pool.remembered.values()) if (known.op === "reserve" && known.state === "held") open.push(known);
  return open.sort((a, b) => a.expiresAt - b.expiresAt);
}

/** The governor's time, now and then; never again, without an interval. */
function useNow(live: PoolFeed, everyMs: number | undefined): number {
  const now = useSignal(live.now());
  useEffect(() => {
    if (everyMs === undefined) return undefined;
    const timer = setInterval(() => {
      now.value = live.now();
    }, everyMs);
    return () => clearInterval(timer);
  }, [live, everyMs]);
  return now.value;
}

function Refused({ live, shown: { pool, isPast } }: { readonly live: PoolFeed; readonly shown: Shown }) {
  const all = live.refusals.value;
  const refusals = isPast ? all.filter(({ at }) => at <= pool.at) : all;
  return (
    <section class="card" aria-labelledby="refused">
      <h2 id="refused">
        Refused <small>since this page was opened: {count(isPast ? refusals.length : live.refusedCount)}</small>
      </h2>
      {refusals.length === 0 ? (
        <Empty text="No refusals." />
      ) : (
        <ul class="refusals">
          {refusals.slice(0, heldMost).map(({ at, agent, op, why }, index) => (
            <li key={`${at}-${index}`}>
              <time>{clock(at)}</time>
              <span class="name">{agent ?? "the pool"}</span>
              <span>{why}</span>
              <span class="badge">{op}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
