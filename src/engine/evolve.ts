/**
 * Applies an event to the state. It decides nothing and refuses nothing: folding the journal from its beginning
 * gives, byte for byte, the state that its owner had.
 */
import type { EventOf, PoolEvent } from "../protocol/events.ts";
import type { Transfer } from "../protocol/reservation.ts";
import { bytesOf } from "./bytes.ts";
import { Heap } from "./heap.ts";
import { awaitCommit, commitsLate, forget, forgetFuture, retain } from "./remember.ts";
import {
  type Agent,
  agentOf,
  type Booking,
  bookedBy,
  earliestEnd,
  emptyPool,
  isCurrent,
  type Lease,
  leaseBefore,
  minuteOf,
  nothingWarned,
  type Pool,
  type Reservation,
  reservationOf,
  unsettledOne,
} from "./state.ts";
import { rearm, withSaid } from "./warnings.ts";

export function evolve(pool: Pool, event: PoolEvent): void {
  pool.seq++;
  pool.at = event.at;
  apply(pool, event);
  forget(pool);
}

/** The state after `events`, from nothing. */
export function fold(events: Iterable<PoolEvent>): Pool {
  const pool = emptyPool();
  for (const event of events) evolve(pool, event);
  return pool;
}

function apply(pool: Pool, event: PoolEvent): void {
  switch (event.type) {
    case "configured":
      return configured(pool, event);
    case "funded":
      addToUnallocated(pool, event.amount);
      rearm(pool, null);
      return book(pool, event.id, { op: "fund", agent: null, amount: event.amount });
    case "registered":
      return registered(pool, event);
    case "closing":
      agentOf(pool, event.agent).closing = true;
      pool.roster++;
      if (event.id !== undefined) book(pool, event.id, { op: "close", agent: event.agent, amount: 0 });
      return;
    case "closed":
      return closed(pool, event);
    case "reopened":
      openGate(agentOf(pool, event.agent));
      return book(pool, event.id, { op: "reopen", agent: event.agent, amount: 0 });
    case "paused":
    case "resumed":
      (event.agent === null ? pool : agentOf(pool, event.agent)).paused = event.type === "paused";
      return;
    case "reset":
      return reset(pool, event);
    case "period_started":
      return periodStarted(pool, event);
    case "agent_period_started":
      return agentPeriodStarted(pool, event);
    case "clock_corrected":
      return clockCorrected(pool, event);
    case "warned":
      return warned(pool, event);
    case "reserved":
      return reserved(pool, event);
    case "committed":
      return committed(pool, event);
    case "released":
      return settleAs(pool, reservationOf(pool, event.id), "released", 0);
    case "extended":
      return extended(pool, event);
    case "expired":
      return expired(pool, event);
    case "recorded":
      return recorded(pool, event);
    case "reallocated":
      take(pool, agentOf(pool, event.agent), event.transfers);
      return book(pool, event.id, { ...event, op: "reallocate", amount: event.asked });
    case "refused":
      return;
  }
}

function configured(pool: Pool, event: EventOf<"configured">): void {
  pool.settings = event.settings;
  pool.roster++;
  addToUnallocated(pool, event.unallocated);
  rearm(pool, null);
  if (event.period === undefined) return;
  pool.period = event.period;
  pool.periodsEndAt = earliestEnd(pool);
}

function addToUnallocated(pool: Pool, amount: number): void {
  pool.unallocated += amount;
  pool.total += amount;
}

/** Remembers a write that is not a reservation, so that its repeat is answered, not run. */
function book(pool: Pool, id: string, booking: Pick<Booking, "op" | "agent" | "amount"> & Partial<Booking>): void {
  const { op, agent, amount, confidence, metadata, overage = 0, transfers = [], donors = [] } = booking;
  const { at, seq } = pool;
  const booked: Booking = { op, id, agent, amount, confidence, metadata, overage, transfers, donors, at, seq };
  pool.remembered.set(id, booked);
  retain(pool, booked);
}

