/** What the pool has consumed, over its time: one line, beside what it may. */
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { brief } from "../format.ts";
import type { PoolFeed } from "../model/pool-feed.ts";
import { theme } from "./header.tsx";

/** Points of the line; more than the screen has would only take time. */
const points = 400;
/** How often it is drawn again. */
const everyMs = 1_000;

export function Chart({ live }: { readonly live: PoolFeed }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const box = place.current;
    if (box === null) return undefined;
    const css = getComputedStyle(box);
    const ink = css.getPropertyValue("--ink-soft").trim();
    const axis = { stroke: ink, grid: { stroke: css.getPropertyValue("--line").trim(), width: 1 } };
    const plot = new uPlot(
      {
        width: box.clientWidth,
        height: 180,
        cursor: { y: false },
        legend: { show: false },
        scales: { x: { time: true } },
        axes: [axis, { ...axis, size: 64, values: (_, ticks) => ticks.map((tick) => brief(tick, live.unit)) }],
        series: [
          {},
          {
            label: "consumed",
            stroke: css.getPropertyValue("--consumed").trim(),
            fill: css.getPropertyValue("--consumed-soft").trim(),
            width: 2,
            points: { show: false },
          },
        ],
      },
      lineOf(live),
      box,
    );
    const timer = setInterval(() => plot.setData(lineOf(live)), everyMs);
    const watch = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height: 180 }));
    watch.observe(box);
    return () => {
      clearInterval(timer);
      watch.disconnect();
      plot.destroy();
    };
  }, [live, theme.value]);
  return <div class="chart" ref={place} role="img" aria-label="Consumed over time" />;
}

/** Times in seconds, and what was consumed by then, thinned out. */
function lineOf({ history: { events, consumed } }: PoolFeed): [number[], number[]] {
  const [times, sums]: [number[], number[]] = [[], []];
  const every = Math.max(1, Math.floor(events.length / points));
  for (
    let i = 0;
    i < events.length;
    i = i === events.length - 1 ? events.length : Math.min(i + every, events.length - 1)
  ) {
    times.push((events[i]?.at ?? 0) / 1_000);
    sums.push(consumed[i] ?? 0);
  }
  return [times, sums];
}
