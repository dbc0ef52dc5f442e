/**
 * What versions before stored in another shape, brought to today's when a pool of theirs wakes: one text of the whole
 * state, without histories. A deploy must find every pool that it replaces the code of.
 */
import { bytesOf } from "../engine/bytes.ts";
import { fromImage, type ImageHead, type PoolImage } from "../engine/image.ts";
import { type Agent, type Expiry, nothingWarned } from "../engine/state.ts";
import { understanding } from "./damage.ts";
import { snapshotHead, writeSnapshot } from "./snapshot.ts";
import type { PoolStorage } from "./storage.ts";

/** What agents were stored without, in one version or another. */
type Later = "openBytes" | "paused" | "period" | "pace" | "warned";
type EarlierImage = {
  readonly head: Omit<ImageHead, "latestHorizon" | "paused" | "period" | "warned"> &
    Partial<Pick<ImageHead, "paused" | "period" | "warned">> & { readonly unsettledCount: number };
  readonly agents: readonly (Omit<Agent, Later> & Partial<Pick<Agent, Later>>)[];
  readonly remembered: PoolImage["remembered"];
  readonly settled: readonly string[];
  readonly unsettled: readonly Expiry[];
};

/**
 * Brings the states that a version before `pagedVersion` stored to today's shape, within the caller's transaction. A
 * snapshot is dropped, for the journal folds to it again; a checkpoint is all that is left of what was trimmed, and is
 * rewritten.
 */
export function bringUpStates(storage: PoolStorage): void {
  storage.sql.exec("DELETE FROM snapshot");
  const at = snapshotHead(storage, "checkpoint");
  if (at === undefined) return;
  const parts = storage.sql.exec<{ part: string }>("SELECT part FROM checkpoint ORDER BY chunk").toArray();
  const pool = understanding("checkpoint", () =>
    fromImage(fromEarlier(JSON.parse(parts.map(({ part }) => part).join("")) as EarlierImage)),
  );
  writeSnapshot(storage, pool, at.head, "checkpoint");
}

function fromEarlier({ head, agents, remembered, settled, unsettled }: EarlierImage): PoolImage {
  const { unsettledCount: _, ...kept } = head;
  const byId = new Map(remembered.map((known) => [known.id, known]));
  const openBytes = new Map<string, number>();
  for (const known of remembered) {
    if (known.op !== "reserve" || known.state !== "held") continue;
    openBytes.set(known.agent, (openBytes.get(known.agent) ?? 0) + bytesOf(known));
  }
  const histories = new Map<string, { readonly outcomes: string[]; readonly unsettled: Expiry[] }>();
  const historyOf = (id: string) => {
    const agent = byId.get(id)?.agent ?? "";
    const history = histories.get(agent) ?? { outcomes: [], unsettled: [] };
    histories.set(agent, history);
    return history;
  };
  for (const id of settled) if (byId.has(id)) historyOf(id).outcomes.push(id);
  for (const expiry of unsettled) if (byId.has(expiry.id)) historyOf(expiry.id).unsettled.push(expiry);
  return {
    head: { paused: false, period: null, warned: nothingWarned(), ...kept, latestHorizon: head.horizon },
    agents: agents.map((agent) => ({
      paused: false,
      period: null,
      pace: null,
      warned: nothingWarned(),
      ...agent,
      openBytes: openBytes.get(agent.name) ?? 0,
    })),
    remembered,
    histories: Array.from(histories, ([agent, lists]) => ({ agent, horizon: 0, ...lists })),
    unsettled,
  };
}
