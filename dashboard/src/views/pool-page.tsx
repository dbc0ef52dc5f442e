/** One pool: now, its flows, its journal, what would have been, and what an admin may do. Any of it at any moment of the past. */
import { computed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { access, isAdmin } from "../model/access.ts";
import { LivePool } from "../model/live.ts";
import { addressOf, route } from "../model/route.ts";
import { ManageTab } from "./acts.tsx";
import { FlowsTab } from "./flows-tab.tsx";
import { JournalTab } from "./journal-tab.tsx";
import { NowTab } from "./now-tab.tsx";
import { Fault, Loading } from "./states.tsx";
import { TimeBar } from "./time-bar.tsx";
import { WhatIfTab } from "./what-if-tab.tsx";

const tabs = [
  ["now", "Now"],
  ["flows", "Flows"],
  ["journal", "Journal"],
  ["what-if", "What if"],
  ["manage", "Manage"],
] as const;

export function PoolPage({ name }: { readonly name: string }) {
  const live = useMemo(() => new LivePool((access.value ?? noAccess()).bursar.pool(name)), [name]);
  useEffect(() => () => live.stop(), [live]);
  /** The event whose moment is shown; undefined for now. */
  const moment = useSignal<number | undefined>(undefined);
  const shown = useMemo(
    () =>
      computed(() => {
        // Read, so that every change is shown.
        const version = live.version.value;
        const pool = moment.value === undefined ? live.state : live.history.at(moment.value);
        return { pool, version, isPast: moment.value !== undefined };
      }),
    [live, moment],
  );
  const { tab } = route.value;
  const status = live.status.value;
  if (live.version.value === 0 || live.state.settings === null) {
    return <main>{status.kind === "lost" ? <Fault text={status.why} /> : <Loading what={name} />}</main>;
  }
  return (
    <main class="pool-page">
      <div class="title">
        <h1>{name}</h1>
        <p class={`status ${status.kind}`} role="status">
          {status.kind === "live"
            ? "live"
            : status.kind === "loading"
              ? `reading the journal: ${Math.round(status.share * 100)} %`
              : `reconnecting: ${status.why}`}
        </p>
      </div>
      <nav class="tabs" aria-label="Views of this pool">
        {tabs
          .filter(([id]) => id !== "manage" || isAdmin())
          .map(([id, label]) => (
            <a key={id} href={addressOf(name, id)} aria-current={tab === id ? "page" : undefined}>
              {label}
            </a>
          ))}
      </nav>
      {tab === "flows" ? (
        <FlowsTab live={live} />
      ) : tab === "journal" ? (
        <JournalTab live={live} />
      ) : tab === "what-if" ? (
        <WhatIfTab live={live} />
      ) : tab === "manage" && isAdmin() ? (
        <ManageTab live={live} />
      ) : (
        <NowTab live={live} shown={shown.value} />
      )}
      {tab === "now" ? <TimeBar live={live} moment={moment} /> : null}
    </main>
  );
}

function noAccess(): never {
  throw new Error("a pool is shown to nobody");
}
