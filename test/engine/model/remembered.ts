/** Repeats: the same id and content is answered again, the same id with another content is refused. */
import type { Metadata } from "../../../src/protocol/reservation.ts";
import { totalOf, unallocatedOf } from "./books.ts";
import {
  type Answer,
  again,
  type CommandOf,
  type Outcome,
  type Reservation,
  refuse,
  type Says,
  type World,
  withPath,
} from "./world.ts";

type Write = CommandOf<"fund" | "reserve" | "record" | "reallocate" | "reopen" | "reset" | "reset_period">;

/** The answer to a write whose id is known; undefined if it is new. */
export function repeatOf(world: World, command: Write): Answer | undefined {
  const known = knownOf(world, command.id);
  if (known === undefined) return undefined;
  const before = contentOf(known.command);
  const field = contentOf(command).find(([, value], index) => before[index]?.[1] !== value)?.[0];
  if (field !== undefined) return refuse("id_reused", { field, id: command.id });
  const now = command.op === "fund" ? { unallocated: unallocatedOf(world), total: totalOf(world) } : {};
  const says = "agent" in known ? withPath(world, known.agent.name, known.says) : known.says;
  return again({ ...says, ...now, replayed: true });
}

export function remember(world: World, command: Outcome["command"], says: Says): void {
  world.outcomes.push({ command, says });
}

function knownOf(world: World, id: string): Reservation | Outcome | undefined {
  return [...world.reservations, ...world.outcomes].find((known) => known.command.id === id);
}

/** What is compared, first to differ first. */
function contentOf(command: Write): [field: string, value: unknown][] {
  switch (command.op) {
    case "fund":
      return [
        ["op", command.op],
        ["amount", command.amount],
      ];
    case "reserve":
      return [
        ["op", command.op],
        ["agent", command.agent],
        ["amount", command.amount],
        ["at_least", command.at_least],
        ["ttl_ms", command.ttl_ms],
        ["on_expiry", command.on_expiry ?? "release"],
        ["metadata", plain(command.metadata)],
        ["final", command.final],
      ];
    case "record":
      return [
        ["op", command.op],
        ["agent", command.agent],
        ["amount", command.amount],
        ["confidence", command.confidence],
        ["metadata", plain(command.metadata)],
      ];
    case "reallocate":
      return [
        ["op", command.op],
        ["agent", command.agent],
        ["amount", command.amount],
      ];
    case "reset_period":
      return [["op", command.op]];
    case "reopen":
    case "reset":
      return [
        ["op", command.op],
        ["agent", command.agent],
      ];
  }
}

/** Labels are the same in any order; none are other than no labels. */
function plain(metadata: Metadata | undefined): string {
  if (metadata === undefined) return "";
  return JSON.stringify(Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1)));
}
