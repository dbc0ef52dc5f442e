/** What each type of event does to the state, as a table. */
import type { EventOf, EventType } from "../../protocol/events.ts";
import type { Pool } from "../state.ts";

/** A function for each of these events. */
export type Appliers<Events extends { readonly type: EventType }> = {
  readonly [Type in Events["type"]]: (pool: Pool, event: EventOf<Type>) => void;
};
