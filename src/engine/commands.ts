/** A table of commands: how each is decided, and how its answer is read from the state once its events are applied. */
import type { Command, Results } from "../protocol/commands.ts";
import type { ReservationResult, SettlementResult, Transfer } from "../protocol/reservation.ts";
import { decideClose, decidePause, decideRegister, decideReopen, decideReset } from "./decisions/agent.ts";
import type { Decision } from "./decisions/decision.ts";
import { decideResetPeriod } from "./decisions/period.ts";
import { decideConfigure, decideFund } from "./decisions/pool.ts";
import { decideCommit, decideExtend, decideRelease, decideReserve } from "./decisions/reservation.ts";
import { decideReallocate, decideRecord } from "./decisions/usage.ts";
import { periodOf, viewDetail, viewNamed, viewPool } from "./results.ts";
import { agentOf, type Booking, type Pool, type Reservation, reservationOf } from "./state.ts";

type CommandOf<Op extends Command["op"]> = Extract<Command, { readonly op: Op }>;

/** Beside an answer that was given before. */
type Again = { readonly replayed?: true };

export type Handler<Op extends Command["op"]> = {
  readonly decide: (pool: Pool, command: CommandOf<Op>, now: number) => Decision;
  /** The answer, once the command is applied; a repeat is answered from the same state. */
  readonly answer: (pool: Pool, command: CommandOf<Op>, again: Again) => Results[Op];
};

export const handlers: { readonly [Op in Command["op"]]: Handler<Op> } = {
  configure: { decide: decideConfigure, answer: (pool) => viewPool(pool) },
  fund: {
    decide: decideFund,
    answer: (pool, command, again) => {
      const { id, amount, seq } = bookingOf(pool, command.id);
      return { id, amount, seq, total: pool.total, unallocated: pool.unallocated, ...again };
    },
  },
  register: {
    decide: decideRegister,
    answer: (pool, { agent }) => ({ seq: pool.seq, agent: viewDetail(agentOf(pool, agent)) }),
  },
  close: {
    decide: decideClose,
    answer: (pool, { agent: name }) => {
      const agent = pool.agents.get(name);
      return agent === undefined
        ? { seq: pool.seq, state: "closed", agent: null }
        : { seq: pool.seq, state: "closing", agent: viewDetail(agent) };
    },
  },
  reopen: { decide: decideReopen, answer: changed },
  reset: { decide: decideReset, answer: changed },
  pause: { decide: decidePause, answer: paused },
  resume: { decide: decidePause, answer: paused },
  reset_period: {
    decide: decideResetPeriod,
    answer: (pool, command, again) => {
      const { id, seq } = bookingOf(pool, command.id);
      return { id, seq, period: periodOf(pool), ...again };
    },
  },
  reserve: {
    decide: decideReserve,
    answer: (pool, command, again) => {
      const reservation = reservationOf(pool, command.id);
      const { firstExpiresAt: expires_at, firstOnExpiry: on_expiry, seq } = reservation;
      return { ...viewHeld(pool, reservation), expires_at, on_expiry, seq, ...again };
    },
  },
  commit: { decide: decideCommit, answer: settled },
  release: { decide: decideRelease, answer: settled },
  extend: {
    decide: decideExtend,
    answer: (pool, command) => {
      const reservation = reservationOf(pool, command.id);
      const { expiresAt: expires_at, onExpiry: on_expiry } = reservation;
      return { ...viewHeld(pool, reservation), expires_at, on_expiry, seq: pool.seq };
    },
  },
  record: {
    decide: decideRecord,
    answer: (pool, command, again) => {
      const { id, amount, overage, transfers, seq, agent } = bookingOf(pool, command.id);
      return { id, consumed: amount, overage, transfers, seq, agent: viewNamed(pool, agent), ...again };
    },
  },
  reallocate: {
    decide: decideReallocate,
    answer: (pool, command, again) => {
      const { id, amount, transfers, donors, seq, agent } = bookingOf(pool, command.id);
      const moved = sum(transfers);
      const amounts = { asked: amount, moved, shortfall: amount - moved };
      return { id, ...amounts, transfers, donors, dry_run: false, seq, agent: viewNamed(pool, agent), ...again };
    },
  },
};

/** The handler of a command; the table pairs the two, which TypeScript can't follow through an index. */
export function handlerOf<Op extends Command["op"]>({ op }: { readonly op: Op }): Handler<Op> {
  return handlers[op];
}

function paused(pool: Pool, { agent: name }: CommandOf<"pause" | "resume">): Results["pause"] {
  const agent = name === null ? null : agentOf(pool, name);
  return { seq: pool.seq, paused: (agent ?? pool).paused, agent: agent === null ? null : viewDetail(agent) };
}

function changed(pool: Pool, command: CommandOf<"reopen" | "reset">, again: Again): Results["reopen"] {
  const { id, seq, agent } = bookingOf(pool, command.id);
  return { id, seq, agent: viewNamed(pool, agent), ...again };
}

function viewHeld(
  pool: Pool,
  { id, granted, transfers, agent }: Reservation,
): Pick<ReservationResult, "id" | "state" | "granted" | "transfers" | "confidence_path" | "agent"> {
  const confidence_path = pool.agents.get(agent)?.contract.confidence_path ?? null;
  const path = confidence_path === null ? undefined : { confidence_path };
  return { id, state: "held", granted, transfers, ...path, agent: viewNamed(pool, agent) };
}

function settled(pool: Pool, command: CommandOf<"commit" | "release">, again: Again): SettlementResult {
  const { id, state, granted, settlement, agent } = reservationOf(pool, command.id);
  if (state === "held" || settlement === undefined) throw new Error(`reservation ${id} is not settled`);
  const { amount, overage, transfers, late, seq } = settlement;
  return {
    id,
    state,
    granted,
    consumed: amount,
    overage,
    transfers,
    late,
    seq,
    agent: viewNamed(pool, agent),
    ...again,
  };
}

function bookingOf(pool: Pool, id: string): Booking {
  const known = pool.remembered.get(id);
  if (known === undefined || known.op === "reserve") throw new Error(`no outcome ${id} at seq ${pool.seq}`);
  return known;
}

function sum(transfers: readonly Transfer[]): number {
  return transfers.reduce((total, transfer) => total + transfer.amount, 0);
}