function registered(pool: Pool, event: EventOf<"registered">): void {
  const { agent: name, contract, allocated, source } = event;
  const known = pool.agents.get(name);
  const parent = contract.parent === null ? undefined : agentOf(pool, contract.parent);
  const agent = known ?? newAgent(name, event, (parent?.depth ?? 0) + 1);
  if (known === undefined) {
    pool.agents.set(name, agent);
    if (parent !== undefined) parent.subAgents++;
  }
  agent.contract = contract;
  pool.roster++;
  allocate(pool, agent, allocated, source);
  rearm(pool, agent);
  if (event.period === undefined) return;
  agent.period = event.period;
  pool.periodsEndAt = earliestEnd(pool);
}

function newAgent(name: string, event: EventOf<"registered">, depth: number): Agent {
  return {
    name,
    contract: event.contract,
    depth,
    allocated: 0,
    consumed: 0,
    held: 0,
    open: 0,
    openBytes: 0,
    unsettled: 0,
    subAgents: 0,
    confidence: null,
    closing: false,
    activeAt: event.at,
    paused: false,
    period: null,
    pace: null,
    warned: nothingWarned(),
  };
}

/** Grows (or, below zero, shrinks) an allocation at the cost of where it comes from. */
function allocate(pool: Pool, agent: Agent, amount: number, source: EventOf<"registered">["source"]): void {
  agent.allocated += amount;
  if (source === "unallocated") pool.unallocated -= amount;
  else if (source === "issued") pool.total += amount;
  else if (agent.contract.parent !== null) agentOf(pool, agent.contract.parent).allocated -= amount;
}

/** Moves budget to `agent`. */
function take(pool: Pool, agent: Agent, transfers: readonly Transfer[]): void {
  for (const { from, amount } of transfers) {
    if (from === null) pool.unallocated -= amount;
    else agentOf(pool, from).allocated -= amount;
    agent.allocated += amount;
  }
}

function closed(pool: Pool, event: EventOf<"closed">): void {
  const agent = agentOf(pool, event.agent);
  const parent = agent.contract.parent === null ? undefined : agentOf(pool, agent.contract.parent);
  if (parent !== undefined) {
    parent.allocated += agent.allocated;
    parent.consumed += agent.consumed;
    parent.unsettled += agent.unsettled;
    parent.subAgents--;
  } else {
    pool.closed.allocated += agent.allocated - event.unspent;
    pool.closed.consumed += agent.consumed;
    pool.unallocated += event.unspent - event.retired;
    pool.total -= event.retired;
  }
  pool.closed.agents++;
  pool.agents.delete(agent.name);
  pool.roster++;
  if (agent.period !== null) pool.periodsEndAt = earliestEnd(pool);
  if (agent.unsettled === 0) return;
  for (const reservation of unsettledOf(pool, agent.name)) reservation.owner = parent?.name ?? null;
}

function unsettledOf(pool: Pool, owner: string): Reservation[] {
  return pool.unsettled
    .toArray()
    .map((expiry) => unsettledOne(pool, expiry))
    .filter((reservation) => reservation !== undefined)
    .filter((reservation) => reservation.owner === owner);
}

function reset(pool: Pool, event: EventOf<"reset">): void {
  const agent = agentOf(pool, event.agent);
  pool.consumed -= agent.consumed;
  agent.consumed = 0;
  agent.warned = nothingWarned();
  openGate(agent);
  allocate(pool, agent, event.allocated, event.source);
  if (agent.unsettled > 0) unsettledOf(pool, agent.name).forEach(chargeBefore);
  book(pool, event.id, { op: "reset", agent: event.agent, amount: 0 });
}

function openGate(agent: Agent): void {
  agent.confidence = null;
  agent.warned = { ...agent.warned, gate: false };
}

/** What expiry booked is in the books of a period that is over: a late commit books what goes beyond. */
function chargeBefore(reservation: Reservation): void {
  reservation.chargedBefore += reservation.charged;
  reservation.charged = 0;
}

