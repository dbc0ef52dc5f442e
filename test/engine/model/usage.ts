/** `commit`, `record` and `reallocate`: facts are booked, budget moves. */

import { limits } from "../../../src/protocol/limits.ts";
import type { Transfer } from "../../../src/protocol/reservation.ts";
import { allocatedOf, availableOf, consumedOf, ownerOf, spentOf } from "./books.ts";
import { letGo } from "./contracts.ts";
import { remember } from "./remembered.ts";
import { findReservation, settled, settlementOf, unreadyOf } from "./reservations.ts";
import { move, planFor, sumOf } from "./transfers.ts";
import { warn } from "./warnings.ts";
import {
  type Agent,
  type Answer,
  again,
  book,
  type CommandOf,
  findAgent,
  happened,
  refuse,
  settingsOf,
  type World,
} from "./world.ts";

export function commit(world: World, command: CommandOf<"commit">, now: number): Answer {
  const { id, amount, confidence } = command;
  const reservation = findReservation(world, id);
  if (reservation === undefined) return refuse("reservation_not_found", { id });
  const { state, charge, wiped, agent } = reservation;
  if (state === "committed" && reservation.consumed === amount && reservation.confidence === confidence) {
    return again({ ...settlementOf(reservation), replayed: true });
  }
  if (state === "committed" || state === "released") return settled(reservation);

  const late = state === "expired";
  const excess = Math.max(0, amount - (late ? charge : reservation.granted));
  const growth = wiped ? excess : amount - charge;
  if (growth > 0 && spentOf(world) + growth > limits.spend) return refuse("limit_reached", { limit: "spend" });

  reservation.state = "committed";
  reservation.late = late;
  reservation.consumed = amount;
  reservation.confidence = confidence;
  const owner = ownerOf(world, agent);
  if (owner === "closed") {
    book(world, owner, 0, growth);
    if (growth < 0) giveBack(world, -growth);
  } else {
    book(world, owner, 0, growth - excess);
    const { transfers, overage } = spend(world, owner, excess);
    reservation.commitTransfers = transfers;
    reservation.overage = overage;
  }
  if (owner === agent) noteUse(agent, confidence, now);
  warn(world, owner, now);
  letGo(world);
  return happened(settlementOf(reservation));
}

export function record(world: World, command: CommandOf<"record">, now: number): Answer {
  const { id, amount, confidence } = command;
  const agent = findAgent(world, command.agent);
  if (agent === undefined) return refuse("agent_not_found", { agent: command.agent });
  if (spentOf(world) + amount > limits.spend) return refuse("limit_reached", { limit: "spend" });
  const { transfers, overage } = spend(world, agent, amount);
  noteUse(agent, confidence, now);
  warn(world, agent, now);
  const says = { id, consumed: amount, overage, transfers };
  remember(world, command, says);
  return happened(says);
}

export function reallocate(world: World, command: CommandOf<"reallocate">): Answer {
  const { id, amount } = command;
  const dry_run = command.dry_run ?? false;
  const agent = findAgent(world, command.agent);
  if (agent === undefined) return refuse("agent_not_found", { agent: command.agent });
  const unready = unreadyOf(world, agent);
  if (unready !== undefined) return unready;
  const { transfers, donors } = planFor(world, agent, amount);
  const moved = sumOf(transfers);
  const gifts = donors.map((donor) => ({ ...donor, gives: givenBy(transfers, donor.agent) }));
  const says = { id, asked: amount, moved, shortfall: amount - moved, transfers, donors: gifts, dry_run };
  if (dry_run) return again(says);
  move(world, agent, transfers);
  remember(world, command, says);
  return happened(says);
}

/** Books `excess`: out of what the agent has available, then out of transfers; the rest is overage. */
function spend(world: World, agent: Agent, excess: number): { transfers: Transfer[]; overage: number } {
  const own = Math.min(excess, Math.max(0, availableOf(world, agent)));
  const { transfers } = planFor(world, agent, excess - own);
  move(world, agent, transfers);
  book(world, agent, 0, excess);
  return { transfers, overage: excess - own - sumOf(transfers) };
}

function noteUse(agent: Agent, confidence: number | undefined, now: number): void {
  agent.activeAt = now;
  if (confidence !== undefined) agent.reported.push(confidence);
}

/** A charge in the closed accounts was too high by `correction`: what they have above consumed leaves them. */
function giveBack(world: World, correction: number): void {
  const above = Math.max(0, allocatedOf(world, "closed") - consumedOf(world, "closed"));
  const returned = Math.min(above, correction);
  book(world, "closed", -returned, 0);
  if (settingsOf(world).budget !== null) book(world, "unallocated", returned, 0);
}

function givenBy(transfers: readonly Transfer[], agent: string): number {
  return sumOf(transfers.filter(({ from }) => from === agent));
}
