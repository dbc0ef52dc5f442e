/** All pools of the tenant: how much of each is used, how fast, and what cries for attention. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Report } from "../../../src/protocol/results.ts";
import { amount, brief, duration, percent } from "../format.ts";
import { access, isAdmin } from "../model/access.ts";
import { exhaustedIn } from "../model/burn.ts";
import { addressOf } from "../model/route.ts";
import { NewPool } from "./acts.tsx";
import { Empty, Fault, Loading } from "./states.tsx";

type Row = { readonly name: string; readonly report: Report; readonly consumed: number; readonly perSecond: number };

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
        rows.value = await rowsNow(seen);
        fault.value = "";
      } catch (error) {
        fault.value = error instanceof Error ? error.message : String(error);
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
      {rows.value === undefined ? <Loading what="pools" /> : <List rows={rows.value} />}
    </main>
  );
}

function List({ rows }: { readonly rows: readonly Row[] }) {
  if (rows.length === 0) return <Empty text="No pools yet. Create one, and register its agents." />;
  return (
    <ul class="pools">
      {rows.map(({ name, report, consumed, perSecond }) => {
        const left = report.total - consumed;
        return (
          <li key={name}>
            <a class="card pool" href={addressOf(name)}>
              <strong>{name}</strong>
              <span class="figure">
                {brief(consumed, report.unit)} <small>of {brief(report.total, report.unit)}</small>
              </span>
              <meter min={0} max={Math.max(1, report.total)} value={consumed} aria-label={`${name}: share used`} />
              <span class="note">
                {percent(consumed / report.total)} used · {amount(Math.round(perSecond), report.unit)}/s · left for{" "}
                {duration(exhaustedIn(left, perSecond))}
              </span>
              <span class="alarms">
                {alarmsOf(report, consumed).map(([kind, text]) => (
                  <span key={text} class={`badge ${kind}`}>
                    {text}
                  </span>
                ))}
              </span>
            </a>
          </li>
        );
      })}
    </ul>
  );
}

function alarmsOf({ agents, total }: Report, consumed: number): [kind: string, text: string][] {
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
        ? [["warn", "80 % used"] as [string, string]]
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
  return reports.flatMap((report) => {
    if (report === undefined) return [];
    const consumed = Object.values(report.agents).reduce((sum, agent) => sum + agent.consumed, 0);
    const before = seen.get(report.pool);
    const perSecond = before === undefined ? 0 : (consumed - before.consumed) / ((now - before.at) / 1_000);
    seen.set(report.pool, { consumed, at: now });
    return [{ name: report.pool, report, consumed, perSecond: Math.max(0, perSecond) }];
  });
}
