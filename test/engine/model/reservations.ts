/** `reserve`, `release`, `extend` and expiry: a reservation until it is settled. */
import { limits } from "../../../src/protocol/limits.ts";
import { availableOf, confidenceOf, gateOf, headroomOf } from "./books.ts";
import { letGo, pausedAt } from "./contracts.ts";
import { move, planFor, transferableTo } from "./transfers.ts";
import {
  type Agent,
  type Answer,
  again,
  book,
  type CommandOf,
  findAgent,
  happened,
  type Refused,
  type Reservation,
  refuse,
  settingsOf,
  type World,
} from "./world.ts";

export function reserve(world: World, command: CommandOf<"reserve">, now: number): Answer {
  const agent = findAgent(world, command.agent);
  if (agent === undefined) return refuse("agent_not_found", { agent: command.agent });
  const unready = unreadyOf(world, agent);
  if (unready !== undefined) return unready;

  const { id, amount } = command;
  const at_least = command.at_least ?? amount;
  const available = availableOf(world, agent);
  const headroom = headroomOf(world);
  const enough = amount <= available && amount <= headroom;
  const granted = enough ? amount : mostFor(world, agent, amount);
  if (granted < at_least) {
    const transferable = transferableTo(world, agent);
    const potential = potentialOf(world, agent);
    const next = nextReturn(world);
    const retry_after_ms = next !== undefined && at_least <= potential ? next - now : undefined;
    const shown = { asked: amount, at_least, available, transferable, headroom, potential, retry_after_ms };
    return refuse("budget_exceeded", { agent: agent.name, ...shown });
  }
  const { transfers } = planFor(world, agent, granted - available);
  move(world, agent, transfers);
  const expires_at = now + (command.ttl_ms ?? settingsOf(world).default_ttl_ms);
  const on_expiry = command.on_expiry ?? "release";
  const says = { id, state: "held", granted, expires_at, on_expiry, transfers };
  agent.activeAt = now;
  world.reservations.push({
    command,
    agent,
    at: now,
    granted,
    transfers,
    says,
    expiresAt: expires_at,
    onExpiry: on_expiry,
    state: "held",
    charge: 0,
    wiped: false,
    consumed: 0,
    overage: 0,
    late: false,
    commitTransfers: [],
    confidence: undefined,
  });
  return happened(says);
}

/** Why an agent gets no more budget, if so. */
export function unreadyOf(world: World, agent: Agent): Refused | undefined {
  if (agent.closing) return refuse("agent_closing", { agent: agent.name });
  const paused = pausedAt(world, agent);
  if (paused !== undefined) return refuse("paused", { agent: paused });
  if (gateOf(agent) === "open") return undefined;
  return refuse("confidence_reached", {
    agent: agent.name,
    confidence: confidenceOf(agent),
    confidence_threshold: agent.contract.confidence_threshold,
  });
}

export function release(world: World, command: CommandOf<"release">): Answer {
  const reservation = findReservation(world, command.id);
  if (reservation === undefined) return refuse("reservation_not_found", { id: command.id });
  if (reservation.state === "committed") return settled(reservation);
  if (reservation.state === "released") return again({ ...settlementOf(reservation), replayed: true });
  if (reservation.state === "expired") return again(settlementOf(reservation));
  reservation.state = "released";
  letGo(world);
  return happened(settlementOf(reservation));
}

export function extend(world: World, command: CommandOf<"extend">, now: number): Answer {
  const reservation = findReservation(world, command.id);
  if (reservation === undefined) return refuse("reservation_not_found", { id: command.id });
  if (reservation.state !== "held") return settled(reservation);
  const latest = reservation.at + limits.ttlMs;
  const { granted, transfers, expiresAt, onExpiry } = reservation;
  const expires_at = Math.min(latest, Math.max(expiresAt, now + command.ttl_ms));
  const on_expiry = command.on_expiry ?? onExpiry;
  reservation.expiresAt = expires_at;
  reservation.onExpiry = on_expiry;
  const says = { id: command.id, state: "held", granted, expires_at, on_expiry, transfers };
  return expires_at === expiresAt && on_expiry === onExpiry ? again(says) : happened(says);
}

/** Ends every lease that is due; gives the ids in the order of their ends. */
export function expire(world: World, now: number): string[] {
  const due = world.reservations.filter(({ state, expiresAt }) => state === "held" && expiresAt <= now).sort(byEnd);
  for (const reservation of due) {
    reservation.state = "expired";
    if (reservation.onExpiry === "charge") {
      reservation.charge = reservation.granted;
      reservation.consumed = reservation.granted;
      book(world, reservation.agent, 0, reservation.granted);
    }
    letGo(world);
  }
  return due.map(({ command }) => command.id);
}

export function findReservation(world: World, id: string): Reservation | undefined {
  return world.reservations.find(({ command }) => command.id === id);
}

export function settled({ command, state, consumed }: Reservation): Refused {
  return refuse("reservation_settled", { id: command.id, state, consumed });
}

export function settlementOf(reservation: Reservation) {
  const { command, state, granted, consumed, overage, commitTransfers: transfers, late } = reservation;
  return { id: command.id, state, granted, consumed, overage, transfers, late };
}

function mostFor(world: World, agent: Agent, amount: number): number {
  return Math.min(amount, headroomOf(world), availableOf(world, agent) + transferableTo(world, agent));
}

/** What the agent could get if every open reservation came back: a copy of the world in which they have. */
function potentialOf(world: World, agent: Agent): number {
  const copy = {
    ...world,
    lines: [...world.lines],
    reservations: world.reservations.map((one) =>
      one.state === "held" ? { ...one, state: "released" as const } : one,
    ),
  };
  letGo(copy);
  return Math.max(0, mostFor(copy, agent, Number.POSITIVE_INFINITY));
}

/** When the next lease ends, if what it holds comes back then. */
function nextReturn(world: World): number | undefined {
  const held = world.reservations.filter(({ state }) => state === "held");
  const next = held.sort(byEnd)[0];
  return next?.onExpiry === "release" ? next.expiresAt : undefined;
}

function byEnd(a: Reservation, b: Reservation): number {
  return a.expiresAt - b.expiresAt || (a.command.id < b.command.id ? -1 : 1);
}
