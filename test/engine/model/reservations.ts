/** `reserve`, `release`, `extend` and expiry: a reservation until it is settled. */
import { limits } from "../../../src/protocol/limits.ts";
import { availableOf, confidenceOf, gateOf, headroomOf } from "./books.ts";
import { letGo, pausedAt } from "./contracts.ts";
import { begin, beginDue, beginOwn, firstEnd } from "./periods.ts";
import { move, planFor, transferableTo } from "./transfers.ts";
import { warn } from "./warnings.ts";
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
  withPath,
} from "./world.ts";

export function reserve(world: World, command: CommandOf<"reserve">, now: number): Answer {
  const agent = findAgent(world, command.agent);
  if (agent === undefined) return refuse("agent_not_found", { agent: command.agent });
  const unready = unreadyOf(world, agent);
  if (unready !== undefined) return unready;
  const most = agent.contract.max_reserves_per_minute;
  const minute = (at: number): number => Math.floor(at / 60_000);
  const lately = world.reservations.filter((one) => one.agent === agent && minute(one.at) === minute(now));
  // Reserves from before the contract bounded them are not counted.
  if (most !== null && lately.filter(({ counted }) => counted).length >= most) {
    const retry_after_ms = (minute(now) + 1) * 60_000 - now;
    return refuse("too_many_reserves", { agent: agent.name, max_reserves_per_minute: most, retry_after_ms });
  }

  const { id, amount } = command;
  const at_least = command.at_least ?? amount;
  const kept = command.final ? 0 : agent.contract.final_reserve;
  const available = availableOf(world, agent) - kept;
  const headroom = headroomOf(world);
  const enough = amount <= available && amount <= headroom;
  const granted = enough ? amount : mostFor(world, agent, amount, kept);
  if (granted < at_least) {
    const transferable = transferableTo(world, agent);
    const potential = potentialOf(world, agent, kept);
    const next = at_least <= potential ? nextReturn(world) : undefined;
    const resets_at = refillThatHelps(world, agent, at_least, kept);
    const later = next ?? resets_at;
    const retry_after_ms = later === undefined ? undefined : later - now;
    const final_reserve = kept > 0 ? kept : undefined;
    const facts = { asked: amount, at_least, available, transferable, headroom, potential };
    const shown = { ...facts, retry_after_ms, resets_at, final_reserve };
    return refuse("budget_exceeded", { agent: agent.name, unit: settingsOf(world).unit, ...shown });
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
    counted: most !== null,
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
  return happened(withPath(world, agent.name, says));
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
  const says = withPath(world, reservation.agent.name, {
    id: command.id,
    state: "held",
    granted,
    expires_at,
    on_expiry,
    transfers,
  });
  return expires_at === expiresAt && on_expiry === onExpiry ? again(says) : happened(says);
}

/** Ends every lease and begins every period that is due, in the order of their ends; leases first. */
export function applyDue(world: World, now: number): string[] {
  const done: string[] = [];
  for (;;) {
    const [next] = world.reservations.filter(({ state }) => state === "held").sort(byEnd);
    const leaseEnd = next?.expiresAt ?? Number.POSITIVE_INFINITY;
    const periodEnd = firstEnd(world);
    if (Math.min(leaseEnd, periodEnd) > now) return done;
    if (next !== undefined && leaseEnd <= periodEnd) {
      expire(world, next, now);
      done.push(next.command.id);
    } else done.push(...beginDue(world, periodEnd, now));
  }
}

function expire(world: World, reservation: Reservation, now: number): void {
  reservation.state = "expired";
  if (reservation.onExpiry === "charge") {
    reservation.charge = reservation.granted;
    reservation.consumed = reservation.granted;
    book(world, reservation.agent, 0, reservation.granted);
  }
  warn(world, reservation.agent, now);
  letGo(world);
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

function mostFor(world: World, agent: Agent, amount: number, kept: number): number {
  return Math.min(amount, headroomOf(world), availableOf(world, agent) - kept + transferableTo(world, agent));
}

/** What the agent could get if every open reservation came back. */
function potentialOf(world: World, agent: Agent, kept: number): number {
  const copy = copyOf(world);
  return potentialIn(copy.world, copy.twin(agent), kept);
}

function potentialIn(world: World, agent: Agent, kept: number): number {
  for (const one of world.reservations) if (one.state === "held") one.state = "released";
  letGo(world);
  return Math.max(0, mostFor(world, agent, Number.POSITIVE_INFINITY, kept));
}

/** The next refill after which so much could be had: of a world in which it has come and nothing is open. */
function refillThatHelps(world: World, agent: Agent, atLeast: number, kept: number): number | undefined {
  const helps: number[] = [];
  if (world.period?.ends_at != null) {
    const copy = copyOf(world);
    for (const one of copy.world.reservations) if (one.state === "held") one.state = "released";
    begin(copy.world);
    if (atLeast <= potentialIn(copy.world, copy.twin(agent), kept)) helps.push(world.period.ends_at);
  }
  if (agent.period?.ends_at != null) {
    const copy = copyOf(world);
    const twin = copy.twin(agent);
    for (const one of copy.world.reservations) if (one.state === "held" && one.agent === twin) one.state = "released";
    beginOwn(copy.world, twin);
    if (atLeast <= potentialIn(copy.world, twin, kept)) helps.push(agent.period.ends_at);
  }
  return helps.length === 0 ? undefined : Math.min(...helps);
}

/** A copy to try things on: of whoever was ever there, because what left still says whose it was. */
function copyOf(world: World): { world: World; twin: (agent: Agent) => Agent } {
  const twins = new Map<Agent, Agent>();
  const twin = (agent: Agent): Agent => {
    const known = twins.get(agent);
    if (known !== undefined) return known;
    const parent = agent.parent === null ? null : twin(agent.parent);
    const made = { ...agent, parent, said: { ...agent.said }, reported: [...agent.reported] };
    twins.set(agent, made);
    return made;
  };
  const copy: World = {
    ...world,
    said: { ...world.said },
    warnings: [...world.warnings],
    agents: world.agents.map(twin),
    lines: world.lines.map((line) => ({
      ...line,
      account: typeof line.account === "string" ? line.account : twin(line.account),
    })),
    reservations: world.reservations.map((one) => ({ ...one, agent: twin(one.agent) })),
  };
  return { world: copy, twin };
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