/** Reservations that are open stay so, and their agents' gates stay as they are: time alone makes no new task. */
function periodStarted(pool: Pool, event: EventOf<"period_started">): void {
  const { number, starts_at, ends_at } = event;
  pool.total = event.total;
  pool.unallocated = event.unallocated;
  pool.consumed = 0;
  pool.closed = { agents: 0, allocated: 0, consumed: 0 };
  pool.warned = nothingWarned();
  for (const { agent: name, allocated } of event.agents) {
    const agent = agentOf(pool, name);
    agent.allocated = allocated;
    agent.consumed = 0;
    agent.warned = { ...nothingWarned(), gate: agent.warned.gate };
  }
  for (const expiry of pool.unsettled.toArray()) {
    const reservation = unsettledOne(pool, expiry);
    if (reservation !== undefined) chargeBefore(reservation);
  }
  pool.period = { number, starts_at, ends_at };
  pool.periodsEndAt = earliestEnd(pool);
  if (event.id !== undefined) book(pool, event.id, { op: "reset_period", agent: null, amount: 0 });
}

function agentPeriodStarted(pool: Pool, event: EventOf<"agent_period_started">): void {
  const { number, starts_at, ends_at } = event;
  const agent = agentOf(pool, event.agent);
  const books = agent.contract.parent === null ? pool.closed : agentOf(pool, agent.contract.parent);
  const paid = Math.min(agent.allocated, agent.consumed);
  books.allocated += paid;
  books.consumed += agent.consumed;
  agent.allocated -= paid;
  agent.consumed = 0;
  agent.warned = { ...nothingWarned(), gate: agent.warned.gate };
  allocate(pool, agent, event.allocated, event.source);
  if (agent.unsettled > 0) unsettledOf(pool, agent.name).forEach(chargeBefore);
  agent.period = { number, starts_at, ends_at };
  pool.periodsEndAt = earliestEnd(pool);
}

function clockCorrected(pool: Pool, { at, by }: EventOf<"clock_corrected">): void {
  const leases: Lease[] = [];
  for (const known of pool.remembered.values()) {
    if (known.op !== "reserve" || known.state !== "held") continue;
    known.expiresAt -= by;
    leases.push({ id: known.id, expiresAt: known.expiresAt });
  }
  pool.leases = new Heap(leaseBefore, leases);
  for (const agent of pool.agents.values()) agent.pace = null;
  forgetFuture(pool, at);
}

function warned(pool: Pool, event: EventOf<"warned">): void {
  const about = event.agent === null ? pool : agentOf(pool, event.agent);
  about.warned = withSaid(about.warned, event);
}

function reserved(pool: Pool, event: EventOf<"reserved">): void {
  const agent = agentOf(pool, event.agent);
  if (event.transfers.length > 0) take(pool, agent, event.transfers);
  agent.held += event.granted;
  agent.open++;
  agent.activeAt = event.at;
  if (agent.contract.max_reserves_per_minute !== null) agent.pace = paceAt(agent, event.at);
  pool.held += event.granted;
  pool.open++;
  const reservation: Reservation = {
    op: "reserve",
    id: event.id,
    agent: event.agent,
    owner: event.agent,
    state: "held",
    asked: event.asked,
    granted: event.granted,
    transfers: event.transfers,
    at: event.at,
    seq: pool.seq,
    firstExpiresAt: event.expires_at,
    firstOnExpiry: event.on_expiry,
    expiresAt: event.expires_at,
    onExpiry: event.on_expiry,
    atLeast: event.at_least,
    ttlMs: event.ttl_ms,
    metadata: event.metadata,
    final: event.final,
    charged: 0,
    chargedBefore: 0,
    settlement: undefined,
  };
  pool.remembered.set(event.id, reservation);
  const bytes = bytesOf(reservation);
  agent.openBytes += bytes;
  pool.openBytes += bytes;
  pushLease(pool, event.id, event.expires_at);
}

function paceAt({ pace }: Agent, at: number): Agent["pace"] {
  const minute = minuteOf(at);
  return { minute, count: pace?.minute === minute ? pace.count + 1 : 1 };
}

