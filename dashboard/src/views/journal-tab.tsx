/** The journal: every event, filtered, and any of them explained in words. */
import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { available, gateOf } from "../../../src/engine/state.ts";
import { eventTraits } from "../../../src/protocol/events.ts";
import type { JournalEvent } from "../../../src/protocol/journal.ts";
import { clock, count } from "../format.ts";
import { ownerOf } from "../model/history.ts";
import type { PoolFeed } from "../model/pool-feed.ts";
import { explain, lineOf } from "../model/words.ts";
import { Empty } from "./states.tsx";

const pageSize = 100;

const kinds = [
  ["all", "all events"],
  ["transfers", "transfers"],
  ["reserved", "reservations"],
  ["committed", "commits"],
  ["expired", "expiries"],
  ["overage", "overage"],
  ["contracts", "contracts"],
  ["refused", "refusals"],
] as const;

export function JournalTab({ live }: { readonly live: PoolFeed }) {
  const kind = useSignal<string>("all");
  const agent = useSignal("");
  const page = useSignal(0);
  /** Pages are counted from this event: what is read must not slide away under the reader. */
  const end = useSignal(Number.POSITIVE_INFINITY);
  const turn = (to: number): void => {
    if (page.value === 0 && to > 0) end.value = live.history.last;
    if (to === 0) end.value = Number.POSITIVE_INFINITY;
    page.value = to;
  };
  const chosen = useSignal<number | undefined>(undefined);
  // Read, so that it follows the pool.
  const { events, owners } = live.slowVersion.value > 0 ? live.history : live.history;
  const found = events.filter(
    (event) =>
      event.seq <= end.value && isOfKind(event, kind.value) && isAbout(event, ownerOf(event, owners), agent.value),
  );
  const pages = Math.max(1, Math.ceil(found.length / pageSize));
  const at = Math.min(page.value, pages - 1);
  const until = found.length - at * pageSize;
  const shown = found.slice(Math.max(0, until - pageSize), until).toReversed();
  const event = chosen.value === undefined ? undefined : live.history.event(chosen.value);
  return (
    <div class="journal">
      <section class="card" aria-labelledby="journal">
        <div class="title">
          <h2 id="journal">
            Journal{" "}
            <small>
              {count(found.length)} events{live.history.base > 0 ? `, from ${count(live.history.base + 1)} on` : ""}
            </small>
          </h2>
          <Filters kind={kind} agent={agent} changed={() => turn(0)} />
        </div>
        {shown.length === 0 ? (
          <Empty text="No matching events." />
        ) : (
          <Lines events={shown} chosen={chosen} lineOf={(one) => lineOf(one, live.unit, ownerOf(one, owners))} />
        )}
        <Pager at={at} pages={pages} turn={turn} />
      </section>
      <section class="card detail" aria-live="polite" aria-labelledby="detail">
        <h2 id="detail">{event === undefined ? "Choose an event" : `Event ${count(event.seq)}`}</h2>
        {event === undefined ? (
          <Empty text="It will be explained here: who asked, who lent, and why." />
        ) : (
          <Detail event={event} live={live} owner={ownerOf(event, owners)} />
        )}
      </section>
    </div>
  );
}

type PagerProps = { readonly at: number; readonly pages: number; readonly turn: (to: number) => void };

function Pager({ at, pages, turn }: PagerProps) {
  return (
    <p class="pager">
      <button type="button" disabled={at === 0} onClick={() => turn(at - 1)}>
        Newer
      </button>
      <span>
        {count(at + 1)} of {count(pages)}
      </span>
      <button type="button" disabled={at >= pages - 1} onClick={() => turn(at + 1)}>
        Older
      </button>
    </p>
  );
}

type FiltersProps = {
  readonly kind: Signal<string>;
  readonly agent: Signal<string>;
  readonly changed: () => void;
};

function Filters({ kind, agent, changed }: FiltersProps) {
  return (
    <>
      <select
        aria-label="Kind of event"
        value={kind.value}
        onChange={(change) => {
          kind.value = change.currentTarget.value;
          changed();
        }}
      >
        {kinds.map(([value, label]) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      <input
        type="search"
        placeholder="agent"
        aria-label="Agent"
        value={agent.value}
        onInput={(change) => {
          agent.value = change.currentTarget.value;
          changed();
        }}
      />
    </>
  );
}

type LinesProps = {
  readonly events: readonly JournalEvent[];
  readonly chosen: Signal<number | undefined>;
  readonly lineOf: (event: JournalEvent) => string;
};

function Lines({ events, chosen, lineOf: line }: LinesProps) {
  return (
    <ol class="events" reversed>
      {events.map((one) => (
        <li key={one.seq}>
          <button
            type="button"
            aria-pressed={chosen.value === one.seq}
            onClick={() => {
              chosen.value = one.seq;
            }}
          >
            <span class="number">{count(one.seq)}</span>
            <time>{clock(one.at)}</time>
            <span class={`kind ${one.type}`}>{one.type}</span>
            <span>{line(one)}</span>
          </button>
        </li>
      ))}
    </ol>
  );
}

function Detail({
  event,
  live,
  owner,
}: {
  readonly event: JournalEvent;
  readonly live: PoolFeed;
  readonly owner: string | undefined;
}) {
  const before = useMemo(() => live.history.at(event.seq - 1), [live, event.seq]);
  const place = useRef<HTMLParagraphElement>(null);
  // On a narrow screen it stands below a hundred events.
  useEffect(() => place.current?.scrollIntoView({ block: "nearest" }), [event.seq]);
  const hold = event.type === "committed" ? before.remembered.get(event.id) : undefined;
  const borrower = owner === undefined ? undefined : before.agents.get(owner);
  const usage = event.type === "committed" || event.type === "recorded" ? event.usage : undefined;
  return (
    <>
      <p class="explained" ref={place}>
        {explain(
          event,
          live.unit,
          {
            available: borrower === undefined ? 0 : available(borrower),
            held: hold?.op === "reserve" && hold.state === "held" ? hold.granted : 0,
            lender: (name) => {
              const agent = before.agents.get(name);
              return agent === undefined
                ? undefined
                : {
                    priority: agent.contract.priority,
                    gate: gateOf(agent),
                    used: agent.allocated === 0 ? 0 : (agent.consumed + agent.held) / agent.allocated,
                  };
            },
          },
          owner,
        )}
      </p>
      {usage === undefined ? null : (
        <p class="note">
          {usage.model ?? "a model"}: {count(usage.input)} in ({count(usage.cache_read ?? 0)} cached),{" "}
          {count(usage.output)} out
          {usage.estimated === true ? ", estimated" : ""}
        </p>
      )}
      <pre>{JSON.stringify(event, null, 2)}</pre>
    </>
  );
}

/** Whether an agent of such a name acts, borrows or lends in it. */
function isAbout(event: JournalEvent, owner: string | undefined, text: string): boolean {
  if (text === "" || owner?.includes(text) === true) return true;
  return "transfers" in event && event.transfers.some(({ from }) => from?.includes(text) === true);
}

function isOfKind(event: JournalEvent, kind: string): boolean {
  switch (kind) {
    case "all":
      return true;
    case "transfers":
      return "transfers" in event && event.transfers.length > 0;
    case "overage":
      return "overage" in event && event.overage > 0;
    case "contracts":
      return eventTraits[event.type].about === "contracts";
    default:
      return event.type === kind;
  }
}
