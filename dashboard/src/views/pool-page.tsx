/** One pool: now, its flows, its journal, what would have been, and what an admin may do. Any of it at any moment of the past. */
import { computed, useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import { access, isAdmin } from "../model/access.ts";
import { PoolFeed, type Status } from "../model/pool-feed.ts";
import { addressOf, route } from "../model/route.ts";
import type { Shown } from "./agents.tsx";
import { JournalTab } from "./journal-tab.tsx";
import { Later } from "./later.tsx";
import { NowTab } from "./now-tab.tsx";
import { Fault, Loading } from "./states.tsx";
import { TimeBar } from "./time-bar.tsx";

const tabs = [
  ["now", "Now"],
  ["flows", "Flows"],
  ["journal", "Journal"],
  ["what-if", "What if"],
  ["manage", "Manage"],
] as const;

const flows = async () => (await import("./flows-tab.tsx")).FlowsTab;
const whatIf = async () => (await import("./what-if-tab.tsx")).WhatIfTab;
const manage = async () => (await import("./manage-tab.tsx")).ManageTab;

export function PoolPage({ name }: { readonly name: string }) {
  const live = useMemo(() => new PoolFeed((access.value ?? noAccess()).bursar.pool(name)), [name]);
  useEffect(() => () => live.stop(), [live]);
  /** The event whose moment is shown; undefined for now. */
  const moment = useSignal<number | undefined>(undefined);
  const shown = useMemo(
    () =>
      computed(() => {
        if (moment.value !== undefined) return { pool: live.history.at(moment.value), version: 0, isPast: true };
        // Read, so that every change is shown; the past has none.
        return { version: live.version.value, pool: live.state, isPast: false };
      }),
    [live, moment],
  );
  const tab = tabs.some(([id]) => id === route.value.tab) ? route.value.tab : "now";
  const status = live.status.value;
  useEffect(() => {
    document.title = `${name} · Bursar`;
    return () => {
      document.title = "Bursar";
    };
  }, [name]);
  // Numbers of a journal that is half read would look like those of now.
  if (!live.wasLive || live.state.settings === null) {
    return (
      <main>
        {status.kind === "lost" || status.kind === "ended" ? (
          <Fault text={status.why} />
        ) : (
          <Loading what={name} share={status.kind === "loading" ? status.share : 0} />
        )}
        {status.kind === "ended" ? <TryAgain live={live} /> : null}
      </main>
    );
  }
  return (
    <main class="pool-page">
      <div class="title">
        <h1>{name}</h1>
        <StatusLine status={status} />
        {status.kind === "ended" ? <TryAgain live={live} /> : null}
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
      <View tab={tab} live={live} shown={shown.value} />
      {tab === "now" ? <TimeBar live={live} moment={moment} /> : null}
    </main>
  );
}

function StatusLine({ status }: { readonly status: Status }) {
  return (
    <p class={`status ${status.kind}`} role="status">
      {status.kind === "live"
        ? "live"
        : status.kind === "loading"
          ? `catching up`
          : status.kind === "lost"
            ? `reconnecting: ${status.why}`
            : `over: ${status.why}`}
    </p>
  );
}

type ViewProps = { readonly tab: string; readonly live: PoolFeed; readonly shown: Shown };

/** The view that the tab names. Large ones are fetched when they are first opened. */
function View({ tab, live, shown }: ViewProps) {
  switch (tab) {
    case "flows":
      return <Later key={tab} fetched={flows} what="flows" props={{ live }} />;
    case "journal":
      return <JournalTab live={live} />;
    case "what-if":
      return <Later key={tab} fetched={whatIf} what="what if" props={{ live }} />;
    case "manage":
      if (isAdmin()) return <Later key={tab} fetched={manage} what="what you may do" props={{ live }} />;
      return <NowTab live={live} shown={shown} />;
    default:
      return <NowTab live={live} shown={shown} />;
  }
}

function TryAgain({ live }: { readonly live: PoolFeed }) {
  return (
    <p class="again">
      <button type="button" onClick={() => live.again()}>
        Try again
      </button>{" "}
      <a href="#/">All pools</a>
    </p>
  );
}

function noAccess(): never {
  throw new Error("a pool is shown without a connection");
}