function pushLease(pool: Pool, id: string, expiresAt: number): void {
  pool.leases.push({ expiresAt, id });
  // Settled and extended reservations leave their entries behind; twice the live ones is what they may cost.
  if (pool.leases.size > 2 * pool.open + 1_000) {
    pool.leases.compact((lease) => {
      const known = pool.remembered.get(lease.id);
      return known?.op === "reserve" && isCurrent(lease, known);
    });
  }
}

function committed(pool: Pool, event: EventOf<"committed">): void {
  const reservation = reservationOf(pool, event.id);
  const late = reservation.state === "expired";
  const booked = bookedBy(reservation, event.amount);
  const agent = reservation.owner === null ? undefined : agentOf(pool, reservation.owner);
  if (agent === undefined) {
    bookOnClosed(pool, booked);
  } else {
    take(pool, agent, event.transfers);
    agent.consumed += booked;
    // What is booked to a parent because its sub-agent left is neither its work nor its confidence.
    if (agent.name === reservation.agent) {
      agent.activeAt = event.at;
      reportConfidence(agent, event.confidence);
    }
  }
  pool.consumed += booked;
  if (late) {
    commitsLate(pool, reservation);
    if (agent !== undefined) agent.unsettled--;
  } else {
    endHold(pool, reservation);
  }
  reservation.state = "committed";
  reservation.charged = 0;
  const { amount, confidence, overage, transfers } = event;
  reservation.settlement = { at: event.at, seq: pool.seq, amount, confidence, overage, transfers, late };
  retain(pool, reservation);
}

/**
 * A late commit of an agent that left. If it corrects a charge downwards, what the closed books have over returns
 * the way an agent's unspent budget does: to the unallocated budget, or out of existence where registering had issued it.
 */
function bookOnClosed(pool: Pool, booked: number): void {
  pool.closed.consumed += booked;
  const over = Math.max(0, Math.min(-booked, pool.closed.allocated - pool.closed.consumed));
  pool.closed.allocated -= over;
  if (pool.settings?.budget === null) pool.total -= over;
  else pool.unallocated += over;
}

/** The gate looks at the highest confidence since it last opened; a later, humbler report does not open it. */
function reportConfidence(agent: Agent, confidence: number | undefined): void {
  if (confidence !== undefined) agent.confidence = Math.max(agent.confidence ?? 0, confidence);
}

function endHold(pool: Pool, reservation: Reservation): void {
  const agent = agentOf(pool, reservation.agent);
  agent.held -= reservation.granted;
  agent.open--;
  pool.held -= reservation.granted;
  pool.open--;
  const bytes = bytesOf(reservation);
  agent.openBytes -= bytes;
  pool.openBytes -= bytes;
}

function settleAs(pool: Pool, reservation: Reservation, state: "released" | "expired", amount: number): void {
  endHold(pool, reservation);
  reservation.state = state;
  reservation.settlement = {
    at: pool.at,
    seq: pool.seq,
    amount,
    confidence: undefined,
    overage: 0,
    transfers: [],
    late: false,
  };
  if (state === "released") retain(pool, reservation);
}

function extended(pool: Pool, event: EventOf<"extended">): void {
  const reservation = reservationOf(pool, event.id);
  reservation.onExpiry = event.on_expiry;
  if (reservation.expiresAt === event.expires_at) return;
  reservation.expiresAt = event.expires_at;
  pushLease(pool, event.id, event.expires_at);
}

function expired(pool: Pool, event: EventOf<"expired">): void {
  const reservation = reservationOf(pool, event.id);
  const agent = agentOf(pool, reservation.agent);
  settleAs(pool, reservation, "expired", event.charged);
  reservation.charged = event.charged;
  agent.consumed += event.charged;
  agent.unsettled++;
  pool.consumed += event.charged;
  awaitCommit(pool, reservation);
}

function recorded(pool: Pool, event: EventOf<"recorded">): void {
  const agent = agentOf(pool, event.agent);
  take(pool, agent, event.transfers);
  agent.consumed += event.amount;
  agent.activeAt = event.at;
  reportConfidence(agent, event.confidence);
  pool.consumed += event.amount;
  book(pool, event.id, { ...event, op: "record" });
}
