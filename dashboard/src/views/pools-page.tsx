/** All pools of the tenant: how much of each is used, how fast, and what needs attention. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { BursarError } from "../../../src/client/index.ts";
import type { Report } from "../../../src/protocol/pool.ts";
import { amount, brief, duration, percent } from "../format.ts";
import { access, isAdmin } from "../model/access.ts";
import { exhaustedIn } from "../model/burn.ts";
import { addressOf } from "../model/route.ts";
import { NewPool } from "./acts.tsx";
import { Empty, Fault, Loading } from "./states.tsx";

type Row = {
  readonly name: string;
  /** Nothing, where it could not be read. */
  readonly report: Report | undefined;
  /** Nothing, until it was looked at twice. */
  readonly perSecond: number | undefined;
};

/** How often the list is asked for again; a pool's own page hears of everything at once. */
const everyMs = 5_000;
/** Pools that are looked at, at once: each is asked for its report. */
const most = 100;

export function PoolsPage() {
  const rows = useSignal<readonly Row[] | undefined>(undefined);
  const fault = useSignal("");
  useEffect(() => {
    let isOver = false;
    const seen = new Map<string, { consumed: number; at: number }>();
    const look = async (): Promise<void> => {
      try {
        // The page is hidden: no pool is woken for it.
        if (!document.hidden) rows.value = await rowsNow(seen);
        fault.value = "";
      } catch (error) {
        fault.value = error instanceof Error ? error.message : String(error);
        // A refused key is not used again.
        if (error instanceof BursarError && error.status === 401) return;
      }
      if (!isOver) timer = setTimeout(() => void look(), everyMs);
    };
    let timer = setTimeout(() => void look(), 0);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
  return (
    <main>
      <div class="title">
        <h1>Pools</h1>
        {isAdmin() ? <NewPool /> : null}
      </div>
      {fault.value === "" ? null : <Fault text={fault.value} />}
      {rows.value !== undefined ? <List rows={rows.value} /> : fault.value === "" ? <Loading what="pools" /> : null}
    </main>
  );
}

function List({ rows }: { readonly rows: readonly Row[] }) {
  if (rows.length === 0) return <Empty text="No pools yet. Create one, and register its agents." />;
  return (
    <ul class="pools">
      {rows.map(({ name, report, perSecond }) => (
        <li key={name}>
          <a class="card pool" href={addressOf(name)}>
            <strong>{name}</strong>
            {report === undefined ? <span class="note">can't be read now</span> : <Card {...{ report, perSecond }} />}
          </a>
        </li>
      ))}
      {rows.length === most ? <li class="note">The first {most} pools, by name.</li> : null}
    </ul>
  );
}

function Card({ report, perSecond }: { readonly report: Report; readonly perSecond: number | undefined }) {
  const { unit, total, consumed, held } = report;
  const left = total - consumed - held;
  return (
    <>
      <span class="figure">
        {brief(consumed, unit)} <small>of {brief(total, unit)}</small>
      </span>
      <meter min={0} max={Math.max(1, total)} value={consumed} aria-label={`${report.pool}: share used`} />
      <span class="note">
        {percent(consumed / total)} used
        {perSecond === undefined
          ? ""
          : ` · ${amount(Math.round(perSecond), unit)}/s · left for ${duration(exhaustedIn(left, perSecond))}`}
      </span>
      <span class="alarms">
        {alarmsOf(report).map(([kind, text]) => (
          <span key={text} class={`badge ${kind}`}>
            {text}
          </span>
        ))}
      </span>
    </>
  );
}

function alarmsOf({ agents, total, consumed }: Report): [kind: string, text: string][] {
  const all = Object.values(agents);
  const [closed, over] = [
    all.filter(({ gate }) => gate === "closed").length,
    all.filter((one) => one.overage > 0).length,
  ];
  const share = total === 0 ? 0 : consumed / total;
  return [
    ...(share >= 0.95
      ? [["bad", "nearly out"] as [string, string]]
      : share >= 0.8
        ? [["warn", "over 80 % used"] as [string, string]]
        : []),
    ...(over > 0 ? [["bad", `${over} with overage`] as [string, string]] : []),
    ...(closed > 0 ? [["good", `${closed} gate${closed > 1 ? "s" : ""} closed`] as [string, string]] : []),
  ];
}

async function rowsNow(seen: Map<string, { consumed: number; at: number }>): Promise<Row[]> {
  const bursar = access.value?.bursar;
  if (bursar === undefined) return [];
  const names = (await bursar.pools()).slice(0, most).map(({ name }) => name);
  const reports = await Promise.all(
    names.map((name) =>
      bursar
        .pool(name)
        .ledger()
        .catch(() => undefined),
    ),
  );
  const now = Date.now();
  return reports.map((report, index) => {
    const name = names[index] ?? "";
    if (report === undefined) return { name, report, perSecond: undefined };
    const { consumed } = report;
    const before = seen.get(name);
    seen.set(name, { consumed, at: now });
    if (before === undefined) return { name, report, perSecond: undefined };
    return { name, report, perSecond: Math.max(0, (consumed - before.consumed) / ((now - before.at) / 1_000)) };
  });
}
