/** Time travel: a slider over all events; the views show the state as of the chosen one. */
import type { Signal } from "@preact/signals";
import { clock, count } from "../format.ts";
import type { PoolFeed } from "../model/pool-feed.ts";

export function TimeBar({ live, moment }: { readonly live: PoolFeed; readonly moment: Signal<number | undefined> }) {
  const { history } = live;
  // Read, so that its end moves with the pool.
  const last = live.version.value > 0 ? history.last : 0;
  const seq = moment.value ?? last;
  const event = history.event(seq);
  const go = (to: number): void => {
    moment.value = to >= last ? undefined : Math.max(history.base, to);
  };
  return (
    <section class={`time-bar ${moment.value === undefined ? "" : "past"}`} aria-label="Time travel">
      <button type="button" onClick={() => go(seq - 1)} aria-label="One event back">
        ◂
      </button>
      <input
        type="range"
        min={history.base}
        max={last}
        value={seq}
        aria-label="Event"
        aria-valuetext={event === undefined ? "the beginning" : `event ${event.seq}, ${clock(event.at)}`}
        onInput={(change) => go(Number(change.currentTarget.value))}
      />
      <button
        type="button"
        onClick={() => go(seq + 1)}
        aria-label="One event forward"
        disabled={moment.value === undefined}
      >
        ▸
      </button>
      <output>
        {moment.value === undefined ? "now" : "as of"} · {count(seq)}
        {event === undefined ? "" : ` · ${clock(event.at)}`}
      </output>
      <button type="button" onClick={() => go(last)} disabled={moment.value === undefined}>
        Now
      </button>
    </section>
  );
}
